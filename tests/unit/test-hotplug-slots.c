/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The controller of slots, driven as the guest's ACPI methods do, and as no sane guest would.
 */
#include <stdlib.h>
#include <string.h>

#include "acpi/acpi.h"
#include "base/strbuf.h"
#include "devices/platform/ged.h"
#include "devices/platform/hotplug-slots.h"
#include "loop/loop.h"
#include "machine/layout.h"
#include "tests/unit/cu-tap.h"
#include "tests/unit/fake-machine.h"

#define N    6u
#define BASE LAYOUT_CPU_HOTPLUG

#define INSERTED(slot)     (1u << 16 | (slot))
#define EJECT(slot)        (3u << 16 | (slot))
#define OST(event, status) ((uint32_t)(event) << 16 | (status))

static struct io_thread *main_thread;
static struct ged *ged;
static struct hotplug_slots *slots;
static unsigned changes;

static void on_changed(void *opaque)
{
	changes++;
}

/* On the main thread: that of the loop. */
static void create(void *opaque)
{
	const struct hotplug_slots_params params = {
		.name = "test",
		.base = BASE,
		.event = ACPI_EVENT_CPU,
		.ged = ged,
		.n = N,
		.n_present = 2,
		.changed = on_changed,
	};

	CU_ASSERT_EQUAL(hotplug_slots_create((struct machine *)&fake, &params, &slots), 0);
}

static void destroy(void *opaque)
{
	hotplug_slots_destroy(slots);
}

static void set_up(void)
{
	struct machine *machine = fake_machine_init();

	main_thread = io_thread_create("main");
	fake.loop = io_thread_loop(main_thread);
	changes = 0;
	CU_ASSERT_EQUAL_FATAL(ged_create(machine, &ged), 0);
	loop_call(fake.loop, create, NULL);
}

static void tear_down(void)
{
	uint64_t value;

	loop_call(fake.loop, destroy, NULL);
	io_thread_destroy(main_thread);
	ged_destroy(ged);
	CU_ASSERT_FALSE(fake_mmio_read(BASE, 4, &value));
	fake_machine_fini();
}

static uint32_t read4(uint64_t offset)
{
	uint64_t value;

	CU_ASSERT(fake_mmio_read(BASE + offset, 4, &value));
	return (uint32_t)value;
}

static uint32_t events(void)
{
	uint64_t value;

	fake_mmio_read(LAYOUT_GED, 4, &value);
	return (uint32_t)value;
}

static uint32_t sta(unsigned slot)
{
	return read4(4 + 4 * slot);
}

static void tell(unsigned slot, uint32_t value)
{
	fake_mmio_write(BASE + 4 + 4 * slot, 4, value);
}

static void nothing(void *opaque)
{
}

/* How often the main thread heard of something so far; what rang before has been heard. */
static unsigned heard(void)
{
	loop_call(fake.loop, nothing, NULL);
	return changes;
}

static void says(unsigned slot, const char *wanted)
{
	cleanup_strbuf struct strbuf why = STRBUF_INIT;

	hotplug_slots_explain(slots, slot, &why);
	CU_ASSERT_STRING_EQUAL(why.text, wanted);
}

static void what_comes_is_seen_and_confirmed(void)
{
	set_up();
	CU_ASSERT_EQUAL(sta(1), 0xf);
	CU_ASSERT_EQUAL(sta(2), 0);
	hotplug_slots_insert(slots, 3);
	hotplug_slots_insert(slots, 2);
	CU_ASSERT_EQUAL(events(), ACPI_EVENT_CPU);
	CU_ASSERT_EQUAL(fake.level_changes, 4);
	says(2, "the guest has not taken it yet");
	CU_ASSERT_EQUAL(read4(0), INSERTED(2));
	CU_ASSERT_EQUAL(read4(0), INSERTED(3));
	CU_ASSERT_EQUAL(read4(0), 0);
	CU_ASSERT_EQUAL(sta(2), 0xf);
	tell(2, OST(1, 0));
	CU_ASSERT_EQUAL(heard(), 1);
	CU_ASSERT_EQUAL(hotplug_slots_state(slots, 2), HOTPLUG_PRESENT);
	CU_ASSERT_EQUAL(hotplug_slots_state(slots, 3), HOTPLUG_INSERTED);
	tell(3, OST(1, 1));
	CU_ASSERT_EQUAL(heard(), 2);
	says(3, "the guest refused to take it (_OST 0x1)");
	tear_down();
}

