/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The floor of the start-up benches: the least that any virtual machine monitor with local APICs in
 * the kernel has to do before a guest writes a byte. No devices, no boot protocol: real mode, and
 * five instructions.
 */
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

enum { RAM = 64 << 20, START = 0x1000 };

/* mov $0x3f8, %dx; mov $'!', %al; out %al, (%dx); mov $0x600, %dx; out %al, (%dx); hlt */
static const uint8_t code[] = {0xba, 0xf8, 0x03, 0xb0, '!', 0xee, 0xba, 0x00, 0x06, 0xee, 0xf4};

static int run(int vcpu, struct kvm_run *shared)
{
	for (;;) {
		if (ioctl(vcpu, KVM_RUN, 0) < 0 || shared->exit_reason != KVM_EXIT_IO)
			return 1;
		if (shared->io.port == 0x600)
			return 0;
		if (write(1, (char *)shared + shared->io.data_offset, 1) != 1)
			return 1;
	}
}

int main(void)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC), vm, vcpu, size;
	struct kvm_enable_cap split = {.cap = KVM_CAP_SPLIT_IRQCHIP, .args = {24}};
	struct kvm_userspace_memory_region region = {.memory_size = RAM};
	struct kvm_regs regs = {.rip = START, .rflags = 2};
	struct kvm_sregs sregs;
	struct kvm_run *shared;
	uint8_t *ram;

	vm = ioctl(kvm, KVM_CREATE_VM, 0);
	ram = mmap(NULL, RAM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		   -1, 0);
	if (vm < 0 || ram == MAP_FAILED || ioctl(vm, KVM_ENABLE_CAP, &split) < 0)
		return 1;
	memcpy(ram + START, code, sizeof(code));
	region.userspace_addr = (uintptr_t)ram;
	if (ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region) < 0)
		return 1;
	vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);
	size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (vcpu < 0 || size < 0)
		return 1;
	shared = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
	if (shared == MAP_FAILED || ioctl(vcpu, KVM_GET_SREGS, &sregs) < 0)
		return 1;
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	if (ioctl(vcpu, KVM_SET_SREGS, &sregs) < 0 || ioctl(vcpu, KVM_SET_REGS, &regs) < 0)
		return 1;
	return run(vcpu, shared);
}
