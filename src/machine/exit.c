/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a vCPU left the guest for.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "machine/backing.h"
#include "machine/internal.h"

/* The vCPU cannot go on; it has been logged. */
static void fail(struct vcpu *vcpu)
{
	vcpu_hold(vcpu);
	machine_request(vcpu->machine, MACHINE_FAILED);
}

/* One port, and count accesses to it: a string instruction has many. */
static void handle_io(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->kvm.run;
	struct address_space *pio = vcpu->machine->pio;
	uint8_t *data = (uint8_t *)run + run->io.data_offset;
	unsigned size = run->io.size;

	for (uint32_t i = 0; i < run->io.count; i++, data += size) {
		uint64_t value = 0;

		if (run->io.direction == KVM_EXIT_IO_OUT) {
			memcpy(&value, data, size);
			address_space_write(pio, &vcpu->reader, run->io.port, size, value);
		} else {
			value = address_space_read(pio, &vcpu->reader, run->io.port, size);
			memcpy(data, &value, size);
		}
	}
}

static void handle_mmio(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->kvm.run;
	struct address_space *mmio = vcpu->machine->mmio;
	unsigned size = MIN(run->mmio.len, (uint32_t)sizeof(run->mmio.data));
	uint64_t value = 0;

	if (run->mmio.is_write) {
		memcpy(&value, run->mmio.data, size);
		address_space_write(mmio, &vcpu->reader, run->mmio.phys_addr, size, value);
	} else {
		value = address_space_read(mmio, &vcpu->reader, run->mmio.phys_addr, size);
		memcpy(run->mmio.data, &value, size);
	}
}

static void handle_shutdown(struct vcpu *vcpu)
{
	log_error(
		"vCPU %u: triple fault: the guest could not handle an exception, nor the fault of "
		"handling it",
		vcpu->index);
	vcpu_report(vcpu);
	machine_request(vcpu->machine, MACHINE_TRIPLE_FAULT);
}

static void handle_system_event(struct vcpu *vcpu)
{
	uint32_t type = vcpu->kvm.run->system_event.type;

	switch (type) {
	case KVM_SYSTEM_EVENT_SHUTDOWN:
		machine_request(vcpu->machine, MACHINE_POWER_OFF);
		break;
	case KVM_SYSTEM_EVENT_RESET:
		machine_request(vcpu->machine, MACHINE_RESET);
		break;
	default:
		log_error("vCPU %u: KVM reports %s (system event %u)", vcpu->index,
			  type == KVM_SYSTEM_EVENT_CRASH ? "that the guest crashed"
							 : "an event that weft does not know",
			  type);
		fail(vcpu);
	}
}

static void handle_fail_entry(struct vcpu *vcpu)
{
	uint64_t reason = vcpu->kvm.run->fail_entry.hardware_entry_failure_reason;
	const char *words = "the host's processor gives no reason that weft knows";

	/* Intel: the basic exit reason, with bit 31; AMD: an exit code that is all ones. */
	switch (reason & 0x7fffffff) {
	case 33:
		words = "the guest's registers are no valid state";
		break;
	case 34:
		words = "an MSR cannot be loaded";
		break;
	case 41:
		words = "a machine check came while entering";
		break;
	default:
		if (reason == UINT64_MAX || reason == UINT32_MAX)
			words = "the guest's registers are no valid state (VMCB)";
	}
	log_error("vCPU %u: the processor refused to enter the guest: %s (0x%" PRIx64 ")",
		  vcpu->index, words, reason);
	vcpu_report(vcpu);
	fail(vcpu);
}

void vcpu_handle_exit(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->kvm.run;

	switch (run->exit_reason) {
	case KVM_EXIT_IO:
		handle_io(vcpu);
		break;
	case KVM_EXIT_MMIO:
		handle_mmio(vcpu);
		break;
	case KVM_EXIT_IOAPIC_EOI:
		ioapic_eoi(vcpu->machine->ioapic, run->eoi.vector);
		break;
	case KVM_EXIT_SHUTDOWN:
		handle_shutdown(vcpu);
		break;
	case KVM_EXIT_SYSTEM_EVENT:
		handle_system_event(vcpu);
		break;
	case KVM_EXIT_INTERNAL_ERROR:
		vcpu_report_internal_error(vcpu);
		fail(vcpu);
		break;
	case KVM_EXIT_FAIL_ENTRY:
		handle_fail_entry(vcpu);
		break;
	case KVM_EXIT_INTR:
	case KVM_EXIT_IRQ_WINDOW_OPEN:
	case KVM_EXIT_HLT:
		break;
	default:
		log_error("vCPU %u: KVM left the guest for a reason that weft does not know (%u)",
			  vcpu->index, run->exit_reason);
		vcpu_report(vcpu);
		fail(vcpu);
	}
}

/*
 * Whether the page that KVM could not have can be had now. The number tells also of those that
 * another thread has replaced meanwhile.
 */
static bool mend_memory(struct vcpu *vcpu)
{
	unsigned mends = backing_mend_all();
	uint64_t gpa;

	/* A file that was cut short is seen without knowing where; KVM says it from Linux 6.8 on.
	 */
	if (mends == vcpu->mends)
		mends = kvm_vcpu_memory_fault(&vcpu->kvm, &gpa) ? backing_mend_at(gpa)
								: backing_mend_holes();
	if (mends == vcpu->mends)
		return false;
	vcpu->mends = mends;
	return true;
}

void vcpu_handle_run_error(struct vcpu *vcpu, int error)
{
	const char *words = strerror(error);

	if (error == EFAULT && mend_memory(vcpu))
		return;
	if (error == EFAULT || error == EHWPOISON)
		words = "the host could not give a page of the guest's memory (no huge page left, "
			"no "
			"memory left, a file behind it cut short, or a hardware error)";
	log_error("vCPU %u: KVM cannot run it: %s", vcpu->index, words);
	vcpu_report(vcpu);
	fail(vcpu);
}
