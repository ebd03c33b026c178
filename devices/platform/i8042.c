/* SPDX-License-Identifier: Apache-2.0 */
/*
 * There is no keyboard. A controller that does not answer its self-test costs Linux seconds, one
 * that is not there at all (all ones) 0.1 s at every try to reset through it, as its input buffer
 * looks full. So the input buffer is always empty, and the output buffer holds more stale bytes
 * than Linux is ready to flush, but not so many that a guest that reads until none is left would
 * hang.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "devices/platform/i8042.h"
#include "machine/address-space.h"
#include "machine/layout.h"
#include "machine/machine.h"

#define STALE_BYTES 32 /* Linux gives up after 16 */

#define STATUS_OUTPUT_FULL 0x01

#define COMMAND_WRITE_OUTPUT_PORT 0xd1
#define COMMAND_PULSE             0xf0 /* bits 0-3, where 0, are pulsed low */
#define OUTPUT_RESET              0x01 /* active low */

#define CONTROL_B_WRITABLE 0x0f
#define CONTROL_B_REFRESH  0x10 /* toggles with each refresh of RAM */
#define CONTROL_B_TIMER_2  0x20 /* the output of counter 2: it has always counted down */

struct i8042 {
	struct machine *machine;
	atomic_uint stale;
	atomic_uchar command; /* the last one, until its data came */
	atomic_uchar control_b;
};

static uint64_t data_read(void *opaque, uint64_t offset, unsigned size)
{
	struct i8042 *i8042 = opaque;
	unsigned stale = atomic_load(&i8042->stale);

	while (stale > 0 && !atomic_compare_exchange_weak(&i8042->stale, &stale, stale - 1))
		;
	return 0;
}

static void data_write(void *opaque, uint64_t offset, unsigned size, uint64_t value)
{
	struct i8042 *i8042 = opaque;

	if (atomic_exchange(&i8042->command, 0) == COMMAND_WRITE_OUTPUT_PORT &&
	    !(value & OUTPUT_RESET))
		machine_request(i8042->machine, MACHINE_RESET);
}

static uint64_t status_read(void *opaque, uint64_t offset, unsigned size)
{
	struct i8042 *i8042 = opaque;

	return atomic_load(&i8042->stale) > 0 ? STATUS_OUTPUT_FULL : 0;
}

static void command_write(void *opaque, uint64_t offset, unsigned size, uint64_t value)
{
	struct i8042 *i8042 = opaque;
	uint8_t command = (uint8_t)value;

	atomic_store(&i8042->command, command);
	if ((command & COMMAND_PULSE) == COMMAND_PULSE && !(command & OUTPUT_RESET))
		machine_request(i8042->machine, MACHINE_RESET);
}

static uint64_t control_b_read(void *opaque, uint64_t offset, unsigned size)
{
	struct i8042 *i8042 = opaque;

	return atomic_fetch_xor(&i8042->control_b, CONTROL_B_REFRESH) | CONTROL_B_TIMER_2;
}

static void control_b_write(void *opaque, uint64_t offset, unsigned size, uint64_t value)
{
	struct i8042 *i8042 = opaque;

	atomic_store(&i8042->control_b, (unsigned char)(value & CONTROL_B_WRITABLE));
}

static const struct io_ops data_ops = {.read = data_read, .write = data_write};
static const struct io_ops command_ops = {.read = status_read, .write = command_write};
static const struct io_ops control_b_ops = {.read = control_b_read, .write = control_b_write};

static const struct io_region regions[] = {
	{.name = "i8042 data", .base = PORT_I8042, .size = 1, .ops = &data_ops},
	{.name = "system control B",
	 .base = PORT_SYSTEM_CONTROL_B,
	 .size = 1,
	 .ops = &control_b_ops},
	{.name = "i8042 command", .base = PORT_I8042_COMMAND, .size = 1, .ops = &command_ops},
};

static void remove_regions(struct machine *machine, size_t n)
{
	for (size_t i = 0; i < n; i++)
		address_space_remove(machine_pio(machine), regions[i].base);
	address_space_quiesce(machine_pio(machine));
}

int i8042_create(struct machine *machine, struct i8042 **ret)
{
	struct i8042 *i8042 = calloc(1, sizeof(*i8042));

	if (!i8042)
		return -ENOMEM;
	i8042->machine = machine;
	i8042->stale = STALE_BYTES;
	for (size_t i = 0; i < ARRAY_SIZE(regions); i++) {
		struct io_region region = regions[i];
		int r;

		region.opaque = i8042;
		r = address_space_add(machine_pio(machine), &region);
		if (r < 0) {
			remove_regions(machine, i);
			free(i8042);
			return r;
		}
	}
	*ret = i8042;
	return 0;
}

struct i8042 *i8042_destroy(struct i8042 *i8042)
{
	if (!i8042)
		return NULL;
	remove_regions(i8042->machine, ARRAY_SIZE(regions));
	free(i8042);
	return NULL;
}
