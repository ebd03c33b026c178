/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event register collects bits until the guest's _EVT reads it, which clears it. The pin is
 * edge triggered: events that come while _EVT runs raise it again, and are read by the next run.
 */
#include <errno.h>
#include <stdatomic.h>

#include "devices/platform/ged.h"
#include "machine/address-space.h"
#include "machine/irq.h"
#include "machine/layout.h"
#include "machine/machine.h"

#define REGION_SIZE 4

struct ged {
	struct machine *machine;
	_Atomic uint32_t events;
};

/* Any width at any offset reads its part, and takes only that away. */
static uint64_t ged_read(void *opaque, uint64_t offset, unsigned size)
{
	struct ged *ged = opaque;
	uint32_t mask = size >= 4 ? UINT32_MAX : ((1u << (8 * size)) - 1) << (8 * offset);
	uint32_t events = atomic_fetch_and(&ged->events, ~mask);

	return (events & mask) >> (8 * offset);
}

static void ged_write(void *opaque, uint64_t offset, unsigned size, uint64_t value)
{
}

static const struct io_ops ged_ops = {
	.read = ged_read,
	.write = ged_write,
};

int ged_create(struct machine *machine, struct ged **ret)
{
	cleanup_free struct ged *ged = calloc(1, sizeof(*ged));
	struct io_region region = {
		.name = "ged",
		.base = LAYOUT_GED,
		.size = REGION_SIZE,
		.ops = &ged_ops,
		.opaque = ged,
	};
	int r;

	if (!ged)
		return -ENOMEM;
	ged->machine = machine;
	r = address_space_add(machine_mmio(machine), &region);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(ged);
	return 0;
}

struct ged *ged_destroy(struct ged *ged)
{
	if (!ged)
		return NULL;
	address_space_remove(machine_mmio(ged->machine), LAYOUT_GED);
	address_space_quiesce(machine_mmio(ged->machine));
	free(ged);
	return NULL;
}

void ged_raise(struct ged *ged, uint32_t events)
{
	atomic_fetch_or(&ged->events, events);
	irq_set_level(ged->machine, IRQ_GED, true);
	irq_set_level(ged->machine, IRQ_GED, false);
}

void ged_reset(struct ged *ged)
{
	atomic_store(&ged->events, 0);
}
