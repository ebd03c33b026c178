/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which message each GSI sends: the table behind KVM_SET_GSI_ROUTING.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/log.h"
#include "kvm/kvm.h"

#define ROUTES_FIRST 16u /* room to begin with; it doubles */

/* Bits 11:5 of an MSI address: bits 14:8 of the destination. */
#define MSI_EXT_DEST_SHIFT 5
#define MSI_EXT_DEST_MASK  0x7fu

void kvm_msi_split(bool ext_dest, uint64_t address, uint32_t *ret_lo, uint32_t *ret_hi)
{
	uint32_t lo = (uint32_t)address;
	uint32_t hi = 0;

	/*
	 * The guest's own upper half is dropped: messages go to 0xfeexxxxx, and KVM refuses the
	 * whole table for one route with bits it does not know.
	 */
	if (ext_dest) {
		hi = (lo >> MSI_EXT_DEST_SHIFT & MSI_EXT_DEST_MASK) << 8;
		lo &= ~(MSI_EXT_DEST_MASK << MSI_EXT_DEST_SHIFT);
	}
	*ret_lo = lo;
	*ret_hi = hi;
}

/* Where the route of @gsi is, or belongs. */
static unsigned find(const struct kvm_routes *routes, uint32_t gsi)
{
	unsigned lo = 0, hi = routes->table ? routes->table->nr : 0;

	while (lo < hi) {
		unsigned mid = lo + (hi - lo) / 2;

		if (routes->table->entries[mid].gsi < gsi)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static bool is_at(const struct kvm_routes *routes, unsigned i, uint32_t gsi)
{
	return routes->table && i < routes->table->nr && routes->table->entries[i].gsi == gsi;
}

static int reserve(struct kvm_routes *routes)
{
	unsigned capacity = MAX(routes->capacity * 2, ROUTES_FIRST);
	struct kvm_irq_routing *table;

	if (routes->table && routes->table->nr < routes->capacity)
		return 0;
	table = realloc(routes->table, sizeof(*table) + capacity * sizeof(table->entries[0]));
	if (!table)
		return -ENOMEM;
	if (!routes->table)
		memset(table, 0, sizeof(*table));
	routes->table = table;
	routes->capacity = capacity;
	return 0;
}

static int flush(struct kvm *kvm)
{
	return ioctl(kvm->vm_fd, KVM_SET_GSI_ROUTING, kvm->routes.table) < 0 ? -errno : 0;
}

static void take_out(struct kvm_routes *routes, unsigned i)
{
	struct kvm_irq_routing_entry *e = &routes->table->entries[i];

	routes->table->nr--;
	memmove(e, e + 1, (routes->table->nr - i) * sizeof(*e));
}

/* Puts @wanted into the table under the lock; the table is as before when KVM refuses. */
static int set_locked(struct kvm *kvm, const struct kvm_irq_routing_entry *wanted)
{
	struct kvm_routes *routes = &kvm->routes;
	unsigned i = find(routes, wanted->gsi);
	struct kvm_irq_routing_entry *e, before;
	bool is_new = !is_at(routes, i, wanted->gsi);
	int r;

	if (is_new) {
		r = reserve(routes);
		if (r < 0)
			return r;
		e = &routes->table->entries[i];
		memmove(e + 1, e, (routes->table->nr - i) * sizeof(*e));
		routes->table->nr++;
	} else {
		e = &routes->table->entries[i];
		before = *e;
		if (memcmp(&before.u.msi, &wanted->u.msi, sizeof(before.u.msi)) == 0)
			return 0;
	}
	*e = *wanted;
	r = flush(kvm);
	if (r < 0 && is_new)
		take_out(routes, i);
	else if (r < 0)
		*e = before;
	return r;
}

int kvm_route_set(struct kvm *kvm, uint32_t gsi, uint64_t address, uint32_t data)
{
	struct kvm_irq_routing_entry wanted = {.gsi = gsi, .type = KVM_IRQ_ROUTING_MSI};
	int r;

	kvm_msi_split(kvm->ext_dest, address, &wanted.u.msi.address_lo, &wanted.u.msi.address_hi);
	wanted.u.msi.data = data;
	pthread_mutex_lock(&kvm->routes.lock);
	r = set_locked(kvm, &wanted);
	pthread_mutex_unlock(&kvm->routes.lock);
	return r;
}

void kvm_route_remove(struct kvm *kvm, uint32_t gsi)
{
	struct kvm_routes *routes = &kvm->routes;
	unsigned i;
	int r;

	pthread_mutex_lock(&routes->lock);
	i = find(routes, gsi);
	if (is_at(routes, i, gsi)) {
		take_out(routes, i);
		r = flush(kvm);
		if (r < 0)
			log_debug("KVM keeps the route of GSI %u: %s", gsi, strerror(-r));
	}
	pthread_mutex_unlock(&routes->lock);
}
