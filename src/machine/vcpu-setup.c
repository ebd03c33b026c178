/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making vCPUs: processors as the description wants them, within what the host can give.
 */
#include <cpuid.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/units.h"
#include "machine/cpuid.h"
#include "machine/internal.h"

#define MSR_MISC_ENABLE     0x1a0
#define MISC_FAST_STRINGS   1
#define MSR_MTRR_DEF_TYPE   0x2ff
#define MTRR_ENABLED        (1 << 11)
#define MTRR_TYPE_WRITEBACK 6

/* Messages and redirection entries hold 8 bits of an APIC id; 255 is everyone. */
#define APIC_ID_PLAIN_MAX 254

static int explain_create(struct machine *machine, unsigned index, int error,
			  struct diag_list *diags)
{
	int max = kvm_check(&machine->kvm, KVM_CAP_MAX_VCPUS);
	struct diag *d = diag_add(diags, "E0420", DIAG_ERROR, machine->cpus_span,
				  "KVM cannot create vCPU %u: %s", index, strerror(error));

	if (max > 0 && index >= (unsigned)max)
		diag_hint(diags, d, "this host allows %d", max);
	else if (error == EINVAL)
		diag_hint(diags, d,
			  "its APIC id, 0x%x, is too large for this host: a simpler topology "
			  "has smaller ones",
			  cpu_topology_apic_id(&machine->topology, index));
	return -error;
}

static int mask_features(struct kvm_cpuid2 *cpuid, const struct machine_cpus *cpus,
			 struct diag_list *diags)
{
	int result = 0;

	for (size_t i = 0; i < cpus->n_features; i++) {
		const struct machine_cpu_feature *wanted = &cpus->features[i];
		const struct cpu_feature *feature = cpu_feature_find(wanted->name);

		/* The rules have refused names that are not known. */
		invariant(feature);
		if (cpuid_set_feature(cpuid, feature, wanted->enabled) < 0) {
			diag_add(diags, "E0423", DIAG_ERROR, wanted->span,
				 "this host cannot give the processor feature '%s' to a guest",
				 wanted->name);
			result = -ENOTSUP;
		}
	}
	return result;
}

static int check_phys_bits(struct kvm_cpuid2 *cpuid, const struct machine_cpus *cpus,
			   struct diag_list *diags)
{
	uint8_t host = cpuid_phys_bits(cpuid);

	if (cpus->phys_bits <= host)
		return 0;
	diag_add(diags, "E0424", DIAG_ERROR, cpus->span,
		 "the guest cannot have %u address bits: the host has %u", cpus->phys_bits, host);
	return -ENOTSUP;
}

/* What all vCPUs have in common. The caller frees it. */
static int build_cpuid(struct machine *machine, const struct machine_cpus *cpus,
		       struct kvm_cpuid2 **ret, struct diag_list *diags)
{
	struct cpuid_params params = {
		.topology = cpus->topology,
		.nested = cpus->nested,
		.tsc_deadline = kvm_check(&machine->kvm, KVM_CAP_TSC_DEADLINE_TIMER) > 0,
		.ext_dest = machine->kvm.ext_dest,
		.phys_bits = cpus->phys_bits,
	};
	cleanup_free struct kvm_cpuid2 *cpuid = NULL;
	int r = kvm_supported_cpuid(&machine->kvm, CPUID_SPARE, &cpuid);

	if (r < 0) {
		diag_add(diags, "E0420", DIAG_ERROR, cpus->span,
			 "KVM does not say what processors it can give: %s", strerror(-r));
		return r;
	}
	r = check_phys_bits(cpuid, cpus, diags);
	if (r < 0)
		return r;
	cpuid_build(cpuid, &params);
	r = mask_features(cpuid, cpus, diags);
	if (r < 0)
		return r;
	machine->phys_bits = cpuid_phys_bits(cpuid);
	*ret = TAKE_PTR(cpuid);
	return 0;
}

/* What firmware leaves behind: caches on, fast string operations. */
static const struct kvm_msr_entry boot_msrs[] = {
	{.index = MSR_MTRR_DEF_TYPE, .data = MTRR_ENABLED | MTRR_TYPE_WRITEBACK},
	{.index = MSR_MISC_ENABLE, .data = MISC_FAST_STRINGS},
};