static void what_goes_is_given_back_last_first(void)
{
	set_up();
	hotplug_slots_insert(slots, 2);
	CU_ASSERT_EQUAL(read4(0), INSERTED(2));
	hotplug_slots_ask(slots, 1);
	hotplug_slots_ask(slots, 2);
	CU_ASSERT_EQUAL(read4(0), EJECT(2));
	CU_ASSERT_EQUAL(read4(0), EJECT(1));
	tell(2, OST(3, 0x84));
	CU_ASSERT_EQUAL(heard(), 0);
	tell(2, HOTPLUG_SLOT_GIVEN_BACK);
	CU_ASSERT_EQUAL(heard(), 1);
	CU_ASSERT_EQUAL(sta(2), 0);
	CU_ASSERT_EQUAL(hotplug_slots_state(slots, 2), HOTPLUG_GIVEN_BACK);
	hotplug_slots_removed(slots, 2);
	CU_ASSERT_EQUAL(hotplug_slots_state(slots, 2), HOTPLUG_ABSENT);
	says(1, "the guest has not let go of it yet");
	tell(1, OST(3, 0x82));
	CU_ASSERT_EQUAL(heard(), 2);
	says(1, "the guest refused to let go of it: it is in use (_OST 0x82)");
	/* Asked again, and the old answer is forgotten. */
	hotplug_slots_ask(slots, 1);
	CU_ASSERT_EQUAL(read4(0), EJECT(1));
	says(1, "the guest has not let go of it yet");
	tear_down();
}

static void a_removal_can_be_taken_back(void)
{
	set_up();
	hotplug_slots_ask(slots, 1);
	hotplug_slots_insert(slots, 1);
	/* The guest had not heard of it, and does not. */
	CU_ASSERT_EQUAL(read4(0), 0);
	CU_ASSERT_EQUAL(hotplug_slots_state(slots, 1), HOTPLUG_PRESENT);
	hotplug_slots_ask(slots, 1);
	CU_ASSERT_EQUAL(read4(0), EJECT(1));
	hotplug_slots_insert(slots, 1);
	CU_ASSERT_EQUAL(read4(0), INSERTED(1));
	events();
	/* It lets go all the same: when it is through with that it is told that the thing is there.
	 */
	tell(1, HOTPLUG_SLOT_GIVEN_BACK);
	CU_ASSERT_EQUAL(sta(1), 0);
	CU_ASSERT_EQUAL(events(), 0);
	CU_ASSERT_EQUAL(read4(0), 0);
	tell(1, OST(3, 0x84));
	CU_ASSERT_EQUAL(sta(1), 0);
	tell(1, OST(3, 0));
	CU_ASSERT_EQUAL(sta(1), 0xf);
	CU_ASSERT_EQUAL(events(), ACPI_EVENT_CPU);
	CU_ASSERT_EQUAL(read4(0), INSERTED(1));
	CU_ASSERT_EQUAL(heard(), 0);
	tear_down();
}

static void what_comes_at_once_waits_for_what_goes(void)
{
	set_up();
	hotplug_slots_ask(slots, 1);
	CU_ASSERT_EQUAL(read4(0), EJECT(1));
	events();
	tell(1, HOTPLUG_SLOT_GIVEN_BACK);
	hotplug_slots_removed(slots, 1);
	hotplug_slots_insert(slots, 1);
	/* Linux would take it for what it has not let go of. */
	CU_ASSERT_EQUAL(sta(1), 0);
	CU_ASSERT_EQUAL(read4(0), 0);
	events();
	tell(1, OST(3, 0));
	CU_ASSERT_EQUAL(events(), ACPI_EVENT_CPU);
	CU_ASSERT_EQUAL(sta(1), 0xf);
	CU_ASSERT_EQUAL(read4(0), INSERTED(1));
	/* A guest that never says how it went has it when it is told again. */
	hotplug_slots_ask(slots, 1);
	CU_ASSERT_EQUAL(read4(0), EJECT(1));
	tell(1, HOTPLUG_SLOT_GIVEN_BACK);
	hotplug_slots_removed(slots, 1);
	hotplug_slots_insert(slots, 1);
	CU_ASSERT_EQUAL(read4(0), 0);
	hotplug_slots_insert(slots, 1);
	CU_ASSERT_EQUAL(read4(0), INSERTED(1));
	CU_ASSERT_EQUAL(sta(1), 0xf);
	tear_down();
}

