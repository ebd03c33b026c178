/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ioctls of one virtual CPU. Thin on purpose: what they mean is the machine's business.
 */
#pragma once

#include <linux/kvm.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"

struct kvm;

struct kvm_vcpu {
	int fd;
	struct kvm_run *run; /* shared with the kernel */
	size_t run_size;
};

/**
 * kvm_vcpu_init() - create a vCPU
 * @vcpu: set up on success, kvm_vcpu_fini() gives it back
 * @kvm: the virtual machine
 * @id: its APIC id
 *
 * Return: 0; -EINVAL and -E2BIG when the host allows no more of them or no such id.
 */
int kvm_vcpu_init(struct kvm_vcpu *vcpu, struct kvm *kvm, uint32_t id) must_use;

/* Its thread is gone by now. */
void kvm_vcpu_fini(struct kvm_vcpu *vcpu);

/*
 * Runs the guest until it needs something (@vcpu->run says what) or a signal comes: -EINTR,
 * -EAGAIN. On the vCPU's own thread.
 */
int kvm_vcpu_run(struct kvm_vcpu *vcpu);

/* After -EFAULT: whether KVM says which guest-physical page it could not have. On its own thread.
 */
bool kvm_vcpu_memory_fault(const struct kvm_vcpu *vcpu, uint64_t *ret_gpa);

/*
 * Makes kvm_vcpu_run() return with -EINTR before it enters the guest, until it is taken back. With
 * a signal after it, it also ends a run that has begun. Any thread.
 */
void kvm_vcpu_set_immediate_exit(struct kvm_vcpu *vcpu, bool exit);

/*
 * The guest was stopped for a while: its watchdogs shall not take that for a hang of its own. It is
 * a note to a clock that it may not use, so there is nothing to fail. No run may be under way.
 */
void kvm_vcpu_note_pause(struct kvm_vcpu *vcpu);

/* State; no run may be under way. */
int kvm_vcpu_set_cpuid(struct kvm_vcpu *vcpu, const struct kvm_cpuid2 *cpuid) must_use;
int kvm_vcpu_get_regs(struct kvm_vcpu *vcpu, struct kvm_regs *ret) must_use;
int kvm_vcpu_set_regs(struct kvm_vcpu *vcpu, const struct kvm_regs *regs) must_use;
int kvm_vcpu_get_sregs(struct kvm_vcpu *vcpu, struct kvm_sregs *ret) must_use;
int kvm_vcpu_set_sregs(struct kvm_vcpu *vcpu, const struct kvm_sregs *sregs) must_use;
int kvm_vcpu_get_lapic(struct kvm_vcpu *vcpu, struct kvm_lapic_state *ret) must_use;
int kvm_vcpu_set_lapic(struct kvm_vcpu *vcpu, const struct kvm_lapic_state *lapic) must_use;
int kvm_vcpu_set_events(struct kvm_vcpu *vcpu, const struct kvm_vcpu_events *events) must_use;
int kvm_vcpu_set_mp_state(struct kvm_vcpu *vcpu, uint32_t state) must_use; /* KVM_MP_STATE_* */

/* How many of the n entries were set: the entry at that index is the first one refused. */
int kvm_vcpu_set_msrs(struct kvm_vcpu *vcpu, const struct kvm_msrs *msrs) must_use;

/* Guest-physical address of a guest-virtual one, -EFAULT when it is mapped to nothing. */
int kvm_vcpu_translate(struct kvm_vcpu *vcpu, uint64_t gva, uint64_t *ret_gpa) must_use;
