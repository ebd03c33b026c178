/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pair of virtqueues and the backend behind it: what the guest gives and gets, frame by frame.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "loop/loop.h"
#include "net/virtio-pair.h"
#include "schema/config.h"
#include "tests/unit/cu-tap.h"
#include "tests/unit/fake-machine.h"
#include "tests/unit/ring-driver.h"
#include "tests/unit/stream-peer.h"
#include "virtio/limiter.h"
#include "virtio/virtqueue-worker.h"

#define RX    0x10000ULL
#define TX    0x20000ULL
#define DATA  0x90000ULL
#define QSIZE 64

static struct {
	struct ring rx, tx;
	struct net_backend *backend;
	struct net_pair *pair;
	struct loop *loop;
	struct net_pair_options options;
	struct limiter receive_limit, transmit_limit;
	atomic_bool link;
	int peer, result;
	unsigned lost;
} p;

static void pair_lost(void *opaque)
{
	__atomic_fetch_add(&p.lost, 1, __ATOMIC_RELAXED);
}

static void pair_create(void *opaque)
{
	p.result = net_pair_create(&p.options, &p.pair);
	if (p.result == 0)
		net_pair_set_on(p.pair, true);
}

static void pair_destroy(void *opaque)
{
	p.pair = net_pair_destroy(p.pair);
}

static void pair_start(bool mergeable)
{
	fake_machine_init();
	ring_start(&p.rx, RX, QSIZE);
	ring_start(&p.tx, TX, QSIZE);
	p.lost = 0;
	p.link = true;
	limiter_init(&p.receive_limit);
	limiter_init(&p.transmit_limit);
	p.backend = stream_pair(&p.peer);
	p.loop = io_thread_loop(machine_io_thread((struct machine *)&fake));
	p.options = (struct net_pair_options){
		.name = "net",
		.backend = p.backend,
		.rx = &p.rx.vq,
		.tx = &p.tx.vq,
		.loop = p.loop,
		.receive_limit = &p.receive_limit,
		.transmit_limit = &p.transmit_limit,
		.link = &p.link,
		.mergeable = mergeable,
		.lost = pair_lost,
	};
	loop_call(p.loop, pair_create, NULL);
	CU_ASSERT_EQUAL_FATAL(p.result, 0);
}

static void pair_stop(void)
{
	loop_call(p.loop, pair_destroy, NULL);
	net_backend_close(p.backend);
	close(p.peer);
	ring_stop(&p.rx);
	ring_stop(&p.tx);
	fake_machine_fini();
}

static void send_frame(size_t len, unsigned char fill)
{
	unsigned char *wire = malloc(len + 4);
	size_t n = put_frame(wire, len, fill);

	CU_ASSERT_EQUAL(send(p.peer, wire, n, 0), (ssize_t)n);
	free(wire);
}

/* A frame over several buffers: num_buffers says how many, and all become visible at once. */
static void a_frame_spreads_over_mergeable_buffers(void)
{
	unsigned char *data;
	uint16_t head;
	uint32_t len;

	pair_start(true);
	for (unsigned i = 0; i < 8; i++)
		ring_add(&p.rx,
			 (struct ring_piece[]){{DATA + i * 1024, 5, true},
					       {DATA + i * 1024 + 5, 507, true}},
			 2);
	send_frame(1200, 0x5a);
	data = fake_ram(DATA, 8192);
	for (unsigned i = 0; i < 3; i++) {
		CU_ASSERT_FATAL(ring_used(&p.rx, &head, &len));
		CU_ASSERT_EQUAL(len, i < 2 ? 512 : 1212 - 1024);
		CU_ASSERT_EQUAL(head, i * 2);
	}
	CU_ASSERT(data[10] == 3 && data[11] == 0 && data[12] == 0x5a && data[2048 + 187] == 0x5a);
	CU_ASSERT(!ring_used_now(&p.rx, &head, &len));
	send_frame(100, 0x77);
	CU_ASSERT_FATAL(ring_used(&p.rx, &head, &len));
	CU_ASSERT_EQUAL(len, 112);
	CU_ASSERT(data[3 * 1024 + 10] == 1 && data[3 * 1024 + 12] == 0x77);
	pair_stop();
}

