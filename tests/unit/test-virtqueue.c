/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The split virtqueue against a driver written from the specification: random requests compared
 * piece by piece over more than 2^16 of them, notification suppression in both directions, hostile
 * rings.
 */
#include <errno.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <stdlib.h>
#include <string.h>

#include "loop/loop.h"
#include "machine/memory.h"
#include "tests/unit/cu-tap.h"
#include "tests/unit/fake-machine.h"
#include "virtio/virtqueue-setup.h"
#include "virtio/virtqueue-worker.h"

#define SIZE        64
#define DESC        0x1000ULL
#define AVAIL       0x3000ULL
#define USED        0x4000ULL
#define TABLES      0x10000ULL /* an indirect table a head, 4 KiB each */
#define TABLE_LEN   0x1000
#define DATA        0x60000ULL /* buffers; runs over the split of the fake RAM */
#define MAX_BUFFERS 6

#define EVENT_IDX (1ULL << VIRTIO_RING_F_EVENT_IDX)
#define INDIRECT  (1ULL << VIRTIO_RING_F_INDIRECT_DESC)

struct buffer {
	uint64_t addr;
	uint32_t len;
	bool in;
};

struct request {
	unsigned n;
	struct buffer buffers[MAX_BUFFERS];
	bool indirect;
	unsigned n_desc; /* slots it takes in the table */
	uint16_t desc[MAX_BUFFERS];
	bool busy;
	uint32_t written; /* what the device said */
};

/* The driver's side. */
struct driver {
	struct virtqueue vq;
	struct vring_desc *desc;
	uint16_t *avail; /* flags, idx, ring, used_event */
	uint16_t *used;  /* flags, idx, ring, avail_event */
	uint16_t avail_idx, used_seen;
	uint16_t free[SIZE];
	unsigned n_free;
	struct request requests[SIZE]; /* by head */
};

static struct driver d;
static unsigned interrupts;
static const char *broken_why;
static unsigned broken_times;

static void on_interrupt(struct virtqueue *vq unused)
{
	interrupts++;
}

static void on_broken(struct virtqueue *vq unused, const char *why)
{
	broken_why = why;
	broken_times++;
}

static const struct virtqueue_ops ops = {.interrupt = on_interrupt, .broken = on_broken};

static void start(uint64_t features)
{
	struct machine *machine = fake_machine_init();

	memset(&d, 0, sizeof(d));
	virtqueue_init(&d.vq, 0, SIZE, machine_memory(machine), &ops, NULL);
	d.vq.desc_gpa = DESC;
	d.vq.avail_gpa = AVAIL;
	d.vq.used_gpa = USED;
	d.vq.enabled = true;
	d.desc = fake_ram(DESC, SIZE * 16);
	d.avail = fake_ram(AVAIL, 6 + 2 * SIZE);
	d.used = fake_ram(USED, 6 + 8 * SIZE);
	for (unsigned i = 0; i < SIZE; i++)
		d.free[d.n_free++] = (uint16_t)i;
	interrupts = broken_times = 0;
	broken_why = NULL;
	CU_ASSERT_EQUAL_FATAL(virtqueue_start(&d.vq, features), 0);
}

static void stop(void)
{
	virtqueue_stop(&d.vq);
	virtqueue_fini(&d.vq);
	fake_machine_fini();
}

static void put_desc(struct vring_desc *desc, const struct buffer *b, uint16_t flags, uint16_t next)
{
	*desc = (struct vring_desc){
		.addr = b->addr,
		.len = b->len,
		.flags = (uint16_t)(flags | (b->in ? VRING_DESC_F_WRITE : 0)),
		.next = next,
	};
}

static uint16_t take_free(void)
{
	unsigned i = (unsigned)rand() % d.n_free;
	uint16_t taken = d.free[i];

	d.free[i] = d.free[--d.n_free];
	return taken;
}

