/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio-mem through the transport: blocks are counted right, and no request reaches past what may
 * be used or gets more than was allowed.
 */
#include <linux/virtio_mem.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "devices/platform/virtio-mem.h"
#include "loop/loop.h"
#include "schema/config.h"
#include "tests/unit/cu-tap.h"
#include "tests/unit/fake-driver.h"
#include "tests/unit/fake-machine.h"

/* Small blocks in the upper part of the fake RAM. */
#define BASE     0xc0000ULL
#define BLOCK    0x1000ULL
#define BLOCKS   32u
#define REQUEST  DRIVER_BUFFERS
#define RESPONSE (DRIVER_BUFFERS + 0x100)

#define NOTHING 0xffff

static struct device *mem;

static void start(uint64_t size, uint64_t usable)
{
	const struct config_memory config = {.size = MiB};
	cleanup_arena struct arena *arena = arena_create();
	struct graph_node node;
	struct machine *machine = driver_machine(&device_virtio_mem, &config, &node);

	node.memory = (struct graph_bar){BASE, BLOCKS * BLOCK};
	node.block_size = BLOCK;
	fake.loop = loop_create();
	CU_ASSERT_EQUAL_FATAL(
		device_virtio_mem.prepare(machine, &node, &mem, diag_list_create(arena)), 0);
	CU_ASSERT_EQUAL_FATAL(device_virtio_mem.commit(mem, diag_list_create(arena)), 0);
	driver_bring_up(0, 1);
	virtio_mem_request(mem, size * BLOCK, usable * BLOCK);
}

static void stop(void)
{
	device_virtio_mem.destroy(mem);
	loop_destroy(fake.loop);
	driver_machine_fini();
}

/* The response to a request, NOTHING when there was none. */
static unsigned ask_raw(uint16_t type, uint64_t addr, uint16_t n, unsigned *ret_state)
{
	const struct driver_buffer buffers[] = {
		{REQUEST, sizeof(struct virtio_mem_req), false},
		{RESPONSE, sizeof(struct virtio_mem_resp), true},
	};
	struct virtio_mem_req *req = fake_ram(REQUEST, sizeof(*req));
	struct virtio_mem_resp *resp = fake_ram(RESPONSE, sizeof(*resp));

	memset(req, 0, sizeof(*req));
	req->type = type;
	req->u.plug.addr = addr;
	req->u.plug.nb_blocks = n;
	resp->type = NOTHING;
	driver_add(0, buffers, 2);
	if (driver_wait(0, 1) != sizeof(*resp))
		return NOTHING;
	if (ret_state)
		*ret_state = resp->u.state.state;
	return resp->type;
}

static unsigned ask(uint16_t type, unsigned block, uint16_t n)
{
	return ask_raw(type, BASE + block * BLOCK, n, NULL);
}

static unsigned state(unsigned block, uint16_t n)
{
	unsigned state = NOTHING;

	CU_ASSERT_EQUAL(ask_raw(VIRTIO_MEM_REQ_STATE, BASE + block * BLOCK, n, &state),
			VIRTIO_MEM_RESP_ACK);
	return state;
}

static uint64_t plugged(void)
{
	uint64_t value = driver_config_read(offsetof(struct virtio_mem_config, plugged_size), 8);

	CU_ASSERT_EQUAL(value, virtio_mem_plugged(mem));
	return value / BLOCK;
}

