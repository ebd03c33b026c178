/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio-blk as its driver meets it, through the PCI transport, on its real I/O thread and files.
 */
#define virtio_blk_config virtio_blk_space
#include <linux/virtio_blk.h>
#undef virtio_blk_config

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/virtio_config.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/diag.h"
#include "base/log.h"
#include "schema/config.h"
#include "tests/unit/cu-tap.h"
#include "tests/unit/fake-driver.h"
#include "tests/unit/fake-machine.h"

#define SIZE   (1 * MiB)
#define HEADER DRIVER_BUFFERS
#define DATA   (DRIVER_BUFFERS + 0x1000)
#define STATUS (DRIVER_BUFFERS + 0x800)
#define BIT(n) (1ULL << (n))

#define config_at(field)                                             \
	driver_config_read(offsetof(struct virtio_blk_space, field), \
			   sizeof(((struct virtio_blk_space *)0)->field))

extern const struct device_type device_virtio_blk;

static char path[] = "/tmp/weft-test-virtio-blk-XXXXXX";
static struct virtio_blk_config config;
static struct device *disk;
static int file;

static int prepare(void)
{
	cleanup_arena struct arena *arena = arena_create();
	struct diag_list *diags = diag_list_create(arena);
	struct graph_node node;
	struct machine *machine = driver_machine(&device_virtio_blk, &config, &node);
	int r = device_virtio_blk.prepare(machine, &node, &disk, diags);

	CU_ASSERT_EQUAL(diag_errors(diags), r < 0);
	if (r == 0) {
		CU_ASSERT_EQUAL_FATAL(device_virtio_blk.commit(disk, diags), 0);
		driver_bring_up(0, 0); /* so that its registers answer */
		driver_reset();
	}
	return r;
}

static void start(void)
{
	CU_ASSERT_EQUAL_FATAL(ftruncate(file, 0), 0);
	CU_ASSERT_EQUAL_FATAL(ftruncate(file, SIZE), 0);
	CU_ASSERT_EQUAL_FATAL(prepare(), 0);
}

static void stop(void)
{
	device_virtio_blk.destroy(disk);
	driver_machine_fini();
}

static void reset_config(void)
{
	config = (struct virtio_blk_config){
		.path = path,
		.discard = true,
		.queues = 1,
		.queue_size = 256,
		.serial = "S/N 1",
	};
}

static void put_header(unsigned at, uint32_t type, uint64_t sector)
{
	struct virtio_blk_outhdr header = {.type = htole32(type), .sector = htole64(sector)};

	memcpy(fake_ram(HEADER + at, sizeof(header)), &header, sizeof(header));
}

/* One request with @len bytes of data; its status, or -1. */
static int ask(uint32_t type, uint64_t sector, uint32_t len, bool in)
{
	unsigned char *status = fake_ram(STATUS, 1);
	struct driver_buffer b[3] = {{HEADER, 16, false}};
	unsigned n = 1;

	put_header(0, type, sector);
	*status = 0xaa;
	if (len)
		b[n++] = (struct driver_buffer){DATA, len, in};
	b[n++] = (struct driver_buffer){STATUS, 1, true};
	driver_add(0, b, n);
	CU_ASSERT_EQUAL(driver_wait(0, 1), (in ? len : 0) + 1);
	return *status;
}