/* Frames wait in the backend while the guest gives no buffers, and none is lost. */
static void no_buffers_hold_the_backend_back(void)
{
	uint16_t head;
	uint32_t len;

	pair_start(true);
	for (unsigned i = 0; i < 20; i++)
		send_frame(600, (unsigned char)i);
	usleep(20000);
	CU_ASSERT(!ring_used_now(&p.rx, &head, &len));
	for (unsigned i = 0; i < 20; i++) {
		/* Too small for one frame at first: it waits for the second buffer. */
		ring_add(&p.rx, &(struct ring_piece){DATA, 400, true}, 1);
		usleep(1000);
		CU_ASSERT(!ring_used_now(&p.rx, &head, &len));
		ring_add(&p.rx, &(struct ring_piece){DATA + 512, 400, true}, 1);
		CU_ASSERT_FATAL(ring_used(&p.rx, &head, &len));
		CU_ASSERT_EQUAL(len, 400);
		CU_ASSERT_FATAL(ring_used(&p.rx, &head, &len));
		CU_ASSERT_EQUAL(len, 212);
		CU_ASSERT_EQUAL(*(unsigned char *)fake_ram(DATA + 12, 1), i);
		CU_ASSERT_EQUAL(*(unsigned char *)fake_ram(DATA + 512 + 211, 1), i);
	}
	pair_stop();
}

/* Without mergeable buffers a frame that does not fit its buffer is lost, and the next one is not.
 */
static void a_frame_that_never_fits_is_dropped(void)
{
	uint16_t head;
	uint32_t len;

	pair_start(false);
	ring_add(&p.rx, &(struct ring_piece){DATA, 8, true}, 1); /* not even a header */
	CU_ASSERT(ring_used(&p.rx, &head, &len) && len == 0);
	ring_add(&p.rx, &(struct ring_piece){DATA, 512, true}, 1);
	send_frame(9000, 1);
	send_frame(100, 2);
	CU_ASSERT_FATAL(ring_used(&p.rx, &head, &len));
	CU_ASSERT_EQUAL(len, 112);
	CU_ASSERT_EQUAL(*(unsigned char *)fake_ram(DATA + 12, 1), 2);
	pair_stop();
}

static void frames_of_the_guest_are_checked_and_sent(void)
{
	unsigned char buf[256], *data;
	uint16_t head;
	uint32_t len;

	pair_start(true);
	data = fake_ram(DATA, 4096);
	memset(data + 12, 0x33, 100);
	/* Too short, nothing at all but a part to write, too long: gone, the guest has its buffers
	 * back. */
	ring_add(&p.tx, &(struct ring_piece){DATA, 12 + 13, false}, 1);
	ring_add(&p.tx, &(struct ring_piece){DATA, 100, true}, 1);
	ring_add(&p.tx, &(struct ring_piece){DATA, NET_MAX_FRAME + 1, false}, 1);
	/* The header is cut in two. */
	ring_add(&p.tx,
		 (struct ring_piece[]){
			 {DATA, 5, false}, {DATA + 5, 20, false}, {DATA + 25, 87, false}},
		 3);
	for (unsigned i = 0; i < 4; i++)
		CU_ASSERT_FATAL(ring_used(&p.tx, &head, &len));
	CU_ASSERT_EQUAL(recv(p.peer, buf, sizeof(buf), 0), 104);
	CU_ASSERT_EQUAL(ntohl(*(uint32_t *)(void *)buf), 100);
	CU_ASSERT(buf[4] == 0x33 && buf[103] == 0x33);
	/* The peer goes: the link is down once, and what is sent is dropped. */
	shutdown(p.peer, SHUT_RDWR);
	for (unsigned i = 0; i < 3; i++) {
		ring_add(&p.tx, &(struct ring_piece){DATA, 112, false}, 1);
		CU_ASSERT_FATAL(ring_used(&p.tx, &head, &len));
	}
	CU_ASSERT_EQUAL(p.lost, 1);
	pair_stop();
}

/* Both directions, 100 frames a second: after the burst one every 10 ms. */
static void rates_are_kept(void)
{
	const struct rate_limit rate = {
		.has_operations = true, .operations = 100, .burst = 50000000};
	unsigned char buf[4096];
	unsigned sent = 0, received = 0;
	uint16_t head;
	uint32_t len;

	pair_start(true);
	limiter_set(&p.receive_limit, &rate);
	limiter_set(&p.transmit_limit, &rate);
	for (unsigned i = 0; i < 60; i++) {
		ring_add(&p.tx, &(struct ring_piece){DATA, 112, false}, 1);
		ring_add(&p.rx, &(struct ring_piece){DATA + 4096, 512, true}, 1);
		send_frame(100, 1);
	}
	usleep(300000);
	while (ring_used_now(&p.tx, &head, &len))
		sent++;
	while (ring_used_now(&p.rx, &head, &len))
		received++;
	/* 5 at once and 30 in the time; a busy host may let more of it pass. */
	CU_ASSERT(sent >= 30 && sent < 55);
	CU_ASSERT(received >= 30 && received < 55);
	/* Nothing waits on when the limit goes. */
	limiter_set(&p.receive_limit, NULL);
	limiter_set(&p.transmit_limit, NULL);
	virtqueue_schedule(&p.rx.vq);
	virtqueue_schedule(&p.tx.vq);
	while (sent < 60 && ring_used(&p.tx, &head, &len))
		sent++;
	while (received < 60 && ring_used(&p.rx, &head, &len))
		received++;
	CU_ASSERT(sent == 60 && received == 60);
	while (recv(p.peer, buf, sizeof(buf), MSG_DONTWAIT) > 0)
		;
	pair_stop();
}

