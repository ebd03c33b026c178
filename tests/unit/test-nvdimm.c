/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NVDIMMs as ACPI meets them: the table through _FIT's registers, labels, flush hints; and a guest
 * that uses the registers against their protocol.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/diag.h"
#include "devices/platform/nvdimm-bus.h"
#include "graph/graph.h"
#include "schema/config.h"
#include "tests/unit/cu-tap.h"
#include "tests/unit/fake-machine.h"

#define SIZE   (2 * MiB)
#define LABELS (128 * KiB)

extern const struct device_type device_nvdimm;

static char directory[] = "/tmp/weft-test-nvdimm-XXXXXX";
static char path[64];
static struct machine *machine;

/* There is no file behind the node. */
struct span graph_node_span(const struct graph_node *node, const char *property unused)
{
	return node->span;
}

static int set_up(void)
{
	machine = fake_machine_init();
	return nvdimm_bus_create(machine, NULL, &fake.nvdimms);
}

static int tear_down(void)
{
	nvdimm_bus_destroy(fake.nvdimms);
	fake_machine_fini();
	unlink(path);
	return 0;
}

static struct device *add(int slot, bool read_only)
{
	const struct nvdimm_config config = {
		.path = path,
		.size = SIZE,
		.label_size = LABELS,
		.read_only = read_only,
	};
	const struct graph_node node = {
		.kind = GRAPH_DEVICE,
		.id = "dut",
		.path = "devices.dut",
		.type = &device_nvdimm,
		.config = &config,
		.pci_slot = -1,
		.irq = -1,
		.nvdimm_slot = slot,
		.memory = {40 * GiB, SIZE},
	};
	cleanup_arena struct arena *arena = arena_create();
	struct device *device;

	CU_ASSERT_EQUAL_FATAL(
		device_nvdimm.prepare(machine, &node, &device, diag_list_create(arena)), 0);
	CU_ASSERT_EQUAL_FATAL(device_nvdimm.commit(device, NULL), 0);
	return device;
}

static void set(enum nvdimm_register reg, uint32_t value)
{
	CU_ASSERT(fake_mmio_write(LAYOUT_NVDIMM + reg, 4, value));
}

static uint32_t get(uint32_t reg)
{
	uint64_t value;

	CU_ASSERT(fake_mmio_read(LAYOUT_NVDIMM + reg, 4, &value));
	return (uint32_t)value;
}

static uint32_t labels(enum nvdimm_command command, uint32_t handle, uint32_t offset,
		       uint32_t length)
{
	set(NVDIMM_HANDLE, handle);
	set(NVDIMM_OFFSET, offset);
	set(NVDIMM_LENGTH, length);
	set(NVDIMM_COMMAND, command);
	return get(NVDIMM_STATUS);
}

static void the_table_is_read_in_pieces(void)
{
	struct device *first = add(0, false), *second;
	uint8_t whole[NFIT_MAX_SIZE], read[2 * NVDIMM_DATA_SIZE];

	snprintf(path, sizeof(path), "%s/b", directory);
	second = add(7, false);
	CU_ASSERT_EQUAL(nvdimm_bus_fit(fake.nvdimms, whole), 2 * NFIT_DIMM_SIZE);
	set(NVDIMM_COMMAND, NVDIMM_FIT_LATCH);
	CU_ASSERT_EQUAL(get(NVDIMM_SIZE), 2 * NFIT_DIMM_SIZE);
	for (uint32_t offset = 0; offset < sizeof(read); offset += NVDIMM_DATA_SIZE) {
		set(NVDIMM_OFFSET, offset);
		set(NVDIMM_COMMAND, NVDIMM_FIT_READ);
		for (uint32_t i = 0; i < NVDIMM_DATA_SIZE; i += 4) {
			uint32_t word = get(NVDIMM_DATA + i);

			memcpy(read + offset + i, &word, 4);
		}
		/* What goes meanwhile stays in what was latched. */
		if (offset == 0)
			device_nvdimm.destroy(second);
	}
	CU_ASSERT_EQUAL(memcmp(read, whole, 2 * NFIT_DIMM_SIZE), 0);
	set(NVDIMM_OFFSET, UINT32_MAX);
	set(NVDIMM_COMMAND, NVDIMM_FIT_READ);
	CU_ASSERT_EQUAL(get(NVDIMM_DATA), 0);
	set(NVDIMM_COMMAND, NVDIMM_FIT_LATCH);
	CU_ASSERT_EQUAL(get(NVDIMM_SIZE), NFIT_DIMM_SIZE);
	device_nvdimm.destroy(first);
	unlink(path);
	snprintf(path, sizeof(path), "%s/a", directory);
}

