/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last words of a vCPU: where it was, in which mode, what it was to execute, its registers. A
 * few lines, once for each vCPU: it does not run again.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "machine/internal.h"
#include "machine/memory.h"

#define INSN_MAX 15

#define CR0_PE   1ULL
#define EFER_LMA (1ULL << 10)
#define FLAGS_VM (1ULL << 17)

#define INSN_TEXT_SIZE (INSN_MAX * 3 + 1)

static void format_bytes(const uint8_t *bytes, size_t n, char *text)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		*text++ = digits[bytes[i] >> 4];
		*text++ = digits[bytes[i] & 0xf];
		*text++ = ' ';
	}
	text[n ? -1 : 0] = '\0';
}

static const char *mode(const struct kvm_regs *regs, const struct kvm_sregs *sregs)
{
	if (!(sregs->cr0 & CR0_PE))
		return "real mode";
	if (regs->rflags & FLAGS_VM)
		return "virtual 8086 mode";
	if (sregs->efer & EFER_LMA)
		return sregs->cs.l ? "64-bit mode" : "compatibility mode";
	return sregs->cs.db ? "32-bit protected mode" : "16-bit protected mode";
}

/* The bytes at the instruction pointer, as many as are mapped. */
static size_t fetch(struct vcpu *vcpu, const struct kvm_regs *regs, const struct kvm_sregs *sregs,
		    uint8_t *bytes)
{
	uint64_t linear = regs->rip + (sregs->cs.l ? 0 : sregs->cs.base);
	size_t n;

	for (n = 0; n < INSN_MAX; n++) {
		uint64_t gpa;

		if (kvm_vcpu_translate(&vcpu->kvm, linear + n, &gpa) < 0 ||
		    guest_memory_read(vcpu->machine->memory, gpa, bytes + n, 1) < 0)
			break;
	}
	return n;
}

static void log_segment(unsigned cpu, const char *name, const struct kvm_segment *s)
{
	log_error("vCPU %u:   %s %04x base %016" PRIx64
		  " limit %08x type %x s%u dpl%u p%u l%u db%u",
		  cpu, name, s->selector, (uint64_t)s->base, s->limit, s->type, s->s, s->dpl,
		  s->present, s->l, s->db);
}

static void log_state(unsigned cpu, const struct kvm_regs *r, const struct kvm_sregs *s)
{
	log_error("vCPU %u:   rax %016llx rbx %016llx rcx %016llx rdx %016llx", cpu, r->rax, r->rbx,
		  r->rcx, r->rdx);
	log_error("vCPU %u:   rsi %016llx rdi %016llx rbp %016llx rsp %016llx", cpu, r->rsi, r->rdi,
		  r->rbp, r->rsp);
	log_error("vCPU %u:   r8  %016llx r9  %016llx r10 %016llx r11 %016llx", cpu, r->r8, r->r9,
		  r->r10, r->r11);
	log_error("vCPU %u:   r12 %016llx r13 %016llx r14 %016llx r15 %016llx", cpu, r->r12, r->r13,
		  r->r14, r->r15);
	log_error("vCPU %u:   rip %016llx rflags %08llx cr0 %08llx cr2 %016llx cr3 %016llx cr4 "
		  "%08llx "
		  "efer %04llx",
		  cpu, r->rip, r->rflags, s->cr0, s->cr2, s->cr3, s->cr4, s->efer);
	log_segment(cpu, "cs", &s->cs);
	log_segment(cpu, "ss", &s->ss);
	log_segment(cpu, "ds", &s->ds);
	log_segment(cpu, "tr", &s->tr);
	log_error("vCPU %u:   gdt %016llx limit %04x  idt %016llx limit %04x", cpu, s->gdt.base,
		  s->gdt.limit, s->idt.base, s->idt.limit);
}

/* @bytes: the instruction when KVM knows it, else it is fetched from guest memory. */
static void report(struct vcpu *vcpu, const uint8_t *bytes, size_t n)
{
	uint8_t fetched[INSN_MAX];
	char text[INSN_TEXT_SIZE];
	struct kvm_regs regs;
	struct kvm_sregs sregs;

	if (kvm_vcpu_get_regs(&vcpu->kvm, &regs) < 0 || kvm_vcpu_get_sregs(&vcpu->kvm, &sregs) < 0)
		return;
	if (n == 0) {
		n = fetch(vcpu, &regs, &sregs, fetched);
		bytes = fetched;
	}
	format_bytes(bytes, n, text);
	log_error("vCPU %u: at rip 0x%llx (cs 0x%x), %s, CPL %u, instruction bytes: %s",
		  vcpu->index, regs.rip, sregs.cs.selector, mode(&regs, &sregs), sregs.ss.dpl,
		  n ? text : "not mapped");
	log_state(vcpu->index, &regs, &sregs);
}

void vcpu_report(struct vcpu *vcpu)
{
	report(vcpu, NULL, 0);
}

void vcpu_report_internal_error(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->kvm.run;
	uint8_t bytes[INSN_MAX];
	size_t n = 0;

	switch (run->internal.suberror) {
	case KVM_INTERNAL_ERROR_EMULATION:
		log_error("vCPU %u: KVM could not emulate this instruction", vcpu->index);
		if (run->internal.ndata >= 1 &&
		    run->emulation_failure.flags &
			    KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES) {
			n = MIN(run->emulation_failure.insn_size, (uint8_t)INSN_MAX);
			memcpy(bytes, run->emulation_failure.insn_bytes, n);
		}
		break;
	case KVM_INTERNAL_ERROR_SIMUL_EX:
		log_error("vCPU %u: KVM met two exceptions at once while it emulated the guest",
			  vcpu->index);
		break;
	case KVM_INTERNAL_ERROR_DELIVERY_EV:
		log_error(
			"vCPU %u: KVM could not deliver an interrupt or exception: its handler or "
			"descriptor lies where there is no RAM",
			vcpu->index);
		break;
	case KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON:
		log_error("vCPU %u: the processor left the guest in a way KVM does not expect",
			  vcpu->index);
		break;
	default:
		log_error("vCPU %u: KVM failed inside (internal error %u)", vcpu->index,
			  run->internal.suberror);
	}
	report(vcpu, bytes, n);
}