static void nothing_passes_a_link_that_is_down(void)
{
	unsigned char buf[256];
	uint16_t head;
	uint32_t len;

	pair_start(true);
	p.link = false;
	for (unsigned i = 0; i < 8; i++)
		ring_add(&p.rx, &(struct ring_piece){DATA + i * 512, 512, true}, 1);
	ring_add(&p.tx, &(struct ring_piece){DATA, 112, false}, 1);
	CU_ASSERT(ring_used(&p.tx, &head, &len));
	send_frame(100, 1);
	usleep(20000);
	CU_ASSERT(recv(p.peer, buf, sizeof(buf), MSG_DONTWAIT) < 0);
	CU_ASSERT(!ring_used_now(&p.rx, &head, &len));
	/* What was lost stays lost. */
	p.link = true;
	send_frame(100, 2);
	CU_ASSERT_FATAL(ring_used(&p.rx, &head, &len));
	CU_ASSERT_EQUAL(*(unsigned char *)fake_ram(DATA + 512u * (head / 2u) + 12, 1), 2);
	pair_stop();
}

static void pause_pair(void *opaque)
{
	net_pair_set_paused(p.pair, true);
}

static void resume_pair(void *opaque)
{
	net_pair_set_paused(p.pair, false);
}

static void a_paused_pair_leaves_memory_alone(void)
{
	unsigned char buf[256];
	uint16_t head;
	uint32_t len;

	pair_start(true);
	for (unsigned i = 0; i < 8; i++)
		ring_add(&p.rx, &(struct ring_piece){DATA, 512, true}, 1);
	usleep(5000);
	virtqueue_pause(&p.rx.vq);
	virtqueue_pause(&p.tx.vq);
	loop_call(p.loop, pause_pair, NULL);
	send_frame(100, 1);
	ring_add(&p.tx, &(struct ring_piece){DATA, 112, false}, 1);
	usleep(20000);
	CU_ASSERT(!ring_used_now(&p.rx, &head, &len) && !ring_used_now(&p.tx, &head, &len));
	CU_ASSERT(recv(p.peer, buf, sizeof(buf), MSG_DONTWAIT) < 0);
	loop_call(p.loop, resume_pair, NULL);
	virtqueue_resume(&p.rx.vq);
	virtqueue_resume(&p.tx.vq);
	CU_ASSERT(ring_used(&p.rx, &head, &len) && ring_used(&p.tx, &head, &len));
	CU_ASSERT_EQUAL(recv(p.peer, buf, sizeof(buf), 0), 104);
	/* And it can end while it is paused. */
	virtqueue_pause(&p.rx.vq);
	loop_call(p.loop, pause_pair, NULL);
	pair_stop();
}

/* The guest sends more than the peer takes: it waits, nothing is lost, nothing spins. */
static void a_full_backend_holds_the_guest_back(void)
{
	unsigned char *buf = malloc(64 * KiB);
	size_t bytes = 0;
	unsigned used = 0;
	uint16_t head;
	uint32_t len;

	pair_start(true);
	for (unsigned i = 0; i < 40; i++)
		ring_add(&p.tx, &(struct ring_piece){DATA, 12 + 30000, false}, 1);
	usleep(20000);
	while (ring_used_now(&p.tx, &head, &len))
		used++;
	CU_ASSERT(used > 0 && used < 40);
	while (bytes < 40 * 30004) {
		ssize_t n = recv(p.peer, buf, 64 * KiB, 0);

		CU_ASSERT_FATAL(n > 0);
		bytes += (size_t)n;
	}
	while (used < 40 && ring_used(&p.tx, &head, &len))
		used++;
	CU_ASSERT_EQUAL(used, 40);
	CU_ASSERT_EQUAL(bytes, 40 * 30004);
	pair_stop();
	free(buf);
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"a frame spreads over mergeable buffers", a_frame_spreads_over_mergeable_buffers},
		{"no buffers hold the backend back", no_buffers_hold_the_backend_back},
		{"a frame that never fits is dropped", a_frame_that_never_fits_is_dropped},
		{"frames of the guest are checked and sent",
		 frames_of_the_guest_are_checked_and_sent},
		{"rates are kept", rates_are_kept},
		{"nothing passes a link that is down", nothing_passes_a_link_that_is_down},
		{"a paused pair leaves memory alone", a_paused_pair_leaves_memory_alone},
		{"a full backend holds the guest back", a_full_backend_holds_the_guest_back},
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = {
		{"virtio-pair", NULL, NULL, NULL, NULL, tests},
		CU_SUITE_INFO_NULL,
	};

	log_level = LOG_ERROR;
	return cu_tap_run(suites);
}