static void blocks_are_plugged_and_unplugged(void)
{
	start(8, 16);
	CU_ASSERT_EQUAL(driver_config_read(offsetof(struct virtio_mem_config, block_size), 8),
			BLOCK);
	CU_ASSERT_EQUAL(driver_config_read(offsetof(struct virtio_mem_config, requested_size), 8),
			8 * BLOCK);
	CU_ASSERT_EQUAL(
		driver_config_read(offsetof(struct virtio_mem_config, usable_region_size), 8),
		16 * BLOCK);
	CU_ASSERT_EQUAL(ask(VIRTIO_MEM_REQ_PLUG, 0, 4), VIRTIO_MEM_RESP_ACK);
	CU_ASSERT_EQUAL(ask(VIRTIO_MEM_REQ_PLUG, 12, 4), VIRTIO_MEM_RESP_ACK);
	CU_ASSERT_EQUAL(plugged(), 8);
	CU_ASSERT_EQUAL(ask(VIRTIO_MEM_REQ_PLUG, 5, 1), VIRTIO_MEM_RESP_NACK);
	CU_ASSERT_EQUAL(state(0, 4), VIRTIO_MEM_STATE_PLUGGED);
	CU_ASSERT_EQUAL(state(0, 5), VIRTIO_MEM_STATE_MIXED);
	CU_ASSERT_EQUAL(state(4, 8), VIRTIO_MEM_STATE_UNPLUGGED);
	*(uint8_t *)fake_ram(BASE + 2 * BLOCK, 1) = 1;
	*(uint8_t *)fake_ram(BASE + 3 * BLOCK, 1) = 1;
	CU_ASSERT_EQUAL(ask(VIRTIO_MEM_REQ_UNPLUG, 1, 2), VIRTIO_MEM_RESP_ACK);
	CU_ASSERT_EQUAL(*(uint8_t *)fake_ram(BASE + 2 * BLOCK, 1), 0);
	CU_ASSERT_EQUAL(*(uint8_t *)fake_ram(BASE + 3 * BLOCK, 1), 1);
	CU_ASSERT_EQUAL(plugged(), 6);
	/* Less is wanted than there is: nothing more is given, everything may go. */
	virtio_mem_request(mem, BLOCK, 16 * BLOCK);
	CU_ASSERT_EQUAL(ask(VIRTIO_MEM_REQ_PLUG, 1, 1), VIRTIO_MEM_RESP_NACK);
	CU_ASSERT_EQUAL(ask(VIRTIO_MEM_REQ_UNPLUG_ALL, 0, 0), VIRTIO_MEM_RESP_ACK);
	CU_ASSERT_EQUAL(plugged(), 0);
	CU_ASSERT_EQUAL(state(0, 16), VIRTIO_MEM_STATE_UNPLUGGED);
	CU_ASSERT_EQUAL(ask(VIRTIO_MEM_REQ_PLUG, 1, 1), VIRTIO_MEM_RESP_ACK);
	stop();
}

static void wrong_ranges_are_errors(void)
{
	static const struct {
		uint64_t addr;
		uint16_t n;
	} ranges[] = {
		{BASE, 0},
		{BASE - BLOCK, 1},
		{BASE + 1, 1},
		{BASE + 15 * BLOCK, 2},
		{BASE + 16 * BLOCK, 1},
		{BASE, 17},
		{BASE, UINT16_MAX},
		{0, 1},
		{UINT64_MAX - BLOCK + 1, 1},
		{UINT64_MAX, UINT16_MAX},
	};

	start(16, 16);
	for (unsigned i = 0; i < ARRAY_SIZE(ranges); i++) {
		CU_ASSERT_EQUAL(ask_raw(VIRTIO_MEM_REQ_PLUG, ranges[i].addr, ranges[i].n, NULL),
				VIRTIO_MEM_RESP_ERROR);
		CU_ASSERT_EQUAL(ask_raw(VIRTIO_MEM_REQ_UNPLUG, ranges[i].addr, ranges[i].n, NULL),
				VIRTIO_MEM_RESP_ERROR);
		CU_ASSERT_EQUAL(ask_raw(VIRTIO_MEM_REQ_STATE, ranges[i].addr, ranges[i].n, NULL),
				VIRTIO_MEM_RESP_ERROR);
	}
	CU_ASSERT_EQUAL(ask(VIRTIO_MEM_REQ_PLUG, 2, 2), VIRTIO_MEM_RESP_ACK);
	CU_ASSERT_EQUAL(ask(VIRTIO_MEM_REQ_PLUG, 1, 2), VIRTIO_MEM_RESP_ERROR);
	CU_ASSERT_EQUAL(ask(VIRTIO_MEM_REQ_UNPLUG, 3, 2), VIRTIO_MEM_RESP_ERROR);
	CU_ASSERT_EQUAL(ask(4, 0, 1), VIRTIO_MEM_RESP_ERROR);
	CU_ASSERT_EQUAL(ask(UINT16_MAX, 0, 1), VIRTIO_MEM_RESP_ERROR);
	CU_ASSERT_EQUAL(plugged(), 2);
	stop();
}

