/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hotplug controller as a guest's AML, a careless guest and a hostile one use it.
 */
#include <stdlib.h>

#include "acpi/acpi.h"
#include "devices/platform/ged.h"
#include "devices/platform/pci-hotplug.h"
#include "graph/graph.h"
#include "pci/bus.h"
#include "pci/function.h"
#include "tests/unit/cu-tap.h"
#include "tests/unit/fake-machine.h"

#define UP    (LAYOUT_PCI_HOTPLUG + 0)
#define DOWN  (LAYOUT_PCI_HOTPLUG + 4)
#define EJECT (LAYOUT_PCI_HOTPLUG + 8)

static struct pci_bus *bus;
static struct ged *ged;
static struct pci_hotplug *hotplug;
static struct pci_function functions[2];
static struct device devices[2];

static void start(void)
{
	static const struct pci_identity identity = {.vendor = 0x1af4, .device = 0x1044};
	static const struct pci_function_ops ops; /* none */
	struct machine *machine = fake_machine_init();

	CU_ASSERT_EQUAL_FATAL(pci_bus_create(machine, &bus), 0);
	CU_ASSERT_EQUAL_FATAL(ged_create(machine, &ged), 0);
	CU_ASSERT_EQUAL_FATAL(pci_hotplug_create(machine, bus, ged, &hotplug), 0);
	for (unsigned i = 0; i < 2; i++) {
		pci_function_init(&functions[i], "toy", &identity, &ops);
		functions[i].device = &devices[i];
	}
	/* One that the guest finds when it boots. */
	CU_ASSERT_EQUAL(pci_bus_plug(bus, 1, &functions[0]), 0);
	CU_ASSERT_EQUAL(fake.level_changes, 0);
	pci_hotplug_start(hotplug);
}

static void stop(void)
{
	for (unsigned i = 0; i < 2; i++)
		pci_bus_unplug(bus, &functions[i]);
	pci_hotplug_destroy(hotplug);
	ged_destroy(ged);
	pci_bus_destroy(bus);
	fake_machine_fini();
}

static uint32_t rd(uint64_t gpa)
{
	uint64_t value;

	CU_ASSERT(fake_mmio_read(gpa, 4, &value));
	return (uint32_t)value;
}

static void wr(uint64_t gpa, uint32_t value)
{
	CU_ASSERT(fake_mmio_write(gpa, 4, value));
}

static void a_plug_is_told_once(void)
{
	start();
	CU_ASSERT_EQUAL(rd(UP), 0);
	CU_ASSERT_EQUAL(pci_bus_plug(bus, 31, &functions[1]), 0);
	CU_ASSERT_EQUAL(rd(LAYOUT_GED), ACPI_EVENT_PCI);
	CU_ASSERT_EQUAL(fake.level_changes, 2);
	/* It stays until it is taken. */
	CU_ASSERT_EQUAL(rd(UP), 1u << 31);
	wr(UP, 1u << 30);
	CU_ASSERT_EQUAL(rd(UP), 1u << 31);
	wr(UP, 1u << 31);
	CU_ASSERT_EQUAL(rd(UP), 0);
	CU_ASSERT_EQUAL(rd(DOWN), 0);
	stop();
}