static void a_driver_reads_and_writes(void)
{
	unsigned char *data, byte;

	start();
	driver_bring_up(BIT(VIRTIO_BLK_F_FLUSH) | BIT(VIRTIO_BLK_F_DISCARD), 1);
	data = fake_ram(DATA, 8192);
	memset(data, 0x42, 8192);
	CU_ASSERT_EQUAL(ask(VIRTIO_BLK_T_OUT, 8, 8192, false), VIRTIO_BLK_S_OK);
	CU_ASSERT_EQUAL(ask(VIRTIO_BLK_T_FLUSH, 0, 0, false), VIRTIO_BLK_S_OK);
	CU_ASSERT(pread(file, &byte, 1, 4096 + 8191) == 1 && byte == 0x42);
	memset(data, 0, 8192);
	CU_ASSERT_EQUAL(ask(VIRTIO_BLK_T_IN, 8, 8192, true), VIRTIO_BLK_S_OK);
	CU_ASSERT_EQUAL(data[8191], 0x42);
	CU_ASSERT_EQUAL(ask(VIRTIO_BLK_T_GET_ID, 0, 20, true), VIRTIO_BLK_S_OK);
	CU_ASSERT_STRING_EQUAL((char *)data, "S/N 1");
	CU_ASSERT_EQUAL(ask(VIRTIO_BLK_T_IN, SIZE / 512, 512, true), VIRTIO_BLK_S_IOERR);
	CU_ASSERT_EQUAL(ask(VIRTIO_BLK_T_IN, 0, 513, true), VIRTIO_BLK_S_IOERR);
	/* What was not negotiated is not there. */
	CU_ASSERT_EQUAL(ask(VIRTIO_BLK_T_WRITE_ZEROES, 0, 16, false), VIRTIO_BLK_S_UNSUPP);
	stop();
}

static void the_configuration_tells_what_it_is(void)
{
	uint64_t features;

	config.queues = 4;
	start();
	features = driver_offered_features();
	CU_ASSERT(features & BIT(VIRTIO_BLK_F_MQ) && features & BIT(VIRTIO_BLK_F_CONFIG_WCE));
	CU_ASSERT(!(features & BIT(VIRTIO_BLK_F_RO)));
	CU_ASSERT_EQUAL(config_at(capacity), SIZE / 512);
	CU_ASSERT_EQUAL(config_at(seg_max), 254);
	CU_ASSERT_EQUAL(config_at(num_queues), 4);
	CU_ASSERT_EQUAL(config_at(max_discard_seg), 1);
	CU_ASSERT_EQUAL(config_at(wce), 1);
	driver_bring_up(BIT(VIRTIO_BLK_F_FLUSH) | BIT(VIRTIO_BLK_F_CONFIG_WCE), 1);
	driver_config_write(offsetof(struct virtio_blk_space, wce), 1, 0);
	CU_ASSERT_EQUAL(config_at(wce), 0);
	CU_ASSERT_EQUAL(ask(VIRTIO_BLK_T_OUT, 0, 512, false), VIRTIO_BLK_S_OK);
	/* Nothing else can be written, and a reset puts the cache back. */
	driver_config_write(0, 4, 0);
	CU_ASSERT_EQUAL(config_at(capacity), SIZE / 512);
	driver_reset();
	CU_ASSERT_EQUAL(config_at(wce), 1);
	stop();
}

static void a_read_only_disk(void)
{
	config.read_only = true;
	start();
	CU_ASSERT(driver_offered_features() & BIT(VIRTIO_BLK_F_RO));
	CU_ASSERT(!(driver_offered_features() & BIT(VIRTIO_BLK_F_DISCARD)));
	driver_bring_up(BIT(VIRTIO_BLK_F_RO), 1);
	CU_ASSERT_EQUAL(ask(VIRTIO_BLK_T_OUT, 0, 512, false), VIRTIO_BLK_S_IOERR);
	CU_ASSERT_EQUAL(ask(VIRTIO_BLK_T_IN, 0, 512, true), VIRTIO_BLK_S_OK);
	stop();
}

/* Resets while requests are in flight: afterwards nothing of the device writes to guest memory. */
static void resets_wait_for_what_is_in_flight(void)
{
	unsigned char *data;

	start();
	for (unsigned round = 0; round < 50; round++) {
		const unsigned n = 30, len = 8192;

		driver_bring_up(0, 1);
		put_header(0, VIRTIO_BLK_T_IN, 0);
		for (unsigned i = 0; i < n; i++) {
			const struct driver_buffer b[] = {{HEADER, 16, false},
							  {DATA + i * len, len, true},
							  {STATUS + i, 1, true}};

			driver_add(0, b, 3);
		}
		driver_reset();
		data = fake_ram(DATA, n * len);
		memset(data, 0x99, n * len);
		usleep(200);
		for (unsigned i = 0; i < n; i++)
			CU_ASSERT(data[i * len] == 0x99 && data[i * len + len - 1] == 0x99);
	}
	driver_bring_up(0, 1);
	CU_ASSERT_EQUAL(ask(VIRTIO_BLK_T_IN, 0, 512, true), VIRTIO_BLK_S_OK);
	stop();
}