static void nothing_leaves_that_was_not_asked(void)
{
	set_up();
	for (unsigned i = 0; i < 1000; i++)
		tell(1, HOTPLUG_SLOT_GIVEN_BACK | i);
	CU_ASSERT_EQUAL(hotplug_slots_state(slots, 1), HOTPLUG_INSERTED);
	tell(1, OST(0x103, 0));
	CU_ASSERT_EQUAL(sta(1), 0xf);
	tell(5, HOTPLUG_SLOT_GIVEN_BACK);
	CU_ASSERT_EQUAL(hotplug_slots_state(slots, 5), HOTPLUG_ABSENT);
	CU_ASSERT_EQUAL(heard(), 0);
	/* However many answers, the main thread hears of one. */
	hotplug_slots_ask(slots, 0);
	for (unsigned i = 1; i < 1000; i++) {
		tell(0, OST(3, i));
		heard();
	}
	CU_ASSERT_EQUAL(changes, 1);
	tear_down();
}

static void strange_accesses_do_nothing(void)
{
	uint64_t value;

	set_up();
	hotplug_slots_ask(slots, 1);
	for (unsigned size = 1; size <= 8; size *= 2)
		for (uint64_t offset = 0; offset + size <= 4 * (1 + N); offset++) {
			if (size == 4 && offset % 4 == 0)
				continue;
			CU_ASSERT(fake_mmio_read(BASE + offset, size, &value));
			CU_ASSERT_EQUAL(value, 0);
			CU_ASSERT(fake_mmio_write(BASE + offset, size, UINT64_MAX));
		}
	fake_mmio_write(BASE, 4, UINT32_MAX);
	CU_ASSERT_EQUAL(read4(0), EJECT(1));
	CU_ASSERT_FALSE(fake_mmio_read(BASE + 4 * (1 + N), 4, &value));
	CU_ASSERT_EQUAL(hotplug_slots_state(slots, 1), HOTPLUG_LEAVING);
	CU_ASSERT_EQUAL(heard(), 0);
	srand(1);
	for (unsigned i = 0; i < 100000; i++) {
		uint64_t offset = (uint64_t)rand() % (4 * (1 + N));
		unsigned size = 1u << rand() % 4;

		switch (rand() % 8) {
		case 0:
			hotplug_slots_ask(slots, (unsigned)rand() % N);
			break;
		case 1:
			for (unsigned slot = 0; slot < N; slot++)
				if (hotplug_slots_state(slots, slot) == HOTPLUG_GIVEN_BACK)
					hotplug_slots_removed(slots, slot);
			hotplug_slots_insert(slots, (unsigned)rand() % N);
			break;
		case 2:
		case 3:
			fake_mmio_read(BASE + offset, size, &value);
			break;
		default:
			fake_mmio_write(BASE + offset, size,
					(uint64_t)rand() << 32 | (uint64_t)rand() << 1);
		}
		for (unsigned slot = 0; slot < N; slot++)
			if (hotplug_slots_state(slots, slot) == HOTPLUG_GIVEN_BACK)
				hotplug_slots_removed(slots, slot);
	}
	/* Events are counted right: all can be taken, and then there are none. */
	for (unsigned i = 0; i < N; i++)
		read4(0);
	CU_ASSERT_EQUAL(read4(0), 0);
	tell(0, OST(3, 0));
	hotplug_slots_insert(slots, 0);
	hotplug_slots_ask(slots, 0);
	CU_ASSERT_EQUAL(read4(0), EJECT(0));
	tear_down();
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"what comes is seen and confirmed", what_comes_is_seen_and_confirmed},
		{"what goes is given back, last first", what_goes_is_given_back_last_first},
		{"a removal can be taken back", a_removal_can_be_taken_back},
		{"what comes at once waits for what goes", what_comes_at_once_waits_for_what_goes},
		{"nothing leaves that was not asked", nothing_leaves_that_was_not_asked},
		{"strange accesses do nothing", strange_accesses_do_nothing},
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = {
		{"hotplug-slots", NULL, NULL, NULL, NULL, tests},
		CU_SUITE_INFO_NULL,
	};

	return cu_tap_run(suites);
}
