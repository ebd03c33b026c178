/* SPDX-License-Identifier: Apache-2.0 */
/*
 * KVM: the only place that issues its ioctls. One virtual machine with a split interrupt
 * controller: local APICs in the kernel, the IOAPIC here. Functions return 0 or a negative errno;
 * the few whose failure a person can mend add a diagnostic that says how.
 */
#pragma once

#include <linux/kvm.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

struct diag_list;

/*
 * The routing table is whole in every KVM_SET_GSI_ROUTING, so it is kept here: only routes in use,
 * sorted by GSI.
 */
struct kvm_routes {
	pthread_mutex_t lock;
	struct kvm_irq_routing *table;
	unsigned capacity; /* entries */
};

struct kvm {
	int fd;    /* /dev/kvm */
	int vm_fd; /* the virtual machine */
	size_t run_size;
	bool ext_dest; /* messages may name APIC ids above 255, see kvm_enable_ext_dest() */
	struct kvm_routes routes;
};

/**
 * struct kvm_params - what differs between hosts and machines
 * @irqchip_pins: pins of the IOAPIC in user space; GSIs below are its
 * @identity_map: guest-physical page that KVM takes for itself on old Intel processors
 * @tss: three more of them
 */
struct kvm_params {
	unsigned irqchip_pins;
	uint64_t identity_map, tss;
};

/**
 * kvm_init() - open /dev/kvm and create a virtual machine
 * @kvm: set up on success; kvm_fini() gives everything back
 * @params: see there
 * @diags: what is wrong with the host, and the way out
 *
 * Return: 0 or a negative errno with a diagnostic.
 */
int kvm_init(struct kvm *kvm, const struct kvm_params *params, struct diag_list *diags) must_use;

/* Every vCPU is gone by now. */
void kvm_fini(struct kvm *kvm);

/* KVM_CHECK_EXTENSION: 0 for what is not there. */
int kvm_check(const struct kvm *kvm, int capability);

/*
 * Lets messages name APIC ids above 255: bits 11:5 of an MSI address are bits 14:8 of the
 * destination (KVM_FEATURE_MSI_EXT_DEST_ID). Before the first route is set.
 */
int kvm_enable_ext_dest(struct kvm *kvm) must_use;

/*
 * Memory slots (KVM_SET_USER_MEMORY_REGION). @flags: KVM_MEM_READONLY, KVM_MEM_LOG_DIRTY_PAGES. A
 * slot of size 0 is taken away. All are multiples of 4096. Main thread.
 */
int kvm_set_memory(struct kvm *kvm, uint32_t slot, uint32_t flags, uint64_t gpa, uint64_t size,
		   void *host) must_use;

/**
 * kvm_ioeventfd() - signal an eventfd at each guest write to an address
 * @gpa: guest-physical address
 * @size: 1, 2, 4, 8; 0 matches any size
 * @fd: eventfd
 * @add: false takes it away
 *
 * Any thread.
 */
int kvm_ioeventfd(struct kvm *kvm, uint64_t gpa, unsigned size, int fd, bool add) must_use;

/* Ties an eventfd to a GSI, or unties it. Any thread. */
int kvm_irqfd(struct kvm *kvm, uint32_t gsi, int fd, bool add) must_use;

/*
 * Sends a message at once, without a route. @address and @data come from the guest and may be
 * anything. Any thread. Return: 1 delivered, 0 blocked by the guest, or a negative errno.
 */
int kvm_signal_msi(struct kvm *kvm, uint64_t address, uint32_t data);

/*
 * The message of a GSI, added or changed; nothing is asked of KVM when it is the same. @address and
 * @data come from the guest and may be anything. Any thread.
 */
int kvm_route_set(struct kvm *kvm, uint32_t gsi, uint64_t address, uint32_t data) must_use;

/* Takes the message of a GSI away, if it has one. Any thread. */
void kvm_route_remove(struct kvm *kvm, uint32_t gsi);

/*
 * What KVM makes of a message: the upper half of @address that only extended destinations use.
 * For kvm_signal_msi() and kvm_route_set(); public for tests.
 */
void kvm_msi_split(bool ext_dest, uint64_t address, uint32_t *ret_lo, uint32_t *ret_hi);

/*
 * The CPUID leaves this host can give to a guest. The caller frees it; there is room for @spare
 * more entries behind them.
 */
int kvm_supported_cpuid(struct kvm *kvm, unsigned spare, struct kvm_cpuid2 **ret) must_use;
