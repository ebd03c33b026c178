/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio-console between its driver and a console of this test, which stands for src/console: input
 * before and after there are buffers, output, sizes, resets.
 */
#include <errno.h>
#include <linux/virtio_ring.h>
#include <pthread.h>
#include <string.h>

#include "base/arena.h"
#include "base/diag.h"
#include "console/console.h"
#include "tests/unit/cu-tap.h"
#include "tests/unit/fake-driver.h"
#include "tests/unit/fake-machine.h"

#define virtio_console_config virtio_console_space
#include <linux/virtio_console.h>
#undef virtio_console_config
#include "schema/config.h"

#define RECEIVE   0
#define TRANSMIT  1
#define BUFFER(n) (DRIVER_BUFFERS + (n)*0x1000)

extern const struct device_type device_virtio_console;

static struct {
	pthread_mutex_t lock;
	const struct console_events *events;
	void *opaque;
	char input[256], output[256];
	size_t n_input, n_output;
	unsigned updates;
	bool refuse;
} host = {.lock = PTHREAD_MUTEX_INITIALIZER};

static struct device *device;
static struct graph_node node;
static const struct virtio_console_config config;

int console_open(struct console_hub *hub unused, const struct graph_node *n unused,
		 const char *property unused, const struct console_output *output unused,
		 const struct console_events *events, void *opaque, struct console **ret,
		 struct diag_list *diags unused)
{
	if (host.refuse)
		return -EACCES;
	host.events = events;
	host.opaque = opaque;
	*ret = (struct console *)&host;
	return 0;
}

struct console *console_close(struct console *console unused)
{
	host.events = NULL;
	return NULL;
}

int console_update(struct console *console unused, const struct graph_node *n unused,
		   const char *property unused, const struct console_output *output unused,
		   struct diag_list *diags unused)
{
	host.updates++;
	return 0;
}

int console_prepare(struct console *console unused, const struct graph_node *n unused,
		    const char *property unused, const struct console_output *output unused,
		    struct diag_list *diags unused)
{
	return 0;
}

void console_start(struct console *console unused)
{
}

void console_cancel(struct console *console unused)
{
}

void console_needs(const struct console_output *output unused, const char *property unused,
		   bool reads unused, struct device_needs *needs unused, struct arena *arena unused)
{
}

void console_write(struct console *console unused, const void *buf, size_t len)
{
	pthread_mutex_lock(&host.lock);
	len = MIN(len, sizeof(host.output) - host.n_output);
	memcpy(host.output + host.n_output, buf, len);
	host.n_output += len;
	pthread_mutex_unlock(&host.lock);
}

size_t console_read(struct console *console unused, void *buf, size_t len)
{
	pthread_mutex_lock(&host.lock);
	len = MIN(len, host.n_input);
	memcpy(buf, host.input, len);
	host.n_input -= len;
	memmove(host.input, host.input + len, host.n_input);
	pthread_mutex_unlock(&host.lock);
	return len;
}

bool console_size(struct console *console unused, unsigned *ret_columns, unsigned *ret_rows)
{
	*ret_columns = 100;
	*ret_rows = 30;
	return true;
}

static void type(const char *text)
{
	pthread_mutex_lock(&host.lock);
	memcpy(host.input + host.n_input, text, strlen(text));
	host.n_input += strlen(text);
	pthread_mutex_unlock(&host.lock);
	host.events->readable(host.opaque);
}

static void start(void)
{
	cleanup_arena struct arena *arena = arena_create();
	struct diag_list *diags = diag_list_create(arena);
	struct machine *machine = driver_machine(&device_virtio_console, &config, &node);

	host.n_input = host.n_output = 0;
	CU_ASSERT_EQUAL_FATAL(device_virtio_console.prepare(machine, &node, &device, diags), 0);
	CU_ASSERT_EQUAL_FATAL(device_virtio_console.commit(device, diags), 0);
}

static void stop(void)
{
	device_virtio_console.destroy(device);
	CU_ASSERT_PTR_NULL(host.events);
	driver_machine_fini();
}

static void bring_up(void)
{
	driver_bring_up(1ULL << VIRTIO_CONSOLE_F_SIZE | 1ULL << VIRTIO_RING_F_EVENT_IDX, 2);
}

static void offer(unsigned n, uint32_t len)
{
	driver_add(RECEIVE, &(struct driver_buffer){BUFFER(n), len, true}, 1);
}

