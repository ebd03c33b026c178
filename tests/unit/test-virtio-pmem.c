/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio-pmem as its driver meets it: its configuration, flushes, and requests that are none; and
 * the file behind: made, kept, removed, refused.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/virtio_ring.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/diag.h"
#include "schema/config.h"
#include "tests/unit/cu-tap.h"
#include "tests/unit/fake-driver.h"
#include "tests/unit/fake-machine.h"

#define SIZE (2 * MiB)

extern const struct device_type device_virtio_pmem;

static char directory[] = "/tmp/weft-test-pmem-XXXXXX";
static char path[64];
static struct device *pmem;

static int prepare(void)
{
	const struct virtio_pmem_config config = {.path = path, .size = SIZE};
	cleanup_arena struct arena *arena = arena_create();
	struct diag_list *diags = diag_list_create(arena);
	struct graph_node node;
	struct machine *machine = driver_machine(&device_virtio_pmem, &config, &node);
	int r = device_virtio_pmem.prepare(machine, &node, &pmem, diags);

	CU_ASSERT_EQUAL(diag_errors(diags), r < 0);
	return r;
}

static void start(void)
{
	CU_ASSERT_EQUAL_FATAL(prepare(), 0);
	CU_ASSERT_EQUAL_FATAL(device_virtio_pmem.commit(pmem, NULL), 0);
	CU_ASSERT_EQUAL(fake.plugged_memories, 1);
}

static void stop(void)
{
	device_virtio_pmem.destroy(pmem);
	CU_ASSERT_EQUAL(fake.memories, 0);
	CU_ASSERT_EQUAL(fake.plugged_memories, 0);
	driver_machine_fini();
}

/* A request with @out bytes to read, of which the first four are @type, and @in to write. */
static int64_t ask(uint32_t type, uint32_t out, uint32_t in)
{
	const struct driver_buffer buffers[] = {
		{DRIVER_BUFFERS, out, false},
		{DRIVER_BUFFERS + 64, in, true},
	};

	memcpy(fake_ram(DRIVER_BUFFERS, 4), &type, 4);
	memset(fake_ram(DRIVER_BUFFERS + 64, 8), 0x5a, 8);
	driver_add(0, buffers, 2);
	return driver_wait(0, 1);
}

static uint32_t result(void)
{
	uint32_t value;

	memcpy(&value, fake_ram(DRIVER_BUFFERS + 64, 4), 4);
	return value;
}

static void it_says_where_its_memory_is(void)
{
	start();
	driver_bring_up(0, 1);
	CU_ASSERT_EQUAL(driver_config_read(0, 4), DRIVER_MEMORY & UINT32_MAX);
	CU_ASSERT_EQUAL(driver_config_read(4, 4), DRIVER_MEMORY >> 32);
	CU_ASSERT_EQUAL(driver_config_read(8, 4), SIZE);
	stop();
}

static void flushes_are_answered(void)
{
	const struct driver_buffer pieces[] = {
		{DRIVER_BUFFERS, 4, false},     {DRIVER_BUFFERS + 64, 1, true},
		{DRIVER_BUFFERS + 65, 1, true}, {DRIVER_BUFFERS + 66, 1, true},
		{DRIVER_BUFFERS + 67, 5, true},
	};

	start();
	driver_bring_up(1ULL << VIRTIO_RING_F_EVENT_IDX, 1);
	CU_ASSERT_EQUAL(ask(0, 4, 4), 4);
	CU_ASSERT_EQUAL(result(), 0);
	driver_add(0, pieces, 5);
	CU_ASSERT_EQUAL(driver_wait(0, 1), 4);
	for (unsigned i = 0; i < 50; i++)
		CU_ASSERT_EQUAL(ask(0, 4, 4), 4);
	for (unsigned i = 0; i < 30; i++) {
		for (unsigned n = 0; n < 4; n++)
			driver_add(0, pieces, 5);
		/* Flushes are in flight when it is reset. */
		driver_bring_up(0, 1);
	}
	CU_ASSERT_EQUAL(ask(0, 4, 4), 4);
	stop();
}

static void flushes_of_a_file_that_lost_pages_fail(void)
{
	start();
	driver_bring_up(0, 1);
	fake.lost = true;
	CU_ASSERT_EQUAL(ask(0, 4, 4), 4);
	CU_ASSERT_EQUAL(result(), UINT32_MAX);
	fake.lost = false;
	CU_ASSERT_EQUAL(ask(0, 4, 4), 4);
	CU_ASSERT_EQUAL(result(), 0);
	stop();
}

static void strange_requests_are_answered(void)
{
	start();
	driver_bring_up(0, 1);
	CU_ASSERT_EQUAL(ask(1, 4, 4), 4); /* no such type */
	CU_ASSERT_EQUAL(result(), UINT32_MAX);
	CU_ASSERT_EQUAL(ask(0, 3, 4), 4); /* no type */
	CU_ASSERT_EQUAL(result(), UINT32_MAX);
	CU_ASSERT_EQUAL(ask(0, 4, 2), 2); /* no room for the answer */
	CU_ASSERT_EQUAL(ask(0, 4, 0), 0);
	CU_ASSERT_EQUAL(ask(0, 4096, 4096), 4);
	CU_ASSERT_EQUAL(result(), 0);
	stop();
}

static void a_file_is_made_when_it_is_used(void)
{
	struct stat st;

	snprintf(path, sizeof(path), "%s/made", directory);
	CU_ASSERT_EQUAL_FATAL(prepare(), 0);
	CU_ASSERT_EQUAL(stat(path, &st), 0);
	stop(); /* never committed */
	CU_ASSERT_EQUAL(stat(path, &st), -1);
	start();
	stop();
	CU_ASSERT_EQUAL(stat(path, &st), 0);
	CU_ASSERT_EQUAL(st.st_size, SIZE);
	CU_ASSERT_EQUAL(truncate(path, SIZE - 1), 0);
	CU_ASSERT_EQUAL(prepare(), -EINVAL);
	driver_machine_fini();
	CU_ASSERT_EQUAL(truncate(path, SIZE + 1), 0);
	start();
	stop();
	CU_ASSERT_EQUAL(stat(path, &st), 0);
	CU_ASSERT_EQUAL(st.st_size, SIZE + 1);
	unlink(path);
	CU_ASSERT_EQUAL(mkdir(path, 0700), 0);
	CU_ASSERT(prepare() < 0);
	driver_machine_fini();
	rmdir(path);
	snprintf(path, sizeof(path), "%s/file", directory);
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"it says where its memory is", it_says_where_its_memory_is},
		{"flushes are answered", flushes_are_answered},
		{"flushes of a file that lost pages fail", flushes_of_a_file_that_lost_pages_fail},
		{"strange requests are answered", strange_requests_are_answered},
		{"a file is made when it is used", a_file_is_made_when_it_is_used},
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = {
		{"virtio-pmem", NULL, NULL, NULL, NULL, tests},
		CU_SUITE_INFO_NULL,
	};
	int r;

	if (!mkdtemp(directory))
		return 99;
	snprintf(path, sizeof(path), "%s/file", directory);
	r = cu_tap_run(suites);
	unlink(path);
	rmdir(directory);
	return r;
}
