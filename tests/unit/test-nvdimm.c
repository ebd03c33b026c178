/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NVDIMMs as ACPI meets them: _FIT's registers, labels, flush hints, coming and going; and a guest
 * that uses the registers against their protocol.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/diag.h"
#include "base/strbuf.h"
#include "devices/platform/ged.h"
#include "devices/platform/hotplug-slots.h"
#include "devices/platform/nvdimm-bus.h"
#include "graph/graph.h"
#include "loop/loop.h"
#include "schema/config.h"
#include "tests/unit/cu-tap.h"
#include "tests/unit/fake-machine.h"

#define SIZE   (2 * MiB)
#define LABELS (128 * KiB)

extern const struct device_type device_nvdimm;

static char directory[] = "/tmp/weft-test-nvdimm-XXXXXX";
static char path[64];
static struct machine *machine;
static struct io_thread *main_thread;
static struct ged *ged;

/* There is no file behind the node. */
struct span graph_node_span(const struct graph_node *node, const char *property unused)
{
	return node->span;
}

/* On the main thread: that of the loop. */
static void create(void *opaque)
{
	(void)!nvdimm_bus_create(machine, ged, &fake.nvdimms);
}

static void start(void *opaque)
{
	nvdimm_bus_start(fake.nvdimms);
}

static void destroy(void *opaque)
{
	nvdimm_bus_destroy(fake.nvdimms);
}

static int set_up(void)
{
	machine = fake_machine_init();
	main_thread = io_thread_create("main");
	fake.loop = io_thread_loop(main_thread);
	if (ged_create(machine, &ged) < 0)
		return 1;
	loop_call(fake.loop, create, NULL);
	return fake.nvdimms ? 0 : 1;
}

