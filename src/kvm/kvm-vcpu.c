/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ioctls of one virtual CPU.
 */
#include <errno.h>
#include <sys/ioctl.h>
#include <string.h>
#include <sys/mman.h>

#include "base/fd.h"
#include "kvm/kvm-vcpu.h"
#include "kvm/kvm.h"

static int vcpu_ioctl(struct kvm_vcpu *vcpu, unsigned long request, void *arg)
{
	int r = ioctl(vcpu->fd, request, arg);

	return r < 0 ? -errno : r;
}

int kvm_vcpu_init(struct kvm_vcpu *vcpu, struct kvm *kvm, uint32_t id)
{
	void *run;
	int r;

	cleanup_fd int fd = ioctl(kvm->vm_fd, KVM_CREATE_VCPU, (unsigned long)id);
	if (fd < 0)
		return -errno;
	run = mmap(NULL, kvm->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (run == MAP_FAILED) {
		r = -errno;
		return r;
	}
	*vcpu = (struct kvm_vcpu){.fd = TAKE_FD(fd), .run = run, .run_size = kvm->run_size};
	return 0;
}

void kvm_vcpu_fini(struct kvm_vcpu *vcpu)
{
	munmap(vcpu->run, vcpu->run_size);
	vcpu->run = NULL;
	vcpu->fd = fd_close(vcpu->fd);
}

int kvm_vcpu_run(struct kvm_vcpu *vcpu)
{
	return ioctl(vcpu->fd, KVM_RUN, 0) < 0 ? -errno : 0;
}

/* Of Linux 6.8, for headers that are older: flags, address and size, 64 bits each. */
#define EXIT_MEMORY_FAULT 39

bool kvm_vcpu_memory_fault(const struct kvm_vcpu *vcpu, uint64_t *ret_gpa)
{
	if (vcpu->run->exit_reason != EXIT_MEMORY_FAULT)
		return false;
	memcpy(ret_gpa, vcpu->run->padding + sizeof(uint64_t), sizeof(*ret_gpa));
	return true;
}

void kvm_vcpu_set_immediate_exit(struct kvm_vcpu *vcpu, bool exit)
{
	__atomic_store_n(&vcpu->run->immediate_exit, exit, __ATOMIC_SEQ_CST);
}

void kvm_vcpu_note_pause(struct kvm_vcpu *vcpu)
{
	(void)!ioctl(vcpu->fd, KVM_KVMCLOCK_CTRL, 0);
}

int kvm_vcpu_set_cpuid(struct kvm_vcpu *vcpu, const struct kvm_cpuid2 *cpuid)
{
	return vcpu_ioctl(vcpu, KVM_SET_CPUID2, (void *)cpuid);
}

int kvm_vcpu_get_regs(struct kvm_vcpu *vcpu, struct kvm_regs *ret)
{
	return vcpu_ioctl(vcpu, KVM_GET_REGS, ret);
}

int kvm_vcpu_set_regs(struct kvm_vcpu *vcpu, const struct kvm_regs *regs)
{
	return vcpu_ioctl(vcpu, KVM_SET_REGS, (void *)regs);
}

int kvm_vcpu_get_sregs(struct kvm_vcpu *vcpu, struct kvm_sregs *ret)
{
	return vcpu_ioctl(vcpu, KVM_GET_SREGS, ret);
}

int kvm_vcpu_set_sregs(struct kvm_vcpu *vcpu, const struct kvm_sregs *sregs)
{
	return vcpu_ioctl(vcpu, KVM_SET_SREGS, (void *)sregs);
}

int kvm_vcpu_get_lapic(struct kvm_vcpu *vcpu, struct kvm_lapic_state *ret)
{
	return vcpu_ioctl(vcpu, KVM_GET_LAPIC, ret);
}

int kvm_vcpu_set_lapic(struct kvm_vcpu *vcpu, const struct kvm_lapic_state *lapic)
{
	return vcpu_ioctl(vcpu, KVM_SET_LAPIC, (void *)lapic);
}

int kvm_vcpu_set_events(struct kvm_vcpu *vcpu, const struct kvm_vcpu_events *events)
{
	return vcpu_ioctl(vcpu, KVM_SET_VCPU_EVENTS, (void *)events);
}

int kvm_vcpu_set_mp_state(struct kvm_vcpu *vcpu, uint32_t state)
{
	struct kvm_mp_state mp = {.mp_state = state};

	return vcpu_ioctl(vcpu, KVM_SET_MP_STATE, &mp);
}

int kvm_vcpu_set_msrs(struct kvm_vcpu *vcpu, const struct kvm_msrs *msrs)
{
	return vcpu_ioctl(vcpu, KVM_SET_MSRS, (void *)msrs);
}

int kvm_vcpu_translate(struct kvm_vcpu *vcpu, uint64_t gva, uint64_t *ret_gpa)
{
	struct kvm_translation tr = {.linear_address = gva};
	int r = vcpu_ioctl(vcpu, KVM_TRANSLATE, &tr);

	if (r < 0)
		return r;
	if (!tr.valid)
		return -EFAULT;
	*ret_gpa = tr.physical_address;
	return 0;
}
