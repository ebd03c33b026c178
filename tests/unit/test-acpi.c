/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "acpi/acpi.h"
#include "acpi/aml.h"
#include "devices/platform/acpi-pm.h"
#include "devices/platform/ged.h"
#include "machine/layout.h"
#include "tests/unit/cu-tap.h"
#include "tests/unit/fake-machine.h"

/* The length at @p as a reader of AML decodes it, §20.2.4. */
static size_t decode_length(const uint8_t *p)
{
	unsigned more = p[0] >> 6;
	size_t len = more ? p[0] & 0xf : p[0] & 0x3f;

	for (unsigned i = 1; i <= more; i++)
		len |= (size_t)p[i] << (8 * i - 4);
	return len;
}

static void a_body_counts_its_own_length(void)
{
	static const size_t sizes[] = {0,    1,    50,   58,   59,   60,   61,   62,
				       63,   64,   4000, 4086, 4087, 4088, 4089, 4090,
				       4091, 4092, 4093, 4094, 4095, 4096, 70000};

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct aml a;

		aml_init(&a);
		aml_scope(&a, "\\");
		for (size_t n = 0; n < sizes[i]; n++)
			aml_integer(&a, 1);
		aml_end(&a);
		CU_ASSERT_EQUAL(decode_length(a.bytes + 1), a.len - 1);
		CU_ASSERT_EQUAL(a.len, 1 + (a.bytes[1] >> 6) + 1u + 2 + sizes[i]);
		aml_fini(&a);
	}
}

static void paths_are_padded_and_prefixed(void)
{
	static const struct {
		const char *path, *aml;
		size_t len;
	} paths[] = {
		{"GED", "GED_", 4},      {"\\_SB.PCI0", "\\\x2e_SB_PCI0", 10},
		{"^^PWRB", "^^PWRB", 6}, {"\\_SB.PCI0.S00", "\\\x2f\x03_SB_PCI0S00_", 15},
		{"\\", "\\\0", 2},
	};

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		struct aml a;

		aml_init(&a);
		aml_path(&a, paths[i].path);
		CU_ASSERT_EQUAL_FATAL(a.len, paths[i].len);
		CU_ASSERT_EQUAL(memcmp(a.bytes, paths[i].aml, a.len), 0);
		aml_fini(&a);
	}
}

static uint64_t read_le(uint64_t gpa, unsigned size)
{
	uint64_t v = 0;

	memcpy(&v, fake_ram(gpa, size), size);
	return v;
}

static uint8_t sum(uint64_t gpa, uint64_t len)
{
	const uint8_t *p = fake_ram(gpa, len);
	uint8_t s = 0;

	while (len-- > 0)
		s = (uint8_t)(s + *p++);
	return s;
}

static void tables_are_found_and_their_sums_are_right(void)
{
	static const uint32_t apic_ids[] = {0, 2};
	struct acpi_machine machine = {
		.apic_ids = apic_ids, .n_cpus = 1, .max_cpus = 2, .pci = true, .serial = true};
	struct guest_memory *memory = machine_memory(fake_machine_init());
	uint64_t rsdp = 0, xsdt;

	CU_ASSERT_EQUAL_FATAL(acpi_write(&machine, memory, &rsdp), 0);
	CU_ASSERT_EQUAL(rsdp % 16, 0);
	CU_ASSERT_EQUAL(sum(rsdp, 20), 0);
	CU_ASSERT_EQUAL(sum(rsdp, 36), 0);
	xsdt = read_le(rsdp + 24, 8);
	CU_ASSERT_EQUAL(read_le(xsdt + 4, 4), 36 + 4 * 8);
	CU_ASSERT_EQUAL(sum(xsdt, read_le(xsdt + 4, 4)), 0);
	for (uint64_t at = xsdt + 36; at < xsdt + read_le(xsdt + 4, 4); at += 8) {
		uint64_t table = read_le(at, 8), len = read_le(table + 4, 4);

		CU_ASSERT(table >= LAYOUT_ACPI && table + len <= LAYOUT_ACPI_END);
		CU_ASSERT_EQUAL(sum(table, len), 0);
	}
	fake_machine_fini();
}

static void tables_that_do_not_fit_are_refused(void)
{
	static uint32_t apic_ids[5000];
	struct acpi_machine machine = {.apic_ids = apic_ids, .n_cpus = 1, .max_cpus = 5000};
	struct guest_memory *memory = machine_memory(fake_machine_init());
	uint64_t rsdp;

	memset(fake_ram(LAYOUT_SMBIOS, 4096), 0xee, 4096);
	CU_ASSERT_EQUAL(acpi_write(&machine, memory, &rsdp), -E2BIG);
	CU_ASSERT_EQUAL(read_le(LAYOUT_SMBIOS, 1), 0xee);
	fake_machine_fini();
}