static int tear_down(void)
{
	loop_call(fake.loop, destroy, NULL);
	io_thread_destroy(main_thread);
	ged_destroy(ged);
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

static void every_nvdimm_has_a_table_of_its_own(void)
{
	struct device *first = add(0, false), *second;
	uint8_t whole[NFIT_MAX_SIZE], read[NVDIMM_DATA_SIZE];

	snprintf(path, sizeof(path), "%s/b", directory);
	second = add(7, false);
	CU_ASSERT_EQUAL(nvdimm_bus_fit(fake.nvdimms, whole), 2 * NFIT_DIMM_SIZE);
	for (uint32_t handle = 0; handle < 20; handle++) {
		set(NVDIMM_HANDLE, handle);
		set(NVDIMM_COMMAND, NVDIMM_FIT);
		CU_ASSERT_EQUAL(get(NVDIMM_SIZE), handle == 1 || handle == 8 ? NFIT_DIMM_SIZE : 0);
		for (uint32_t i = 0; i < NVDIMM_DATA_SIZE; i += 4) {
			uint32_t word = get(NVDIMM_DATA + i);

			memcpy(read + i, &word, 4);
		}
		if (get(NVDIMM_SIZE))
			CU_ASSERT_EQUAL(memcmp(read, whole + (handle == 8 ? NFIT_DIMM_SIZE : 0),
					       NFIT_DIMM_SIZE),
					0);
	}
	device_nvdimm.destroy(second);
	set(NVDIMM_HANDLE, 8);
	set(NVDIMM_COMMAND, NVDIMM_FIT);
	CU_ASSERT_EQUAL(get(NVDIMM_SIZE), 0);
	CU_ASSERT_EQUAL(get(NVDIMM_DATA), 0);
	device_nvdimm.destroy(first);
	unlink(path);
	snprintf(path, sizeof(path), "%s/a", directory);
}

static void what_is_lost_is_said_with_the_file(void)
{
	struct device *device = add(0, false);
	cleanup_strbuf struct strbuf none = STRBUF_INIT, cut = STRBUF_INIT, holes = STRBUF_INIT;

	device_nvdimm.explain_loss(device, &none);
	CU_ASSERT_EQUAL(none.size, 0);
	fake.lost = true;
	fake.loss = (struct device_memory_loss){.size = MiB};
	device_nvdimm.explain_loss(device, &cut);
	CU_ASSERT_PTR_NOT_NULL(strstr(cut.text, "/a' was cut short to 1MiB "));
	fake.loss = (struct device_memory_loss){.size = SIZE, .holes = true};
	device_nvdimm.explain_loss(device, &holes);
	CU_ASSERT_PTR_NOT_NULL(strstr(holes.text, "/a' cannot be had "));
	fake.lost = false;
	device_nvdimm.destroy(device);
}

static uint32_t slot(unsigned i)
{
	uint64_t value;

	CU_ASSERT(fake_mmio_read(LAYOUT_NVDIMM_SLOTS + 4 + 4 * i, 4, &value));
	return (uint32_t)value;
}

static void write_slot(unsigned i, uint32_t value)
{
	CU_ASSERT(fake_mmio_write(LAYOUT_NVDIMM_SLOTS + 4 + 4 * i, 4, value));
}

static uint32_t event(void)
{
	uint64_t value;

	CU_ASSERT(fake_mmio_read(LAYOUT_NVDIMM_SLOTS, 4, &value));
	return (uint32_t)value;
}

static void nothing(void *opaque)
{
}

/* The main thread has heard of what rang. */
static void settle(void)
{
	loop_call(fake.loop, nothing, NULL);
}

/* Before the main loop comes to the bell. */
static void come_and_go(void *opaque)
{
	struct device **device = opaque;

	*device = add(3, false);
	CU_ASSERT_EQUAL(slot(3), 0);
	CU_ASSERT_EQUAL(device_nvdimm.request_unplug(*device), 0);
}

static void one_goes_when_the_guest_gives_it_back(void)
{
	struct device *device = add(3, false);
	cleanup_strbuf struct strbuf why = STRBUF_INIT;

	CU_ASSERT_EQUAL(slot(3), HOTPLUG_SLOT_PRESENT);
	CU_ASSERT_EQUAL(slot(4), 0);
	/* What nobody asked for stays, and what is not there cannot be given back. */
	write_slot(3, HOTPLUG_SLOT_GIVEN_BACK);
	write_slot(4, HOTPLUG_SLOT_GIVEN_BACK);
	settle();
	CU_ASSERT_PTR_NULL(fake.unplugged);
	CU_ASSERT_EQUAL(slot(3), 0);
	write_slot(3, 0x103 << 16);
	CU_ASSERT_EQUAL(slot(3), HOTPLUG_SLOT_PRESENT);
	CU_ASSERT_EQUAL(event(), 1 << 16 | 3);
	CU_ASSERT_EQUAL(device_nvdimm.request_unplug(device), 0);
	CU_ASSERT_EQUAL(event(), 3 << 16 | 3);
	/* Linux is busy until its administrator says so. */
	write_slot(3, 3 << 16 | 0x82);
	device_nvdimm.explain_unplug(device, &why);
	CU_ASSERT_PTR_NOT_NULL(strstr(why.text, "ACPI0004:03/online"));
	CU_ASSERT_PTR_NOT_NULL(strstr(why.text, "it is in use"));
	device_nvdimm.cancel_unplug(device);
	CU_ASSERT_EQUAL(event(), 1 << 16 | 3);
	device_nvdimm.request_unplug(device);
	write_slot(3, HOTPLUG_SLOT_GIVEN_BACK);
	CU_ASSERT_EQUAL(slot(3), 0);
	settle();
	CU_ASSERT_PTR_EQUAL(fake.unplugged, device);
	CU_ASSERT_EQUAL(fake.plugged_memories, 1);
	device_nvdimm.destroy(device);
	fake.unplugged = NULL;
	write_slot(3, 3 << 16);
	CU_ASSERT_EQUAL(event(), 0);
	CU_ASSERT_EQUAL(fake.memories, 0);
}

static void one_that_the_guest_has_not_heard_of_goes_at_once(void)
{
	struct device *device;

	loop_call(fake.loop, start, NULL);
	loop_call(fake.loop, come_and_go, &device);
	CU_ASSERT_PTR_EQUAL(fake.unplugged, device);
	device_nvdimm.destroy(device);
	fake.unplugged = NULL;
	settle();
	CU_ASSERT_EQUAL(slot(3), 0);
	CU_ASSERT_EQUAL(event(), 0);
	device = add(3, false);
	settle();
	CU_ASSERT_EQUAL(slot(3), HOTPLUG_SLOT_PRESENT);
	CU_ASSERT_EQUAL(event(), 1 << 16 | 3);
	device_nvdimm.destroy(device);
	CU_ASSERT_EQUAL(slot(3), 0);
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
	for (uint32_t command = 5; command < 300; command++) {
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
		{"every NVDIMM has a table of its own", every_nvdimm_has_a_table_of_its_own},
		{"labels are kept in the file", labels_are_kept_in_the_file},
		{"hostile label commands are refused", hostile_label_commands_are_refused},
		{"a hint is there as long as its NVDIMM", a_hint_is_there_as_long_as_its_nvdimm},
		{"what is lost is said, with the file", what_is_lost_is_said_with_the_file},
		{"one goes when the guest gives it back", one_goes_when_the_guest_gives_it_back},
		{"one that the guest has not heard of goes at once",
		 one_that_the_guest_has_not_heard_of_goes_at_once},
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
