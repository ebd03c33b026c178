/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio-rng as its driver meets it: random bytes from the kernel and from files that end, wait, or
 * cannot be opened; on its real I/O thread.
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

extern const struct device_type device_virtio_rng;

static char directory[] = "/tmp/weft-test-rng-XXXXXX";
static char path[64];
static struct device *rng;

static void start(const char *source)
{
	const struct virtio_rng_config config = {.source = source};
	cleanup_arena struct arena *arena = arena_create();
	struct diag_list *diags = diag_list_create(arena);
	struct graph_node node;
	struct machine *machine = driver_machine(&device_virtio_rng, &config, &node);

	CU_ASSERT_EQUAL_FATAL(device_virtio_rng.prepare(machine, &node, &rng, diags), 0);
	CU_ASSERT_EQUAL_FATAL(device_virtio_rng.commit(rng, diags), 0);
}

static void stop(void)
{
	device_virtio_rng.destroy(rng);
	driver_machine_fini();
}

/* One request of @len bytes at the first buffer; what came, or -1 for nothing within the time. */
static int64_t ask(uint32_t len)
{
	struct driver_buffer buffer = {DRIVER_BUFFERS, len, true};

	driver_add(0, &buffer, 1);
	return driver_wait(0, 1);
}

static void make_file(const char *bytes)
{
	int fd;

	snprintf(path, sizeof(path), "%s/source", directory);
	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_EQUAL(write(fd, bytes, strlen(bytes)), (ssize_t)strlen(bytes));
	close(fd);
}

static void the_kernel_gives_bytes(void)
{
	const struct driver_buffer pieces[] = {
		{DRIVER_BUFFERS + 100, 64, true},
		{DRIVER_BUFFERS + 300, 64, true},
	};
	char zero[64] = {0};

	start(NULL);
	driver_bring_up(1ULL << VIRTIO_RING_F_EVENT_IDX, 1);
	driver_add(0, pieces, 2);
	CU_ASSERT_EQUAL(driver_wait(0, 1), 128);
	CU_ASSERT_NOT_EQUAL(memcmp(fake_ram(DRIVER_BUFFERS + 100, 64), zero, 64), 0);
	CU_ASSERT_NOT_EQUAL(memcmp(fake_ram(DRIVER_BUFFERS + 300, 64), zero, 64), 0);
	CU_ASSERT_EQUAL(memcmp(fake_ram(DRIVER_BUFFERS + 164, 64), zero, 64), 0);
	for (unsigned i = 0; i < 100; i++)
		CU_ASSERT_EQUAL(ask(64), 64);
	stop();
}

static void strange_requests_are_answered(void)
{
	struct driver_buffer readable = {DRIVER_BUFFERS, 64, false};

	start(NULL);
	driver_bring_up(0, 1);
	driver_add(0, &readable, 1); /* nothing to fill */
	CU_ASSERT_EQUAL(driver_wait(0, 1), 0);
	CU_ASSERT_EQUAL(ask(0), 0);
	CU_ASSERT_EQUAL(ask(64 * 1024), 16 * 1024); /* bounded: the driver asks again */
	stop();
}

static void a_file_is_read_once(void)
{
	make_file("0123456789");
	start(path);
	driver_bring_up(0, 1);
	CU_ASSERT_EQUAL(ask(6), 6);
	CU_ASSERT_EQUAL(memcmp(fake_ram(DRIVER_BUFFERS, 6), "012345", 6), 0);
	CU_ASSERT_EQUAL(ask(6), 4);
	/* At its end the request waits; the device can be reset and taken away. */
	CU_ASSERT_EQUAL(ask(6), -1);
	driver_bring_up(0, 1);
	stop();
}

static void a_slow_source_is_waited_for(void)
{
	int fd;

	snprintf(path, sizeof(path), "%s/fifo", directory);
	CU_ASSERT_EQUAL_FATAL(mkfifo(path, 0600), 0);
	fd = open(path, O_RDWR | O_CLOEXEC);
	start(path);
	driver_bring_up(0, 1);
	CU_ASSERT_EQUAL(ask(8), -1);
	CU_ASSERT_EQUAL(write(fd, "abc", 3), 3);
	CU_ASSERT_EQUAL(driver_wait(0, 1), 3);
	/* A reset while it waits, and a new driver. */
	CU_ASSERT_EQUAL(ask(8), -1);
	driver_bring_up(0, 1);
	CU_ASSERT_EQUAL(write(fd, "de", 2), 2);
	CU_ASSERT_EQUAL(ask(8), 2);
	CU_ASSERT_EQUAL(ask(8), -1);
	stop(); /* while it waits */
	close(fd);
	unlink(path);
}

static void a_source_that_is_not_there_is_a_diagnostic(void)
{
	const struct virtio_rng_config config = {.source = "/nonexistent/source"};
	cleanup_arena struct arena *arena = arena_create();
	struct diag_list *diags = diag_list_create(arena);
	struct graph_node node;
	struct machine *machine = driver_machine(&device_virtio_rng, &config, &node);

	CU_ASSERT_EQUAL(device_virtio_rng.prepare(machine, &node, &rng, diags), -ENOENT);
	CU_ASSERT_EQUAL(diag_errors(diags), 1);
	driver_machine_fini();
}

static void a_pause_holds_requests_back(void)
{
	start(NULL);
	driver_bring_up(0, 1);
	CU_ASSERT_EQUAL(ask(64), 64);
	device_virtio_rng.pause(rng);
	CU_ASSERT_EQUAL(ask(64), -1);
	device_virtio_rng.resume(rng);
	CU_ASSERT_EQUAL(driver_wait(0, 1), 64);
	/* A reset and the end while it is paused. */
	device_virtio_rng.pause(rng);
	driver_bring_up(0, 1);
	device_virtio_rng.resume(rng);
	CU_ASSERT_EQUAL(ask(64), 64);
	device_virtio_rng.pause(rng);
	stop();
}

static void resets_race_with_work(void)
{
	start(NULL);
	for (unsigned i = 0; i < 300; i++) {
		struct driver_buffer buffer = {DRIVER_BUFFERS, 4096, true};

		driver_bring_up(0, 1);
		for (unsigned n = 0; n < 8; n++)
			driver_add(0, &buffer, 1);
		if (i % 3)
			CU_ASSERT_EQUAL(driver_wait(0, i % 3), 4096);
	}
	stop();
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"the kernel gives bytes", the_kernel_gives_bytes},
		{"strange requests are answered", strange_requests_are_answered},
		{"a file is read once", a_file_is_read_once},
		{"a slow source is waited for", a_slow_source_is_waited_for},
		{"a source that is not there is a diagnostic",
		 a_source_that_is_not_there_is_a_diagnostic},
		{"a pause holds requests back", a_pause_holds_requests_back},
		{"resets race with work", resets_race_with_work},
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = {
		{"virtio-rng", NULL, NULL, NULL, NULL, tests},
		CU_SUITE_INFO_NULL,
	};
	int r;

	if (!mkdtemp(directory))
		return 99;
	r = cu_tap_run(suites);
	snprintf(path, sizeof(path), "%s/source", directory);
	unlink(path);
	rmdir(directory);
	return r;
}