/* Lets the device see heads up to now; returns whether the driver has to kick. */
static bool publish(void)
{
	uint16_t old = d.avail[1], event;

	__atomic_store_n(&d.avail[1], d.avail_idx, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	event = d.used[2 + 4 * SIZE];
	if (d.vq.event_idx)
		return vring_need_event(event, d.avail_idx, old);
	return !(d.used[0] & VRING_USED_F_NO_NOTIFY);
}

static void make_available(uint16_t head)
{
	d.avail[2 + d.avail_idx++ % SIZE] = head;
}

static void add_request(struct request *r)
{
	uint16_t head;

	r->n_desc = r->indirect ? 1 : r->n;
	for (unsigned i = 0; i < r->n_desc; i++)
		r->desc[i] = take_free();
	head = r->desc[0];
	for (unsigned i = 0; i < r->n; i++) {
		bool last = i + 1 == r->n;
		uint16_t flags = last ? 0 : VRING_DESC_F_NEXT;

		if (r->indirect)
			put_desc((struct vring_desc *)fake_ram(TABLES + head * TABLE_LEN, 4096) + i,
				 &r->buffers[i], flags, (uint16_t)(i + 1));
		else
			put_desc(&d.desc[r->desc[i]], &r->buffers[i], flags,
				 last ? 0xffff : r->desc[i + 1]);
	}
	if (r->indirect)
		d.desc[head] = (struct vring_desc){
			.addr = TABLES + head * TABLE_LEN,
			.len = r->n * 16,
			.flags = VRING_DESC_F_INDIRECT,
		};
	r->busy = true;
	d.requests[head] = *r;
	make_available(head);
}

static struct request random_request(bool indirect)
{
	struct request r = {.n = 1 + (unsigned)rand() % MAX_BUFFERS};
	unsigned first_in = (unsigned)rand() % (r.n + 1);

	r.indirect = indirect && rand() % 2;
	for (unsigned i = 0; i < r.n; i++) {
		r.buffers[i].len = rand() % 8 ? 1 + (unsigned)rand() % 9000 : 0;
		r.buffers[i].addr = DATA + (unsigned)rand() % (FAKE_RAM_SIZE - DATA - 9000);
		r.buffers[i].in = i >= first_in;
	}
	return r;
}

/* The chain must be the request: the same bytes in the same order, split where RAM is. */
static bool same(const struct virtq_chain *chain, const struct request *r)
{
	unsigned n_out = 0, n_in = 0;
	uint64_t in_len = 0, out_len = 0;

	for (unsigned i = 0; i < r->n; i++) {
		const struct buffer *b = &r->buffers[i];
		struct iovec expect[2];
		int n = guest_memory_iov(NULL, b->addr, b->len, expect, 2);

		for (int j = 0; j < n; j++) {
			const struct iovec *got = b->in ? &chain->in[n_in++] : &chain->out[n_out++];

			if (got->iov_base != expect[j].iov_base ||
			    got->iov_len != expect[j].iov_len)
				return false;
		}
		*(b->in ? &in_len : &out_len) += b->len;
	}
	return n_out == chain->n_out && n_in == chain->n_in && in_len == chain->in_len &&
	       out_len == chain->out_len;
}

/* The driver takes what was pushed; returns how many. */
static unsigned reap(void)
{
	unsigned n = 0;

	while (d.used_seen != __atomic_load_n(&d.used[1], __ATOMIC_ACQUIRE)) {
		const struct vring_used_elem *e =
			(struct vring_used_elem *)&d.used[2] + d.used_seen % SIZE;
		struct request *r = &d.requests[e->id];

		CU_ASSERT_FATAL(e->id < SIZE && r->busy);
		CU_ASSERT_EQUAL(e->len, r->written);
		r->busy = false;
		for (unsigned i = 0; i < r->n_desc; i++)
			d.free[d.n_free++] = r->desc[i];
		d.used_seen++;
		n++;
	}
	return n;
}

/* One round of the device: takes all there is, gives back in random order, notifies. */
static unsigned device_round(void)
{
	struct iovec iov[VIRTQ_MAX_IOV];
	struct virtq_chain chain = {.iov = iov, .max_iov = VIRTQ_MAX_IOV};
	uint16_t heads[SIZE];
	unsigned n = 0;

	while (virtqueue_pop(&d.vq, &chain) == 1) {
		CU_ASSERT_FATAL(n < SIZE);
		CU_ASSERT(same(&chain, &d.requests[chain.head]));
		if (rand() % 16 == 0) {
			virtqueue_unpop(&d.vq, &chain);
			continue;
		}
		heads[n++] = chain.head;
	}
	for (unsigned left = n; left; left--) {
		unsigned i = (unsigned)rand() % left;
		uint16_t head = heads[i];

		heads[i] = heads[left - 1];
		d.requests[head].written = (uint32_t)rand();
		virtqueue_push(&d.vq, head, d.requests[head].written);
	}
	return n;
}

static void random_requests(uint64_t features)
{
	unsigned added = 0, reaped = 0, popped = 0;

	srand(7);
	start(features);
	while (reaped < 70000) {
		uint16_t used_before, used_event;
		unsigned before;

		while (added - reaped < SIZE && d.n_free >= MAX_BUFFERS && rand() % 8) {
			struct request r = random_request(features & INDIRECT);

			add_request(&r);
			added++;
		}
		publish();
		used_event = (uint16_t)(d.used_seen + rand() % 8);
		d.avail[2 + SIZE] = used_event;
		d.avail[0] = rand() % 2 ? VRING_AVAIL_F_NO_INTERRUPT : 0;

		used_before = d.used[1];
		before = interrupts;
		popped += device_round();
		virtqueue_notify(&d.vq);
		if (d.used[1] == used_before)
			CU_ASSERT_EQUAL(interrupts, before)
		else if (features & EVENT_IDX)
			CU_ASSERT_EQUAL(
				interrupts - before,
				(unsigned)vring_need_event(used_event, d.used[1], used_before))
		else
			CU_ASSERT_EQUAL(interrupts - before, d.avail[0] ? 0u : 1u)
		reaped += reap();
	}
	CU_ASSERT_EQUAL(popped, reaped);
	CU_ASSERT_EQUAL(added, reaped);
	CU_ASSERT_EQUAL(broken_times, 0);
	stop();
}

static void plain_requests(void)
{
	random_requests(0);
}

static void indirect_requests_with_event_index(void)
{
	random_requests(INDIRECT | EVENT_IDX);
}

/* Whatever the interleaving, a request made after kicks came on again must be kicked for. */
static void no_kick_is_lost_and_none_is_needless(void)
{
	for (unsigned with_event = 0; with_event < 2; with_event++) {
		start(with_event ? EVENT_IDX : 0);
		for (unsigned i = 0; i < 70000; i++) {
			struct request r = random_request(false);

			/* The device sleeps: this one must be kicked. */
			add_request(&r);
			CU_ASSERT_TRUE_FATAL(publish());
			virtqueue_disable_kicks(&d.vq);
			CU_ASSERT_FALSE_FATAL(d.n_free < MAX_BUFFERS);
			/* It is awake: this one need not be. */
			add_request(&r);
			CU_ASSERT_FALSE_FATAL(publish());
			if (i % 2) /* that one came between the last look and the enabling */
				CU_ASSERT_TRUE_FATAL(virtqueue_enable_kicks(&d.vq));
			while (device_round())
				;
			while (virtqueue_enable_kicks(&d.vq))
				device_round();
			reap();
		}
		stop();
	}
}

static void a_device_that_never_touches_kicks_is_still_kicked(void)
{
	start(EVENT_IDX);
	for (unsigned i = 0; i < 1000; i++) {
		struct request r = random_request(false);

		add_request(&r);
		CU_ASSERT_TRUE_FATAL(publish());
		while (device_round())
			;
		reap();
	}
	stop();
}

/* ---- hostile rings ---- */

static int pop_one(unsigned max_iov)
{
	static struct iovec iov[VIRTQ_MAX_IOV];
	struct virtq_chain chain = {.iov = iov, .max_iov = max_iov};

	return virtqueue_pop(&d.vq, &chain);
}

static void expect_broken(const char *why)
{
	CU_ASSERT_EQUAL(pop_one(VIRTQ_MAX_IOV), -EPROTO);
	CU_ASSERT_EQUAL(broken_times, 1);
	CU_ASSERT_PTR_NOT_NULL_FATAL(broken_why);
	CU_ASSERT_STRING_EQUAL(broken_why, why);
	/* It stays so, and says so once. */
	CU_ASSERT_EQUAL(pop_one(VIRTQ_MAX_IOV), -EPROTO);
	CU_ASSERT_FALSE(virtqueue_enable_kicks(&d.vq));
	CU_ASSERT_EQUAL(broken_times, 1);
	stop();
}

static void one(uint64_t features, struct vring_desc desc)
{
	start(features);
	d.desc[3] = desc;
	make_available(3);
	publish();
}

static void hostile_indices(void)
{
	start(0);
	d.avail[1] = SIZE + 1;
	expect_broken("the available index is out of range");

	start(0);
	make_available(SIZE);
	publish();
	expect_broken("a descriptor index is out of range");

	one(0, (struct vring_desc){DATA, 16, VRING_DESC_F_NEXT, SIZE});
	expect_broken("a descriptor index is out of range");

	one(0, (struct vring_desc){DATA, 16, VRING_DESC_F_NEXT, 3});
	expect_broken("a loop of descriptors");

	/* A loop of descriptors that add nothing. */
	one(0, (struct vring_desc){DATA, 0, VRING_DESC_F_NEXT, 3});
	expect_broken("a loop of descriptors");
}

static void hostile_buffers(void)
{
	static const struct vring_desc outside[] = {
		{FAKE_RAM_SIZE, 1, 0, 0},
		{FAKE_RAM_SIZE - 1, 2, 0, 0},
		{0, UINT32_MAX, VRING_DESC_F_WRITE, 0},
		{UINT64_MAX, 1, 0, 0},
		{UINT64_MAX - 15, 32, VRING_DESC_F_WRITE, 0}, /* wraps to 16 */
		{UINT64_MAX - 0xfff, UINT32_MAX, 0, 0},
	};

	for (unsigned i = 0; i < ARRAY_SIZE(outside); i++) {
		one(0, outside[i]);
		expect_broken("a buffer is not in memory");
	}

	one(0, (struct vring_desc){DATA, 16, VRING_DESC_F_NEXT | VRING_DESC_F_WRITE, 4});
	d.desc[4] = (struct vring_desc){DATA, 16, 0, 0};
	expect_broken("a buffer to read follows one to write");

	/* Across the split a buffer is two pieces. */
	one(0, (struct vring_desc){FAKE_RAM_SPLIT - 8, 16, 0, 0});
	CU_ASSERT_EQUAL(pop_one(1), -EPROTO);
	CU_ASSERT_STRING_EQUAL(broken_why, "a request has more pieces than the device takes");
	stop();
}

static void hostile_indirect_tables(void)
{
	static const uint32_t lengths[] = {0, 8, 17, (VIRTQ_MAX_SIZE + 1) * 16, UINT32_MAX};
	struct vring_desc *table;

	one(0, (struct vring_desc){TABLES, 16, VRING_DESC_F_INDIRECT, 0});
	expect_broken("an indirect descriptor that was not agreed on");
	one(INDIRECT,
	    (struct vring_desc){TABLES, 16, VRING_DESC_F_INDIRECT | VRING_DESC_F_NEXT, 0});
	expect_broken("an indirect descriptor that was not agreed on");
	for (unsigned i = 0; i < ARRAY_SIZE(lengths); i++) {
		one(INDIRECT, (struct vring_desc){TABLES, lengths[i], VRING_DESC_F_INDIRECT, 0});
		expect_broken("an indirect table of a wrong length");
	}
	one(INDIRECT, (struct vring_desc){FAKE_RAM_SIZE - 16, 32, VRING_DESC_F_INDIRECT, 0});
	expect_broken("an indirect table is not in memory");

	one(INDIRECT, (struct vring_desc){TABLES, 32, VRING_DESC_F_INDIRECT, 0});
	table = fake_ram(TABLES, 64);
	table[0] = (struct vring_desc){TABLES, 32, VRING_DESC_F_INDIRECT, 0};
	expect_broken("an indirect table in an indirect table");

	one(INDIRECT, (struct vring_desc){TABLES, 32, VRING_DESC_F_INDIRECT, 0});
	table = fake_ram(TABLES, 64);
	table[0] = (struct vring_desc){DATA, 16, VRING_DESC_F_NEXT, 1};
	table[1] = (struct vring_desc){DATA, 16, VRING_DESC_F_NEXT, 0};
	expect_broken("a loop of descriptors");

	one(INDIRECT, (struct vring_desc){TABLES, 32, VRING_DESC_F_INDIRECT, 0});
	table = fake_ram(TABLES, 64);
	table[0] = (struct vring_desc){DATA, 16, VRING_DESC_F_NEXT, 2};
	expect_broken("a descriptor index is out of range");
}

static void a_good_indirect_table_after_chained_descriptors(void)
{
	struct vring_desc table[2] = {
		{DATA + 100, 7, VRING_DESC_F_NEXT, 1},
		{DATA + 200, 9, VRING_DESC_F_WRITE, 0},
	};
	struct iovec iov[8];
	struct virtq_chain chain = {.iov = iov, .max_iov = 8};
	char text[16];

	one(INDIRECT, (struct vring_desc){DATA, 5, VRING_DESC_F_NEXT, 4});
	/* An odd address is allowed for an indirect table. */
	d.desc[4] = (struct vring_desc){TABLES + 3, 32, VRING_DESC_F_INDIRECT, 0};
	memcpy(fake_ram(TABLES + 3, 32), table, 32);
	memcpy(fake_ram(DATA, 5), "warp ", 5);
	memcpy(fake_ram(DATA + 100, 7), "& weft!", 7);
	CU_ASSERT_EQUAL_FATAL(virtqueue_pop(&d.vq, &chain), 1);
	CU_ASSERT_EQUAL(chain.n_out, 2);
	CU_ASSERT_EQUAL(chain.n_in, 1);
	CU_ASSERT_EQUAL(virtq_chain_read(&chain, 3, text, sizeof(text)), 9);
	CU_ASSERT_EQUAL(memcmp(text, "p & weft!", 9), 0);
	CU_ASSERT_EQUAL(virtq_chain_read(&chain, 12, text, sizeof(text)), 0);
	CU_ASSERT_EQUAL(virtq_chain_write(&chain, 4, "0123456789", 10), 5);
	CU_ASSERT_EQUAL(memcmp(fake_ram(DATA + 200, 9),
			       "\0\0\0\0"
			       "01234",
			       9),
			0);
	stop();
}

static void bad_rings_do_not_start(void)
{
	start(0);
	virtqueue_stop(&d.vq);
	d.vq.desc_gpa = DESC + 8;
	CU_ASSERT_EQUAL(virtqueue_start(&d.vq, 0), -EINVAL);
	d.vq.desc_gpa = DESC;
	d.vq.avail_gpa = AVAIL + 1;
	CU_ASSERT_EQUAL(virtqueue_start(&d.vq, 0), -EINVAL);
	d.vq.avail_gpa = FAKE_RAM_SIZE - 2;
	CU_ASSERT_EQUAL(virtqueue_start(&d.vq, 0), -EFAULT);
	d.vq.avail_gpa = AVAIL;
	d.vq.used_gpa = UINT64_MAX - 3;
	CU_ASSERT_EQUAL(virtqueue_start(&d.vq, 0), -EFAULT);
	stop();
}

/* ---- the worker ---- */

struct worker_test {
	struct loop *loop;
	unsigned calls, popped, stall_at;
	bool detach;
};

static bool work(struct virtqueue *vq, void *opaque)
{
	struct worker_test *t = opaque;
	struct iovec iov[VIRTQ_MAX_IOV];
	struct virtq_chain chain = {.iov = iov, .max_iov = VIRTQ_MAX_IOV};
	unsigned n = 0;

	t->calls++;
	if (t->detach) {
		virtqueue_detach(vq);
		return true;
	}
	while (virtqueue_pop(vq, &chain) == 1) {
		if (t->popped == t->stall_at) {
			virtqueue_unpop(vq, &chain);
			return false;
		}
		t->popped++;
		CU_ASSERT_FATAL(++n <= SIZE);
		virtqueue_push(vq, chain.head, 0);
		/* A driver that refills at once, forever. */
		if (t->stall_at == 0) {
			make_available(chain.head);
			publish();
		}
	}
	return true;
}

static void nothing(void *opaque unused)
{
}

/* A few turns of the thread's loop, so that what is readable now is seen. */
static void settle(struct loop *loop)
{
	for (unsigned i = 0; i < 4; i++)
		loop_call(loop, nothing, NULL);
}

static void the_worker_runs_stalls_resumes_and_detaches(void)
{
	struct worker_test t = {.stall_at = 1};
	struct request r = {.n = 1, .buffers = {{DATA, 16, false}}};

	start(EVENT_IDX);
	t.loop = io_thread_loop(machine_io_thread(NULL));
	/* What waits before the attach is seen without a kick. */
	add_request(&r);
	add_request(&r);
	publish();
	CU_ASSERT_EQUAL_FATAL(virtqueue_attach(&d.vq, t.loop, work, &t), 0);
	settle(t.loop);
	CU_ASSERT_EQUAL(t.popped, 1);
	CU_ASSERT_EQUAL(interrupts, 1);
	/* It stalled: no kick wakes it, a schedule does. */
	add_request(&r);
	CU_ASSERT_FALSE(publish());
	t.stall_at = 1000;
	virtqueue_schedule(&d.vq);
	settle(t.loop);
	CU_ASSERT_EQUAL(t.popped, 3);
	reap();
	/* It sleeps with kicks on. */
	add_request(&r);
	CU_ASSERT_TRUE(publish());

	t.detach = true;
	virtqueue_schedule(&d.vq);
	settle(t.loop);
	t.calls = 0;
	virtqueue_schedule(&d.vq);
	settle(t.loop);
	CU_ASSERT_EQUAL(t.calls, 0);
	virtqueue_detach(&d.vq);
	stop();
}

/* A guest that never stops must not keep the thread: a detach gets through. */
static void a_queue_that_never_ends_yields(void)
{
	struct worker_test t = {.stall_at = 0};

	start(EVENT_IDX);
	t.loop = io_thread_loop(machine_io_thread(NULL));
	t.popped = 1; /* never at stall_at */
	for (uint16_t i = 0; i < SIZE; i++) {
		d.desc[i] = (struct vring_desc){DATA, 16, 0, 0};
		make_available(i);
	}
	publish();
	CU_ASSERT_EQUAL_FATAL(virtqueue_attach(&d.vq, t.loop, work, &t), 0);
	/* These calls come back only if the worker leaves the loop to others between two turns. */
	settle(t.loop);
	CU_ASSERT(t.calls >= 1);
	virtqueue_detach(&d.vq);
	stop();
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"70,000 random requests, in any order", plain_requests},
		{"the same with indirect tables and the event index",
		 indirect_requests_with_event_index},
		{"no kick is lost, none is needless", no_kick_is_lost_and_none_is_needless},
		{"a device that leaves kicks on is kicked",
		 a_device_that_never_touches_kicks_is_still_kicked},
		{"a good indirect table after chained descriptors",
		 a_good_indirect_table_after_chained_descriptors},
		{"hostile indices", hostile_indices},
		{"hostile buffers", hostile_buffers},
		{"hostile indirect tables", hostile_indirect_tables},
		{"rings outside of memory or misaligned do not start", bad_rings_do_not_start},
		{"the worker runs, stalls, resumes and detaches",
		 the_worker_runs_stalls_resumes_and_detaches},
		{"a queue that never ends lets others have a turn", a_queue_that_never_ends_yields},
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = {
		{"virtqueue", NULL, NULL, NULL, NULL, tests},
		CU_SUITE_INFO_NULL,
	};

	return cu_tap_run(suites);
}