static void strange_requests_do_no_harm(void)
{
	static const struct driver_buffer strange[][4] = {
		{{HEADER, 16, false}},                   /* no status */
		{{HEADER, 1, false}, {STATUS, 1, true}}, /* half a header */
		{{STATUS, 1, true}},                     /* no header */
		{{HEADER, 16, false}, {DATA, 100, true}, {STATUS, 1, true}},
		{{HEADER, 7, false}, {HEADER + 7, 9, false}, {DATA, 512, true}, {STATUS, 1, true}},
	};
	static const unsigned n[] = {1, 2, 1, 3, 4};

	start();
	driver_bring_up(0, 1);
	for (unsigned i = 0; i < 200; i++) {
		unsigned which = i % ARRAY_SIZE(strange);

		put_header(0, VIRTIO_BLK_T_IN, 0);
		driver_add(0, strange[which], n[which]);
		CU_ASSERT(driver_wait(0, 1) >= 0);
	}
	CU_ASSERT_EQUAL(*(unsigned char *)fake_ram(STATUS, 1), VIRTIO_BLK_S_OK);
	CU_ASSERT(!(driver_status() & VIRTIO_CONFIG_S_NEEDS_RESET));
	stop();
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* Reads @n blocks of 4 KiB, as fast as they come; how long it took, in ms. */
static uint64_t read_blocks(unsigned n)
{
	const struct driver_buffer b[] = {
		{HEADER, 16, false}, {DATA, 4096, true}, {STATUS, 1, true}};
	uint64_t start = now_ms();

	put_header(0, VIRTIO_BLK_T_IN, 0);
	for (unsigned i = 0; i < n; i++) {
		driver_add(0, b, 3);
		CU_ASSERT_FATAL(driver_wait(0, 1) >= 0);
	}
	return now_ms() - start;
}

static int edit(struct rate_limit *rate)
{
	cleanup_arena struct arena *arena = arena_create();
	struct graph_node node = {.id = "disk", .path = "devices.disk", .config = &config};

	config.rate = rate;
	return device_virtio_blk.update(disk, &node, diag_list_create(arena));
}

static void the_rate_is_kept_and_can_be_changed(void)
{
	struct rate_limit rate = {.has_bandwidth = true, .bandwidth = 400 * KiB, .burst = 20000000};
	uint64_t ms;

	config.rate = &rate;
	start();
	driver_bring_up(0, 1);
	read_blocks(4);
	ms = read_blocks(30); /* 120 KiB: 300 ms */
	CU_ASSERT(ms >= 270 && ms < 600);
	rate = (struct rate_limit){.has_operations = true, .operations = 100, .burst = 20000000};
	CU_ASSERT_EQUAL(edit(&rate), 0);
	read_blocks(4);
	ms = read_blocks(30);
	CU_ASSERT(ms >= 270 && ms < 600);
	CU_ASSERT_EQUAL(edit(NULL), 0);
	CU_ASSERT(read_blocks(30) < 200);
	stop();
}

static void the_disk_grows_with_its_file(void)
{
	cleanup_arena struct arena *arena = arena_create();
	struct diag_list *diags = diag_list_create(arena);
	struct graph_node node = {.id = "disk", .path = "devices.disk", .config = &config};
	unsigned interrupts;

	start();
	driver_bring_up(0, 1);
	interrupts = fake.sent[0] + fake.sent[1];
	device_virtio_blk.refresh(disk, &node, diags);
	CU_ASSERT_EQUAL(fake.sent[0] + fake.sent[1], interrupts);
	CU_ASSERT_EQUAL_FATAL(ftruncate(file, 2 * SIZE), 0);
	CU_ASSERT_EQUAL(config_at(capacity), SIZE / 512);
	device_virtio_blk.refresh(disk, &node, diags);
	CU_ASSERT_EQUAL(config_at(capacity), 2 * SIZE / 512);
	CU_ASSERT(fake.last_data == 0);
	CU_ASSERT_EQUAL(ask(VIRTIO_BLK_T_IN, 2 * SIZE / 512 - 1, 512, true), VIRTIO_BLK_S_OK);
	CU_ASSERT_EQUAL(diag_warnings(diags), 0);
	/* It never shrinks, and says so once for each size. */
	for (unsigned i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL_FATAL(ftruncate(file, SIZE), 0);
		device_virtio_blk.refresh(disk, &node, diags);
		CU_ASSERT_EQUAL(diag_warnings(diags), 1);
	}
	CU_ASSERT_EQUAL(config_at(capacity), 2 * SIZE / 512);
	stop();
}

static void a_paused_disk_leaves_memory_alone(void)
{
	const unsigned n = 30, len = 8192;
	unsigned char *data, *status;

	start();
	driver_bring_up(0, 1);
	for (unsigned round = 0; round < 20; round++) {
		data = fake_ram(DATA, n * len);
		status = fake_ram(STATUS, n);
		put_header(0, VIRTIO_BLK_T_IN, 0);
		memset(status, 0xaa, n);
		for (unsigned i = 0; i < n; i++) {
			const struct driver_buffer b[] = {{HEADER, 16, false},
							  {DATA + i * len, len, true},
							  {STATUS + i, 1, true}};

			driver_add(0, b, 3);
			if (i == round)
				device_virtio_blk.pause(disk);
		}
		/* What was taken is answered, what was not is not: nothing is in between. */
		for (unsigned i = 0; i < n; i++)
			if (status[i] == 0xaa)
				memset(data + i * len, 0x99, len);
		usleep(200);
		for (unsigned i = 0; i < n; i++)
			CU_ASSERT(status[i] == VIRTIO_BLK_S_OK || data[i * len] == 0x99);
		CU_ASSERT_EQUAL(status[n - 1], 0xaa);
		device_virtio_blk.resume(disk);
		CU_ASSERT(driver_wait(0, n) >= 0);
	}
	/* A reset, and the end, while it is paused. */
	device_virtio_blk.pause(disk);
	driver_bring_up(0, 1);
	CU_ASSERT_EQUAL(ask(VIRTIO_BLK_T_IN, 0, 512, true), VIRTIO_BLK_S_OK);
	device_virtio_blk.pause(disk);
	stop();
}

static void an_image_that_cannot_be_had_is_a_diagnostic(void)
{
	config.path = "/nonexistent/image";
	CU_ASSERT_EQUAL(prepare(), -ENOENT);
	driver_machine_fini();
}

static int with(enum virtio_blk_engine engine)
{
	reset_config();
	config.engine = engine;
	return 0;
}

static void before_each(void)
{
	with(config.engine);
}

static int with_threads(void)
{
	return with(VIRTIO_BLK_ENGINE_THREADS);
}

static int with_auto(void)
{
	return with(VIRTIO_BLK_ENGINE_AUTO);
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"a driver reads and writes", a_driver_reads_and_writes},
		{"the configuration tells what it is", the_configuration_tells_what_it_is},
		{"a read-only disk", a_read_only_disk},
		{"resets wait for what is in flight", resets_wait_for_what_is_in_flight},
		{"strange requests do no harm", strange_requests_do_no_harm},
		{"the rate is kept, and can be changed", the_rate_is_kept_and_can_be_changed},
		{"the disk grows with its file", the_disk_grows_with_its_file},
		{"a paused disk leaves memory alone", a_paused_disk_leaves_memory_alone},
		{"an image that cannot be had is a diagnostic",
		 an_image_that_cannot_be_had_is_a_diagnostic},
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = {
		{"auto", with_auto, NULL, before_each, NULL, tests},
		{"threads", with_threads, NULL, before_each, NULL, tests},
		CU_SUITE_INFO_NULL,
	};
	int r;

	file = mkostemp(path, O_CLOEXEC);
	if (file < 0)
		return 99;
	log_level = LOG_ERROR;
	r = cu_tap_run(suites);
	unlink(path);
	return r;
}