static void requests_that_cannot_be_answered_do_nothing(void)
{
	struct driver_buffer buffers[] = {
		{REQUEST, sizeof(struct virtio_mem_req), false},
		{RESPONSE, sizeof(struct virtio_mem_resp) - 1, true},
	};
	struct virtio_mem_req *req;

	start(16, 16);
	req = fake_ram(REQUEST, sizeof(*req));
	memset(req, 0, sizeof(*req));
	req->type = VIRTIO_MEM_REQ_PLUG;
	req->u.plug.addr = BASE;
	req->u.plug.nb_blocks = 1;
	driver_add(0, buffers, 2);
	CU_ASSERT(driver_wait(0, 1) >= 0);
	driver_add(0, buffers, 1);
	CU_ASSERT_EQUAL(driver_wait(0, 1), 0);
	driver_add(0, buffers + 1, 1);
	CU_ASSERT(driver_wait(0, 1) >= 0);
	buffers[0].len--;
	buffers[1].len++;
	driver_add(0, buffers, 2);
	CU_ASSERT(driver_wait(0, 1) >= 0);
	CU_ASSERT_EQUAL(plugged(), 0);
	stop();
}

/* Against a plain model. */
static void random_requests_keep_the_books(void)
{
	bool there[BLOCKS] = {false};
	unsigned n_there = 0, wanted = 16, usable = 16;

	start(wanted, usable);
	srand(7);
	for (unsigned i = 0; i < 3000; i++) {
		unsigned block = (unsigned)rand() % (BLOCKS + 2), n = (unsigned)rand() % 6,
			 held = 0;
		uint16_t type = (uint16_t)(rand() % 16 ? rand() % 2 : VIRTIO_MEM_REQ_UNPLUG_ALL);
		unsigned expected = VIRTIO_MEM_RESP_ERROR;

		if (i % 50 == 0) {
			wanted = (unsigned)rand() % (BLOCKS + 1);
			usable = MAX(usable, wanted);
			virtio_mem_request(mem, wanted * BLOCK, usable * BLOCK);
		}
		for (unsigned j = block; j < block + n && j < BLOCKS; j++)
			held += there[j];
		if (type == VIRTIO_MEM_REQ_UNPLUG_ALL)
			expected = VIRTIO_MEM_RESP_ACK;
		else if (n > 0 && block + n <= usable &&
			 held == (type == VIRTIO_MEM_REQ_PLUG ? 0 : n))
			expected = type == VIRTIO_MEM_REQ_PLUG && n_there + n > wanted
					   ? VIRTIO_MEM_RESP_NACK
					   : VIRTIO_MEM_RESP_ACK;
		CU_ASSERT_EQUAL(ask(type, block, (uint16_t)n), expected);
		if (expected == VIRTIO_MEM_RESP_ACK) {
			unsigned first = type == VIRTIO_MEM_REQ_UNPLUG_ALL ? 0 : block;
			unsigned end = type == VIRTIO_MEM_REQ_UNPLUG_ALL ? BLOCKS : block + n;

			for (unsigned j = first; j < end; j++) {
				bool now = type == VIRTIO_MEM_REQ_PLUG;

				n_there += (unsigned)now - there[j];
				there[j] = now;
			}
		}
		CU_ASSERT_EQUAL(virtio_mem_plugged(mem), n_there * BLOCK);
	}
	stop();
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"blocks are plugged and unplugged", blocks_are_plugged_and_unplugged},
		{"wrong ranges are errors", wrong_ranges_are_errors},
		{"requests that cannot be answered do nothing",
		 requests_that_cannot_be_answered_do_nothing},
		{"random requests keep the books", random_requests_keep_the_books},
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = {
		{"virtio-mem", NULL, NULL, NULL, NULL, tests},
		CU_SUITE_INFO_NULL,
	};

	return cu_tap_run(suites);
}