static void labels_are_kept_in_the_file(void)
{
	static const uint8_t wanted[8] = {1, 2, 3, 4, 5, 6, 7, 8};
	struct device *device = add(2, false);
	uint8_t found[8];
	int fd;

	CU_ASSERT_EQUAL(labels(NVDIMM_LABEL_INFO, 3, 0, 0), NVDIMM_SUCCESS);
	CU_ASSERT_EQUAL(get(NVDIMM_SIZE), LABELS);
	CU_ASSERT_EQUAL(get(NVDIMM_MAX_TRANSFER), NVDIMM_DATA_SIZE);
	CU_ASSERT(fake_mmio_write(LAYOUT_NVDIMM + NVDIMM_DATA, 8, 0x0807060504030201));
	CU_ASSERT_EQUAL(labels(NVDIMM_LABEL_WRITE, 3, LABELS - 8, 8), NVDIMM_SUCCESS);
	CU_ASSERT_EQUAL(labels(NVDIMM_LABEL_READ, 3, LABELS - 8, 8), NVDIMM_SUCCESS);
	CU_ASSERT_EQUAL(get(NVDIMM_DATA + 4), 0x08070605);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	CU_ASSERT_EQUAL(pread(fd, found, 8, SIZE + LABELS - 8), 8);
	CU_ASSERT_EQUAL(memcmp(found, wanted, 8), 0);
	close(fd);
	device_nvdimm.destroy(device);
	device = add(2, true);
	CU_ASSERT_EQUAL(labels(NVDIMM_LABEL_READ, 3, LABELS - 8, 8), NVDIMM_SUCCESS);
	CU_ASSERT_EQUAL(labels(NVDIMM_LABEL_WRITE, 3, LABELS - 8, 8), NVDIMM_FAILURE);
	device_nvdimm.destroy(device);
}

static void hostile_label_commands_are_refused(void)
{
	static const uint32_t bad[][2] = {
		{0, 0},          {0, NVDIMM_DATA_SIZE + 1}, {LABELS, 1},     {LABELS - 1, 2},
		{UINT32_MAX, 8}, {UINT32_MAX, UINT32_MAX},  {8, UINT32_MAX},
	};
	struct device *device = add(2, false);

	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		CU_ASSERT_EQUAL(labels(NVDIMM_LABEL_READ, 3, bad[i][0], bad[i][1]), NVDIMM_INVALID);
		CU_ASSERT_EQUAL(labels(NVDIMM_LABEL_WRITE, 3, bad[i][0], bad[i][1]),
				NVDIMM_INVALID);
	}
	CU_ASSERT_EQUAL(labels(NVDIMM_LABEL_READ, 0, 0, 8), NVDIMM_FAILURE);
	CU_ASSERT_EQUAL(labels(NVDIMM_LABEL_READ, 2, 0, 8), NVDIMM_FAILURE);
	CU_ASSERT_EQUAL(labels(NVDIMM_LABEL_WRITE, UINT32_MAX, 0, 8), NVDIMM_FAILURE);
	for (uint32_t command = 6; command < 300; command++) {
		set(NVDIMM_COMMAND, command);
		CU_ASSERT_EQUAL(get(NVDIMM_STATUS), NVDIMM_INVALID);
	}
	device_nvdimm.destroy(device);
	CU_ASSERT_EQUAL(labels(NVDIMM_LABEL_INFO, 3, 0, 0), NVDIMM_FAILURE);
}

static void a_hint_is_there_as_long_as_its_nvdimm(void)
{
	const uint64_t hint = LAYOUT_NVDIMM_FLUSH + 5 * LAYOUT_NVDIMM_FLUSH_SIZE;
	struct device *device = add(5, false);
	uint64_t value;

	CU_ASSERT(fake_mmio_write(hint, 8, 1));
	CU_ASSERT(fake_mmio_write(hint + 4095, 1, 0xff));
	CU_ASSERT(fake_mmio_read(hint, 8, &value) && value == 0);
	CU_ASSERT_EQUAL(fake.plugged_memories, 1);
	device_nvdimm.destroy(device);
	CU_ASSERT_FALSE(fake_mmio_write(hint, 8, 1));
	CU_ASSERT_EQUAL(fake.memories, 0);
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"the table is read in pieces", the_table_is_read_in_pieces},
		{"labels are kept in the file", labels_are_kept_in_the_file},
		{"hostile label commands are refused", hostile_label_commands_are_refused},
		{"a hint is there as long as its NVDIMM", a_hint_is_there_as_long_as_its_nvdimm},
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = {
		{"nvdimm", set_up, tear_down, NULL, NULL, tests},
		CU_SUITE_INFO_NULL,
	};
	int r;

	if (!mkdtemp(directory))
		return 99;
	snprintf(path, sizeof(path), "%s/a", directory);
	r = cu_tap_run(suites);
	rmdir(directory);
	return r;
}