static void a_removal_ends_with_the_eject(void)
{
	start();
	CU_ASSERT_EQUAL(pci_bus_request_unplug(bus, 1), 0);
	CU_ASSERT_EQUAL(rd(LAYOUT_GED), ACPI_EVENT_PCI);
	CU_ASSERT_EQUAL(rd(DOWN), 1u << 1);
	wr(DOWN, 1u << 1);
	CU_ASSERT_EQUAL(rd(DOWN), 0);
	CU_ASSERT_PTR_NULL(fake.unplugged);
	/* A guest that does not answer is asked again. */
	CU_ASSERT_EQUAL(pci_bus_request_unplug(bus, 1), 0);
	CU_ASSERT_EQUAL(rd(DOWN), 1u << 1);
	wr(EJECT, 1u << 1);
	CU_ASSERT_PTR_EQUAL(fake.unplugged, &devices[0]);
	CU_ASSERT_EQUAL(rd(DOWN), 0);
	/* Once. */
	fake.unplugged = NULL;
	wr(EJECT, 1u << 1);
	CU_ASSERT_PTR_NULL(fake.unplugged);
	/* The slot is another's now. */
	pci_bus_unplug(bus, &functions[0]);
	CU_ASSERT_EQUAL(pci_bus_plug(bus, 1, &functions[1]), 0);
	CU_ASSERT_EQUAL(rd(UP), 1u << 1);
	wr(EJECT, UINT32_MAX);
	CU_ASSERT_PTR_NULL(fake.unplugged);
	stop();
}

static void what_was_said_of_the_last_one_is_forgotten(void)
{
	start();
	CU_ASSERT_EQUAL(pci_bus_request_unplug(bus, 1), 0);
	pci_bus_unplug(bus, &functions[0]);
	CU_ASSERT_EQUAL(pci_bus_plug(bus, 1, &functions[1]), 0);
	CU_ASSERT_EQUAL(rd(DOWN), 0);
	wr(EJECT, 1u << 1);
	CU_ASSERT_PTR_NULL(fake.unplugged);
	stop();
}

static void a_request_is_taken_back_while_it_is_not_heard(void)
{
	start();
	CU_ASSERT_EQUAL(pci_bus_request_unplug(bus, 1), 0);
	pci_bus_cancel_unplug(bus, 1);
	CU_ASSERT_EQUAL(rd(DOWN), 0);
	wr(EJECT, 1u << 1);
	CU_ASSERT_PTR_NULL(fake.unplugged);
	/* One that was heard is followed. */
	CU_ASSERT_EQUAL(pci_bus_request_unplug(bus, 1), 0);
	wr(DOWN, 1u << 1);
	pci_bus_cancel_unplug(bus, 1);
	wr(EJECT, 1u << 1);
	CU_ASSERT_PTR_EQUAL(fake.unplugged, &devices[0]);
	stop();
}

static void strange_accesses_do_nothing(void)
{
	static const unsigned sizes[] = {1, 2, 4, 8};
	uint64_t value;

	start();
	CU_ASSERT_EQUAL(pci_bus_request_unplug(bus, 1), 0);
	for (unsigned offset = 0; offset < ACPI_PCI_HOTPLUG_SIZE; offset++)
		for (unsigned i = 0; i < 4; i++) {
			if (sizes[i] == 4 && offset % 4 == 0)
				continue;
			fake_mmio_read(LAYOUT_PCI_HOTPLUG + offset, sizes[i], &value);
			fake_mmio_write(LAYOUT_PCI_HOTPLUG + offset, sizes[i], UINT64_MAX);
		}
	CU_ASSERT_PTR_NULL(fake.unplugged);
	CU_ASSERT_EQUAL(rd(DOWN), 1u << 1);
	CU_ASSERT_EQUAL(rd(EJECT), 0);
	/* All slots at once, the bridge's, empty ones: only the one that was asked for. */
	wr(EJECT, UINT32_MAX);
	CU_ASSERT_PTR_EQUAL(fake.unplugged, &devices[0]);
	stop();
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"a plug is told once", a_plug_is_told_once},
		{"a removal ends with the eject", a_removal_ends_with_the_eject},
		{"what was said of the last one is forgotten",
		 what_was_said_of_the_last_one_is_forgotten},
		{"a request is taken back while it is not heard",
		 a_request_is_taken_back_while_it_is_not_heard},
		{"strange accesses do nothing", strange_accesses_do_nothing},
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = {
		{"pci-hotplug", NULL, NULL, NULL, NULL, tests},
		CU_SUITE_INFO_NULL,
	};

	return cu_tap_run(suites);
}
