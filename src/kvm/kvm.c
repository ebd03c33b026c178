/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening KVM, and the ioctls of the virtual machine as a whole.
 */
#include <cpuid.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/fd.h"
#include "kvm/kvm.h"

#define KVM_DEVICE "/dev/kvm"

#define VENDOR_HYGON_EBX 0x6f677948u /* "Hygo": a processor with SVM */

/* Its diagnostics belong to no place in the file. */
static const struct span nowhere;

static int vm_ioctl(const struct kvm *kvm, unsigned long request, void *arg)
{
	int r = ioctl(kvm->vm_fd, request, arg);

	return r < 0 ? -errno : r;
}

static const char *host_extension(void)
{
	unsigned eax, ebx, ecx, edx;

	if (!__get_cpuid(0, &eax, &ebx, &ecx, &edx))
		return "VT-x or AMD-V";
	return ebx == signature_AMD_ebx ? "AMD-V (SVM)" : "VT-x";
}

/* A host processor whose KVM may need pages of the guest to run real mode. */
static bool host_is_intel(void)
{
	unsigned eax, ebx, ecx, edx;

	return __get_cpuid(0, &eax, &ebx, &ecx, &edx) && ebx != signature_AMD_ebx &&
	       ebx != VENDOR_HYGON_EBX;
}

static int explain_open(int error, struct diag_list *diags)
{
	struct diag *d = diag_add(diags, "E0440", DIAG_ERROR, nowhere, "cannot open %s: %s",
				  KVM_DEVICE, strerror(error));

	switch (error) {
	case ENOENT:
	case ENXIO:
	case ENODEV:
		diag_hint(diags, d,
			  "load the module (modprobe kvm_intel or kvm_amd); if that fails, turn %s "
			  "on in the firmware, or nested virtualisation where this host is a guest",
			  host_extension());
		break;
	case EACCES:
	case EPERM:
		diag_hint(diags, d,
			  "add yourself to the group that owns %s (usermod -aG kvm USER) and log "
			  "in again",
			  KVM_DEVICE);
		break;
	default:
		break;
	}
	return -error;
}

static int open_device(struct kvm *kvm, struct diag_list *diags)
{
	int version;

	kvm->fd = open(KVM_DEVICE, O_RDWR | O_CLOEXEC);
	if (kvm->fd < 0)
		return explain_open(errno, diags);
	version = ioctl(kvm->fd, KVM_GET_API_VERSION, 0);
	if (version != KVM_API_VERSION) {
		diag_add(diags, "E0441", DIAG_ERROR, nowhere,
			 "%s speaks version %d of its interface, weft version %d", KVM_DEVICE,
			 version, KVM_API_VERSION);
		return -ENOTSUP;
	}
	return 0;
}

