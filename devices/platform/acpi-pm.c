/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a guest powers itself off and resets itself, and how its firmware tells the time.
 */
#include <errno.h>
#include <time.h>

#include "acpi/acpi.h"
#include "devices/platform/acpi-pm.h"
#include "machine/address-space.h"
#include "machine/layout.h"
#include "machine/machine.h"

#define SLEEP_ENABLE     (1u << 5)
#define SLEEP_TYPE_SHIFT 2
#define SLEEP_TYPE_MASK  7u

/* The three ports are one region, from the sleep control register on. */
#define REGION_SIZE  3
#define SLEEP_STATUS (PORT_ACPI_SLEEP_STATUS - PORT_ACPI_SLEEP_CONTROL)
#define RESET        (PORT_ACPI_RESET - PORT_ACPI_SLEEP_CONTROL)

#define TIMER_SIZE 4
#define TIMER_HZ   3579545u

struct acpi_pm {
	struct machine *machine;
};

/* All read as zero: no wake status, for the guest never comes back from S5. */
static uint64_t acpi_pm_read(void *opaque, uint64_t offset, unsigned size)
{
	return 0;
}

static void acpi_pm_write(void *opaque, uint64_t offset, unsigned size, uint64_t value)
{
	struct acpi_pm *pm = opaque;

	/* A wide write is one of its bytes each. */
	for (unsigned i = 0; i < size; i++) {
		uint8_t byte = (uint8_t)(value >> (8 * i));

		if (offset + i == 0 && (byte & SLEEP_ENABLE) &&
		    (byte >> SLEEP_TYPE_SHIFT & SLEEP_TYPE_MASK) == ACPI_SLEEP_TYPE_S5)
			machine_request(pm->machine, MACHINE_POWER_OFF);
		if (offset + i == RESET && byte == ACPI_RESET_VALUE)
			machine_request(pm->machine, MACHINE_RESET);
	}
}

static const struct io_ops acpi_pm_ops = {
	.read = acpi_pm_read,
	.write = acpi_pm_write,
};

/* Readers of 24 bits and of 32 are both right: the counter starts anywhere and wraps. */
static uint64_t timer_read(void *opaque, uint64_t offset, unsigned size)
{
	struct timespec now;
	uint32_t ticks;

	clock_gettime(CLOCK_MONOTONIC, &now);
	ticks = (uint32_t)((uint64_t)now.tv_sec * TIMER_HZ +
			   (uint64_t)now.tv_nsec * TIMER_HZ / 1000000000u);
	return ticks >> (8 * offset);
}

static void timer_write(void *opaque, uint64_t offset, unsigned size, uint64_t value)
{
}

static const struct io_ops timer_ops = {
	.read = timer_read,
	.write = timer_write,
};

int acpi_pm_create(struct machine *machine, struct acpi_pm **ret)
{
	cleanup_free struct acpi_pm *pm = calloc(1, sizeof(*pm));
	struct io_region region = {
		.name = "acpi-pm",
		.base = PORT_ACPI_SLEEP_CONTROL,
		.size = REGION_SIZE,
		.ops = &acpi_pm_ops,
		.opaque = pm,
	};
	struct io_region timer = {
		.name = "acpi-timer",
		.base = PORT_ACPI_TIMER,
		.size = TIMER_SIZE,
		.ops = &timer_ops,
	};
	int r;

	_Static_assert(SLEEP_STATUS == 1 && RESET == 2, "the ports follow each other");
	if (!pm)
		return -ENOMEM;
	pm->machine = machine;
	r = address_space_add(machine_pio(machine), &region);
	if (r < 0)
		return r;
	r = address_space_add(machine_pio(machine), &timer);
	if (r < 0) {
		address_space_remove(machine_pio(machine), PORT_ACPI_SLEEP_CONTROL);
		return r;
	}
	*ret = TAKE_PTR(pm);
	return 0;
}

struct acpi_pm *acpi_pm_destroy(struct acpi_pm *pm)
{
	if (!pm)
		return NULL;
	address_space_remove(machine_pio(pm->machine), PORT_ACPI_SLEEP_CONTROL);
	address_space_remove(machine_pio(pm->machine), PORT_ACPI_TIMER);
	address_space_quiesce(machine_pio(pm->machine));
	free(pm);
	return NULL;
}