static void set_msrs(struct vcpu *vcpu)
{
	union {
		struct kvm_msrs msrs;
		uint8_t room[sizeof(struct kvm_msrs) + sizeof(boot_msrs)];
	} u = {.msrs.nmsrs = 0};
	size_t done = 0;

	/* KVM stops at the first one that it refuses: the others come after it. */
	while (done < ARRAY_SIZE(boot_msrs)) {
		int n;

		u.msrs.nmsrs = (uint32_t)(ARRAY_SIZE(boot_msrs) - done);
		memcpy(u.msrs.entries, boot_msrs + done, u.msrs.nmsrs * sizeof(boot_msrs[0]));
		n = kvm_vcpu_set_msrs(&vcpu->kvm, &u.msrs);
		done += (size_t)MAX(n, 0);
		if (done < ARRAY_SIZE(boot_msrs) && vcpu->index == 0)
			log_warn("KVM refuses MSR 0x%x; the guest does without",
				 boot_msrs[done].index);
		done++;
	}
}

/* What it looks like before the guest has touched it, for its next life. */
static int remember_power_on(struct vcpu *vcpu)
{
	int r = kvm_vcpu_get_sregs(&vcpu->kvm, &vcpu->power_on_sregs);

	return r < 0 ? r : kvm_vcpu_get_lapic(&vcpu->kvm, &vcpu->power_on_lapic);
}

/*
 * The state in which a processor waits for the guest to start it (INIT, SIPI). INIT leaves the mode
 * of the local APIC as it is, so that is put back here.
 */
static int set_power_on(struct vcpu *vcpu)
{
	static const struct kvm_vcpu_events none;
	int r = kvm_vcpu_set_mp_state(&vcpu->kvm, KVM_MP_STATE_UNINITIALIZED);

	if (r >= 0)
		r = kvm_vcpu_set_sregs(&vcpu->kvm, &vcpu->power_on_sregs);
	if (r >= 0)
		r = kvm_vcpu_set_lapic(&vcpu->kvm, &vcpu->power_on_lapic);
	return r < 0 ? r : kvm_vcpu_set_events(&vcpu->kvm, &none);
}

static int vcpu_make(struct vcpu *vcpu, struct diag_list *diags)
{
	struct machine *machine = vcpu->machine;
	unsigned index = vcpu->index;
	int r = kvm_vcpu_init(&vcpu->kvm, &machine->kvm,
			      cpu_topology_apic_id(&machine->topology, index));

	if (r < 0)
		return explain_create(machine, index, -r, diags);
	cpuid_set_vcpu(machine->cpuid, &machine->topology, index);
	r = kvm_vcpu_set_cpuid(&vcpu->kvm, machine->cpuid);
	if (r >= 0)
		r = remember_power_on(vcpu);
	if (r < 0) {
		diag_add(diags, "E0420", DIAG_ERROR, machine->cpus_span,
			 "KVM refuses the features of vCPU %u: %s", index, strerror(-r));
		kvm_vcpu_fini(&vcpu->kvm);
		return r;
	}
	set_msrs(vcpu);
	io_reader_init(&vcpu->reader, &machine->domain);
	return 0;
}

/* Room for all that there can be, without anything of KVM. */
static int add_places(struct machine *machine, const struct machine_cpus *cpus)
{
	machine->vcpus = calloc(cpus->max, sizeof(machine->vcpus[0]));
	if (!machine->vcpus)
		return -ENOMEM;
	machine->max_vcpus = cpus->max;
	machine->topology = cpus->topology;
	machine->cpus_span = cpus->span;
	for (unsigned i = 0; i < cpus->max; i++) {
		struct vcpu *vcpu = &machine->vcpus[i];

		*vcpu = (struct vcpu){.machine = machine, .index = i, .kvm.fd = -1};
		if (i >= cpus->n_affinity || !cpus->affinity[i])
			continue;
		vcpu->affinity = malloc(sizeof(*vcpu->affinity));
		if (!vcpu->affinity)
			return -ENOMEM;
		*vcpu->affinity = *cpus->affinity[i];
	}
	return 0;
}

