/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "machine/ioapic.h"
#include "machine/layout.h"
#include "tests/unit/cu-tap.h"

#define LEVEL  0x8000u
#define MASKED 0x10000u
#define IRR    0x4000u

static struct ioapic *ioapic;
static unsigned n_delivered, n_routed, last_pin;
static uint64_t last_address;
static uint32_t last_data;

static void deliver(void *opaque, unsigned pin, uint64_t address, uint32_t data)
{
	n_delivered++;
	last_pin = pin;
	last_address = address;
	last_data = data;
}

static void route(void *opaque, unsigned pin, uint64_t address, uint32_t data)
{
	n_routed++;
}

static const struct ioapic_ops ops = {deliver, route};

static void set_up(void)
{
	ioapic = ioapic_create(&ops, NULL);
	n_delivered = n_routed = 0;
}

static void tear_down(void)
{
	ioapic = ioapic_destroy(ioapic);
}

static void write_reg(unsigned reg, uint32_t value)
{
	ioapic_io_ops.write(ioapic, 0x00, 4, reg);
	ioapic_io_ops.write(ioapic, 0x10, 4, value);
}

static uint32_t read_reg(unsigned reg)
{
	ioapic_io_ops.write(ioapic, 0x00, 4, reg);
	return (uint32_t)ioapic_io_ops.read(ioapic, 0x10, 4);
}

/* Low half of a pin's entry. */
static unsigned low(unsigned pin)
{
	return 0x10 + 2 * pin;
}

static void registers_say_what_it_is(void)
{
	CU_ASSERT_EQUAL(read_reg(1), 0x00170020);
	write_reg(0, 0xffffffff);
	CU_ASSERT_EQUAL(read_reg(0), 0x0f000000);
	CU_ASSERT_EQUAL(read_reg(low(0)), MASKED);
	/* Status and remote IRR are not the guest's to set. */
	write_reg(low(3), 0xffffffff);
	CU_ASSERT_EQUAL(read_reg(low(3)), 0x0001afff);
}

static void edges_go_once_and_wait_for_the_mask(void)
{
	write_reg(low(4) + 1, 0xff000000);
	write_reg(low(4), 0x0041 | 0x0800);
	ioapic_set_level(ioapic, 4, true);
	ioapic_set_level(ioapic, 4, true);
	CU_ASSERT_EQUAL(n_delivered, 1);
	CU_ASSERT_EQUAL(last_address, 0xfeeff004);
	CU_ASSERT_EQUAL(last_data, 0x4041);
	ioapic_set_level(ioapic, 4, false);
	write_reg(low(4), 0x0041 | MASKED);
	ioapic_set_level(ioapic, 4, true);
	ioapic_set_level(ioapic, 4, false);
	CU_ASSERT_EQUAL(n_delivered, 1);
	write_reg(low(4), 0x0041);
	CU_ASSERT_EQUAL(n_delivered, 2);
	CU_ASSERT_EQUAL(n_routed, 0);
}

static void levels_repeat_until_they_are_served(void)
{
	ioapic_set_level(ioapic, 9, true);
	write_reg(low(9), 0x0055 | LEVEL);
	CU_ASSERT_EQUAL(n_routed, 1);
	CU_ASSERT_EQUAL(n_delivered, 1);
	CU_ASSERT_EQUAL(last_data, 0xc055);
	CU_ASSERT_EQUAL(read_reg(low(9)) & IRR, IRR);
	ioapic_eoi(ioapic, 0x54);
	CU_ASSERT_EQUAL(n_delivered, 1);
	ioapic_eoi(ioapic, 0x55);
	CU_ASSERT_EQUAL(n_delivered, 2);
	ioapic_set_level(ioapic, 9, false);
	/* The EOI register does the same as the broadcast. */
	ioapic_io_ops.write(ioapic, 0x40, 4, 0x55);
	CU_ASSERT_EQUAL(n_delivered, 2);
	CU_ASSERT_EQUAL(read_reg(low(9)) & IRR, 0);
	/* Masking and unmasking asks nothing of KVM. */
	write_reg(low(9), 0x0055 | LEVEL | MASKED);
	write_reg(low(9), 0x0055 | LEVEL);
	CU_ASSERT_EQUAL(n_routed, 1);
	write_reg(low(9), 0x0056 | LEVEL);
	CU_ASSERT_EQUAL(n_routed, 2);
}

static void switching_to_edge_clears_remote_irr(void)
{
	ioapic_set_level(ioapic, 9, true);
	write_reg(low(9), 0x0055 | LEVEL);
	write_reg(low(9), 0x0055 | MASKED);
	write_reg(low(9), 0x0055 | LEVEL);
	CU_ASSERT_EQUAL(n_delivered, 2);
}

static void extended_destinations_become_address_bits(void)
{
	write_reg(low(1) + 1, 0x02000000 | 0x0003 << 17);
	write_reg(low(1), 0x30);
	ioapic_set_level(ioapic, 1, true);
	CU_ASSERT_EQUAL(last_address, 0xfee02000 | 3 << 5);
}

static void hostile_accesses_do_no_harm(void)
{
	unsigned seed = 1;

	ioapic_set_level(ioapic, 24, true);
	ioapic_set_level(ioapic, UINT32_MAX, true);
	for (unsigned i = 0; i < 200000; i++) {
		uint64_t offset = (uint64_t)rand_r(&seed) & 0x7f;
		unsigned size = 1u << (rand_r(&seed) & 3);
		uint64_t value = (uint64_t)rand_r(&seed) << 32 | (unsigned)rand_r(&seed);

		ioapic_io_ops.write(ioapic, offset & ~0xfULL, size, value);
		ioapic_io_ops.read(ioapic, offset, size);
		ioapic_set_level(ioapic, value & 31, value & 32);
		ioapic_eoi(ioapic, (uint8_t)value);
	}
	CU_ASSERT_EQUAL(read_reg(0x10 + 2 * IOAPIC_PINS), 0);
	CU_ASSERT_EQUAL(read_reg(0xff), 0);
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"registers say what it is", registers_say_what_it_is},
		{"edges go once and wait for the mask", edges_go_once_and_wait_for_the_mask},
		{"levels repeat until they are served", levels_repeat_until_they_are_served},
		{"switching to edge clears remote IRR", switching_to_edge_clears_remote_irr},
		{"extended destinations become address bits",
		 extended_destinations_become_address_bits},
		{"hostile accesses do no harm", hostile_accesses_do_no_harm},
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = {
		{"ioapic", NULL, NULL, set_up, tear_down, tests},
		CU_SUITE_INFO_NULL,
	};

	return cu_tap_run(suites);
}