static void expect_input(unsigned n, const char *text)
{
	CU_ASSERT_EQUAL(driver_wait(RECEIVE, 1), (int64_t)strlen(text));
	CU_ASSERT_EQUAL(memcmp(fake_ram(BUFFER(n), 64), text, strlen(text)), 0);
}

static void what_is_typed_arrives(void)
{
	start();
	type("early "); /* before there is a driver */
	bring_up();
	offer(0, 64);
	expect_input(0, "early ");
	offer(1, 64); /* waits */
	offer(2, 64);
	type("later");
	expect_input(1, "later");
	type("a longer line"); /* in pieces of the guest's buffers */
	expect_input(2, "a longer line");
	offer(3, 4);
	offer(4, 4);
	type("123456");
	expect_input(3, "1234");
	expect_input(4, "56");
	stop();
}

static void what_the_guest_writes_arrives(void)
{
	const struct driver_buffer pieces[] = {
		{BUFFER(0), 3, false},
		{BUFFER(1), 4, false},
	};

	start();
	bring_up();
	memcpy(fake_ram(BUFFER(0), 3), "wef", 3);
	memcpy(fake_ram(BUFFER(1), 4), "t!\r\n", 4);
	driver_add(TRANSMIT, pieces, 2);
	CU_ASSERT_EQUAL(driver_wait(TRANSMIT, 1), 0);
	CU_ASSERT_EQUAL(host.n_output, 7);
	CU_ASSERT_EQUAL(memcmp(host.output, "weft!\r\n", 7), 0);
	/* The wrong way round: nothing to write, nothing to fill. */
	driver_add(TRANSMIT, &(struct driver_buffer){BUFFER(0), 64, true}, 1);
	CU_ASSERT_EQUAL(driver_wait(TRANSMIT, 1), 0);
	driver_add(RECEIVE, &(struct driver_buffer){BUFFER(0), 64, false}, 1);
	CU_ASSERT_EQUAL(driver_wait(RECEIVE, 1), 0);
	CU_ASSERT_EQUAL(host.n_output, 7);
	stop();
}

static void sizes_and_emergency_writes(void)
{
	unsigned before;

	start();
	/* Without a driver, a single byte at a time. */
	driver_bring_up(0, 0);
	driver_config_write(offsetof(struct virtio_console_space, emerg_wr), 4, '!');
	driver_config_write(offsetof(struct virtio_console_space, emerg_wr), 1, '?');
	driver_config_write(offsetof(struct virtio_console_space, cols), 2, 7);
	CU_ASSERT_EQUAL(host.n_output, 2);
	CU_ASSERT_EQUAL(memcmp(host.output, "!?", 2), 0);

	bring_up();
	CU_ASSERT_EQUAL(driver_config_read(0, 2), 100);
	CU_ASSERT_EQUAL(driver_config_read(2, 2), 30);
	CU_ASSERT_EQUAL(driver_config_read(4, 4), 1);
	before = fake.sent[0];
	host.events->resized(host.opaque, 132, 1000000);
	CU_ASSERT_EQUAL(fake.sent[0], before + 1);
	CU_ASSERT_EQUAL(driver_config_read(0, 4), 132 | 0xffffu << 16);
	device_virtio_console.update(device, &node, NULL);
	CU_ASSERT_EQUAL(host.updates, 1);
	stop();
}

static void resets_race_with_input(void)
{
	start();
	for (unsigned i = 0; i < 200; i++) {
		bring_up();
		offer(0, 64);
		type("x");
		if (i % 2)
			CU_ASSERT_EQUAL(driver_wait(RECEIVE, 1), 1);
		driver_reset();
		host.events->readable(host.opaque);
		host.events->resized(host.opaque, i, i);
		host.n_input = 0;
	}
	stop();
}

static void outputs_that_cannot_be_opened_leave_nothing(void)
{
	struct machine *machine = driver_machine(&device_virtio_console, &config, &node);

	host.refuse = true;
	CU_ASSERT_EQUAL(device_virtio_console.prepare(machine, &node, &device, NULL), -EACCES);
	host.refuse = false;
	driver_machine_fini();
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"what is typed arrives", what_is_typed_arrives},
		{"what the guest writes arrives", what_the_guest_writes_arrives},
		{"sizes and emergency writes", sizes_and_emergency_writes},
		{"resets race with input", resets_race_with_input},
		{"outputs that cannot be opened leave nothing",
		 outputs_that_cannot_be_opened_leave_nothing},
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = {
		{"virtio-console", NULL, NULL, NULL, NULL, tests},
		CU_SUITE_INFO_NULL,
	};

	return cu_tap_run(suites);
}