static int check_apic_ids(struct machine *machine, const struct machine_cpus *cpus,
			  struct diag_list *diags)
{
	int r;

	if (cpu_topology_apic_id(&cpus->topology, cpus->max - 1) <= APIC_ID_PLAIN_MAX)
		return 0;
	r = kvm_enable_ext_dest(&machine->kvm);
	if (r < 0)
		diag_add(diags, "E0420", DIAG_ERROR, cpus->span,
			 "this KVM cannot have so many vCPUs (APIC ids above 254): %s",
			 strerror(-r));
	return r;
}

int machine_add_vcpus(struct machine *machine, const struct machine_cpus *cpus,
		      struct diag_list *diags)
{
	int r;

	invariant(cpus->count >= 1 && cpus->count <= cpus->max && !machine->vcpus);
	invariant(cpu_topology_count(&cpus->topology) >= cpus->max);
	r = check_apic_ids(machine, cpus, diags);
	if (r >= 0)
		r = build_cpuid(machine, cpus, &machine->cpuid, diags);
	if (r >= 0)
		r = add_places(machine, cpus);
	for (unsigned i = 0; i < cpus->count && r >= 0; i++)
		r = vcpu_make(&machine->vcpus[i], diags);
	if (r < 0)
		machine_free_vcpus(machine);
	return r;
}

int machine_plug_vcpu(struct machine *machine, unsigned index, struct diag_list *diags)
{
	struct vcpu *vcpu = &machine->vcpus[index];
	int r = 0;

	invariant(index < machine->max_vcpus && !vcpu->running && machine->started);
	if (!vcpu_is_made(vcpu))
		r = vcpu_make(vcpu, diags);
	if (r < 0)
		return r;
	pthread_mutex_lock(&machine->run_lock);
	r = vcpu_start(vcpu);
	pthread_mutex_unlock(&machine->run_lock);
	if (r < 0)
		diag_add(diags, "E0421", DIAG_ERROR, machine->cpus_span,
			 "the thread of vCPU %u cannot be started: %s", index, strerror(-r));
	return r;
}

void machine_unplug_vcpu(struct machine *machine, unsigned index)
{
	struct vcpu *vcpu = &machine->vcpus[index];
	int r;

	invariant(index > 0 && index < machine->max_vcpus);
	vcpu_stop(vcpu);
	vcpu->held = false;
	r = set_power_on(vcpu);
	if (r < 0)
		log_warn("KVM does not put vCPU %u back into its first state: %s", index,
			 strerror(-r));
}

void machine_free_vcpus(struct machine *machine)
{
	for (unsigned i = 0; i < machine->max_vcpus; i++) {
		struct vcpu *vcpu = &machine->vcpus[i];

		if (vcpu_is_made(vcpu)) {
			io_reader_fini(&vcpu->reader, &machine->domain);
			kvm_vcpu_fini(&vcpu->kvm);
		}
		free(vcpu->affinity);
	}
	free(machine->vcpus);
	free(machine->cpuid);
	machine->vcpus = NULL;
	machine->cpuid = NULL;
	machine->max_vcpus = 0;
}

int machine_get_boot_registers(struct machine *machine, struct kvm_regs *ret_regs,
			       struct kvm_sregs *ret_sregs)
{
	/* The reset value of RFLAGS; the others are the boot protocol's. */
	*ret_regs = (struct kvm_regs){.rflags = 2};
	return kvm_vcpu_get_sregs(&machine->vcpus[0].kvm, ret_sregs);
}

int machine_set_boot_registers(struct machine *machine, const struct kvm_regs *regs,
			       const struct kvm_sregs *sregs)
{
	struct kvm_vcpu *vcpu = &machine->vcpus[0].kvm;
	int r = kvm_vcpu_set_sregs(vcpu, sregs);

	return r < 0 ? r : kvm_vcpu_set_regs(vcpu, regs);
}

unsigned machine_host_phys_bits(void)
{
	unsigned eax, ebx, ecx, edx;

	return __get_cpuid(0x80000008, &eax, &ebx, &ecx, &edx) ? eax & 0xff : 36;
}