static int create_vm(struct kvm *kvm, struct diag_list *diags)
{
	int r;

	/* Creating one takes every lock of the address space, and gives up when a signal is due. */
	do
		kvm->vm_fd = ioctl(kvm->fd, KVM_CREATE_VM, 0);
	while (kvm->vm_fd < 0 && errno == EINTR);
	if (kvm->vm_fd < 0) {
		r = -errno;
		diag_add(diags, "E0442", DIAG_ERROR, nowhere,
			 "KVM cannot create a virtual machine: %s", strerror(-r));
		return r;
	}
	r = ioctl(kvm->fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (r < (int)sizeof(struct kvm_run)) {
		r = r < 0 ? -errno : -ENOTSUP;
		diag_add(diags, "E0441", DIAG_ERROR, nowhere,
			 "KVM does not say how large the state of a vCPU is");
		return r;
	}
	kvm->run_size = (size_t)r;
	return 0;
}

static int set_up_irqchip(struct kvm *kvm, const struct kvm_params *params, struct diag_list *diags)
{
	struct kvm_enable_cap split = {
		.cap = KVM_CAP_SPLIT_IRQCHIP,
		.args = {params->irqchip_pins},
	};
	int r = vm_ioctl(kvm, KVM_ENABLE_CAP, &split);
	struct diag *d;

	if (r >= 0)
		return 0;
	d = diag_add(diags, "E0441", DIAG_ERROR, nowhere,
		     "this KVM cannot split the interrupt controller: %s", strerror(-r));
	diag_hint(diags, d, "Linux 4.5 or newer is needed");
	return r;
}

/*
 * Processors without "unrestricted guest" run real mode on pages that lie inside the guest's
 * address space; KVM on others takes the call and does nothing.
 */
static int set_reserved_pages(struct kvm *kvm, const struct kvm_params *params,
			      struct diag_list *diags)
{
	uint64_t identity_map = params->identity_map;
	int r;

	if (!host_is_intel())
		return 0;
	r = vm_ioctl(kvm, KVM_SET_IDENTITY_MAP_ADDR, &identity_map);
	if (r >= 0 && ioctl(kvm->vm_fd, KVM_SET_TSS_ADDR, (unsigned long)params->tss) < 0)
		r = -errno;
	if (r >= 0)
		return 0;
	diag_add(diags, "E0442", DIAG_ERROR, nowhere,
		 "KVM refuses the pages that it needs for real mode: %s", strerror(-r));
	return r;
}

int kvm_init(struct kvm *kvm, const struct kvm_params *params, struct diag_list *diags)
{
	int r;

	*kvm = (struct kvm){.fd = -1, .vm_fd = -1};
	pthread_mutex_init(&kvm->routes.lock, NULL);
	r = open_device(kvm, diags);
	if (r >= 0)
		r = create_vm(kvm, diags);
	if (r >= 0)
		r = set_up_irqchip(kvm, params, diags);
	if (r >= 0)
		r = set_reserved_pages(kvm, params, diags);
	if (r < 0)
		kvm_fini(kvm);
	return r;
}

void kvm_fini(struct kvm *kvm)
{
	kvm->vm_fd = fd_close(kvm->vm_fd);
	kvm->fd = fd_close(kvm->fd);
	free(kvm->routes.table);
	kvm->routes.table = NULL;
	kvm->routes.capacity = 0;
	pthread_mutex_destroy(&kvm->routes.lock);
}

int kvm_check(const struct kvm *kvm, int capability)
{
	int r = ioctl(kvm->vm_fd, KVM_CHECK_EXTENSION, capability);

	return r < 0 ? 0 : r;
}

int kvm_enable_ext_dest(struct kvm *kvm)
{
	struct kvm_enable_cap x2apic = {
		.cap = KVM_CAP_X2APIC_API,
		.args = {KVM_X2APIC_API_USE_32BIT_IDS | KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK},
	};
	int r = vm_ioctl(kvm, KVM_ENABLE_CAP, &x2apic);

	if (r < 0)
		return r;
	kvm->ext_dest = true;
	return 0;
}

int kvm_set_memory(struct kvm *kvm, uint32_t slot, uint32_t flags, uint64_t gpa, uint64_t size,
		   void *host)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot,
		.flags = flags,
		.guest_phys_addr = gpa,
		.memory_size = size,
		.userspace_addr = (uintptr_t)host,
	};

	return vm_ioctl(kvm, KVM_SET_USER_MEMORY_REGION, &region);
}

int kvm_ioeventfd(struct kvm *kvm, uint64_t gpa, unsigned size, int fd, bool add)
{
	struct kvm_ioeventfd event = {
		.addr = gpa,
		.len = size,
		.fd = fd,
		.flags = add ? 0 : KVM_IOEVENTFD_FLAG_DEASSIGN,
	};

	return vm_ioctl(kvm, KVM_IOEVENTFD, &event);
}

int kvm_irqfd(struct kvm *kvm, uint32_t gsi, int fd, bool add)
{
	struct kvm_irqfd irqfd = {
		.fd = (uint32_t)fd,
		.gsi = gsi,
		.flags = add ? 0 : KVM_IRQFD_FLAG_DEASSIGN,
	};

	return vm_ioctl(kvm, KVM_IRQFD, &irqfd);
}

int kvm_signal_msi(struct kvm *kvm, uint64_t address, uint32_t data)
{
	struct kvm_msi msi = {.data = data};

	kvm_msi_split(kvm->ext_dest, address, &msi.address_lo, &msi.address_hi);
	return vm_ioctl(kvm, KVM_SIGNAL_MSI, &msi);
}

/* As many leaves as any host has had so far, and again as many. */
#define CPUID_FIRST_TRY 256
#define CPUID_LAST_TRY  4096

int kvm_supported_cpuid(struct kvm *kvm, unsigned spare, struct kvm_cpuid2 **ret)
{
	for (unsigned n = CPUID_FIRST_TRY; n <= CPUID_LAST_TRY; n *= 2) {
		cleanup_free struct kvm_cpuid2 *cpuid =
			calloc(1, sizeof(*cpuid) + (n + spare) * sizeof(cpuid->entries[0]));

		if (!cpuid)
			return -ENOMEM;
		cpuid->nent = n;
		if (ioctl(kvm->fd, KVM_GET_SUPPORTED_CPUID, cpuid) == 0) {
			*ret = TAKE_PTR(cpuid);
			return 0;
		}
		if (errno != E2BIG)
			return -errno;
	}
	return -E2BIG;
}