static void the_event_register_is_cleared_by_reading(void)
{
	struct machine *machine = fake_machine_init();
	struct ged *ged;
	uint64_t v;

	CU_ASSERT_EQUAL_FATAL(ged_create(machine, &ged), 0);
	ged_raise(ged, ACPI_EVENT_POWER_BUTTON);
	ged_raise(ged, ACPI_EVENT_CPU);
	CU_ASSERT_EQUAL(fake.level_changes, 4); /* two edges */
	CU_ASSERT_FALSE(fake.levels[IRQ_GED]);
	CU_ASSERT(fake_mmio_write(LAYOUT_GED, 4, UINT32_MAX));
	CU_ASSERT(fake_mmio_read(LAYOUT_GED + 1, 1, &v) && v == 0);
	CU_ASSERT(fake_mmio_read(LAYOUT_GED, 4, &v));
	CU_ASSERT_EQUAL(v, ACPI_EVENT_POWER_BUTTON | ACPI_EVENT_CPU);
	CU_ASSERT(fake_mmio_read(LAYOUT_GED, 4, &v) && v == 0);
	ged_raise(ged, ACPI_EVENT_PCI);
	ged_reset(ged);
	CU_ASSERT(fake_mmio_read(LAYOUT_GED, 1, &v) && v == 0);
	ged_destroy(ged);
	CU_ASSERT_FALSE(fake_mmio_read(LAYOUT_GED, 4, &v));
	fake_machine_fini();
}

static void sleep_and_reset_are_requested(void)
{
	struct machine *machine = fake_machine_init();
	struct acpi_pm *pm;

	CU_ASSERT_EQUAL_FATAL(acpi_pm_create(machine, &pm), 0);
	fake_pio_write(PORT_ACPI_SLEEP_STATUS, 1, 0x80);
	fake_pio_write(PORT_ACPI_SLEEP_CONTROL, 1, ACPI_SLEEP_TYPE_S5 << 2); /* not enabled */
	fake_pio_write(PORT_ACPI_SLEEP_CONTROL, 1, 3 << 2 | 0x20);           /* S3 */
	fake_pio_write(PORT_ACPI_RESET, 1, 0);
	CU_ASSERT_EQUAL(fake.n_events, 0);
	fake_pio_write(PORT_ACPI_SLEEP_CONTROL, 1, ACPI_SLEEP_TYPE_S5 << 2 | 0x20);
	CU_ASSERT_EQUAL(fake.n_events, 1);
	CU_ASSERT_EQUAL(fake.event, MACHINE_POWER_OFF);
	fake_pio_write(PORT_ACPI_RESET, 1, ACPI_RESET_VALUE);
	CU_ASSERT_EQUAL(fake.n_events, 2);
	CU_ASSERT_EQUAL(fake.event, MACHINE_RESET);
	CU_ASSERT_EQUAL(fake_pio_read(PORT_ACPI_SLEEP_STATUS, 1), 0);
	acpi_pm_destroy(pm);
	fake_machine_fini();
}

static void the_timer_counts_at_its_rate(void)
{
	struct machine *machine = fake_machine_init();
	uint64_t start, ticks, wide;
	struct acpi_pm *pm;

	CU_ASSERT_EQUAL_FATAL(acpi_pm_create(machine, &pm), 0);
	start = fake_pio_read(PORT_ACPI_TIMER, 4);
	usleep(20000);
	/* 20 ms are 71591 ticks; a busy host makes them more. */
	ticks = (uint32_t)(fake_pio_read(PORT_ACPI_TIMER, 4) - start);
	CU_ASSERT(ticks >= 71591 && ticks < 60 * 3579545u);
	fake_pio_write(PORT_ACPI_TIMER, 4, 0);
	wide = fake_pio_read(PORT_ACPI_TIMER, 4);
	ticks = (uint8_t)(fake_pio_read(PORT_ACPI_TIMER + 3, 1) - (wide >> 24));
	CU_ASSERT(ticks < 16);
	acpi_pm_destroy(pm);
	CU_ASSERT_EQUAL(fake_pio_read(PORT_ACPI_TIMER, 1), 0xff);
	fake_machine_fini();
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"a body counts its own length", a_body_counts_its_own_length},
		{"paths are padded and prefixed", paths_are_padded_and_prefixed},
		{"tables are found and their sums are right",
		 tables_are_found_and_their_sums_are_right},
		{"tables that do not fit are refused", tables_that_do_not_fit_are_refused},
		{"the event register is cleared by reading",
		 the_event_register_is_cleared_by_reading},
		{"sleep and reset are requested", sleep_and_reset_are_requested},
		{"the timer counts at its rate", the_timer_counts_at_its_rate},
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = {
		{"acpi", NULL, NULL, NULL, NULL, tests},
		CU_SUITE_INFO_NULL,
	};

	return cu_tap_run(suites);
}
