/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "machine/address-space-internal.h"
#include "tests/unit/cu-tap.h"

static struct io_domain domain;
static struct address_space *as;
static struct io_reader reader;

/* A device that remembers its last access. */
struct probe {
	uint64_t offset, value;
	unsigned size, n;
};

static uint64_t probe_read(void *opaque, uint64_t offset, unsigned size)
{
	struct probe *p = opaque;

	p->offset = offset;
	p->size = size;
	p->n++;
	return 0x8877665544332211 >> offset * 8;
}

static void probe_write(void *opaque, uint64_t offset, unsigned size, uint64_t value)
{
	struct probe *p = opaque;

	*p = (struct probe){offset, value, size, p->n + 1};
}

static const struct io_ops probe_ops = {probe_read, probe_write};

static int set_up(void)
{
	io_domain_init(&domain);
	as = address_space_create(&domain);
	io_reader_init(&reader, &domain);
	return as == NULL;
}

static int tear_down(void)
{
	io_reader_fini(&reader, &domain);
	address_space_destroy(as);
	io_domain_fini(&domain);
	return 0;
}

static int add(struct probe *p, uint64_t base, uint64_t size)
{
	const struct io_region region = {"probe", base, size, &probe_ops, p};

	return address_space_add(as, &region);
}

static void accesses_find_their_region(void)
{
	struct probe a = {0}, b = {0};

	CU_ASSERT_EQUAL(add(&b, 0x2000, 8), 0);
	CU_ASSERT_EQUAL(add(&a, 0x1000, 8), 0);
	CU_ASSERT_EQUAL(address_space_read(as, &reader, 0x1002, 2), 0x4433);
	CU_ASSERT_EQUAL(a.offset, 2);
	address_space_write(as, &reader, 0x2000, 4, 0xaabbccddeeff);
	CU_ASSERT_EQUAL(b.value, 0xccddeeff);
	/* The hint points at the second region, which has gone. */
	CU_ASSERT_EQUAL(address_space_remove(as, 0x2000), 0);
	CU_ASSERT_EQUAL(address_space_read(as, &reader, 0x2000, 4), 0xffffffff);
	CU_ASSERT_EQUAL(address_space_remove(as, 0x1000), 0);
	CU_ASSERT_EQUAL(address_space_remove(as, 0x1000), -ENOENT);
}

static void regions_do_not_overlap(void)
{
	struct probe p = {0};

	CU_ASSERT_EQUAL(add(&p, 0x1000, 0x1000), 0);
	CU_ASSERT_EQUAL(add(&p, 0x1fff, 1), -EEXIST);
	CU_ASSERT_EQUAL(add(&p, 0xfff, 2), -EEXIST);
	CU_ASSERT_EQUAL(add(&p, 0, UINT64_MAX), -EEXIST);
	CU_ASSERT_EQUAL(add(&p, 0x3000, 0), -EINVAL);
	CU_ASSERT_EQUAL(add(&p, UINT64_MAX, 2), -EINVAL);
	CU_ASSERT_EQUAL(add(&p, UINT64_MAX, 1), 0);
	CU_ASSERT_EQUAL(address_space_remove(as, UINT64_MAX), 0);
	CU_ASSERT_EQUAL(address_space_remove(as, 0x1000), 0);
}

static void unclaimed_accesses_are_ones_and_counted(void)
{
	uint64_t before = address_space_unclaimed(as);

	CU_ASSERT_EQUAL(address_space_read(as, &reader, 0x80, 1), 0xff);
	CU_ASSERT_EQUAL(address_space_read(as, &reader, 0x80, 8), UINT64_MAX);
	address_space_write(as, &reader, UINT64_MAX, 8, 0);
	CU_ASSERT(address_space_unclaimed(as) > before);
}

static void accesses_never_pass_a_region(void)
{
	struct probe a = {0}, b = {0};

	CU_ASSERT_EQUAL(add(&a, 0x1000, 4), 0);
	CU_ASSERT_EQUAL(add(&b, 0x1005, 3), 0);
	/* 0x1002, 0x1003 | nobody | 0x1005 */
	CU_ASSERT_EQUAL(address_space_read(as, &reader, 0x1002, 4), 0x11ff4433);
	CU_ASSERT_EQUAL(a.size, 1);
	CU_ASSERT_EQUAL(a.offset, 3);
	CU_ASSERT_EQUAL(b.offset, 0);
	/* Three bytes are no access that a device knows. */
	address_space_write(as, &reader, 0x1005, 3, 0x332211);
	CU_ASSERT_EQUAL(b.n, 4);
	CU_ASSERT_EQUAL(b.value, 0x33);
	/* From below into the region. */
	CU_ASSERT_EQUAL(address_space_read(as, &reader, 0xffe, 4), 0x2211ffff);
	CU_ASSERT_EQUAL(address_space_remove(as, 0x1000), 0);
	CU_ASSERT_EQUAL(address_space_remove(as, 0x1005), 0);
}

/* A device that moves itself at each write, as a guest that programs a BAR for ever. */
static uint64_t mover_base;

static void mover_write(void *opaque, uint64_t offset, unsigned size, uint64_t value);
static const struct io_ops mover_ops = {probe_read, mover_write};

static void mover_write(void *opaque, uint64_t offset, unsigned size, uint64_t value)
{
	struct io_region region = {"mover", value, 16, &mover_ops, opaque};

	CU_ASSERT_EQUAL(address_space_remove(as, mover_base), 0);
	CU_ASSERT_EQUAL(address_space_add(as, &region), 0);
	mover_base = value;
}

static unsigned count_retired(void);

static void a_guest_that_moves_regions_makes_no_heap(void)
{
	struct probe p = {0};
	struct io_region region = {"mover", 0x10000, 16, &mover_ops, &p};

	mover_base = region.base;
	CU_ASSERT_EQUAL(address_space_add(as, &region), 0);
	for (uint64_t i = 0; i < 1000; i++) {
		address_space_write(as, &reader, mover_base, 4, 0x20000 + (i & 1) * 0x1000);
		CU_ASSERT(count_retired() <= 4);
	}
	CU_ASSERT_EQUAL(address_space_remove(as, mover_base), 0);
}

/* Old tables are linked by their first member. */
static unsigned count_retired(void)
{
	unsigned n = 0;

	for (void *t = domain.retired; t; t = *(void **)t)
		n++;
	return n;
}

/* Readers on threads while regions come and go: what was removed and quiesced is never called. */
struct victim {
	bool freed;
};

static bool stop;
static unsigned calls_after_free;

static uint64_t victim_read(void *opaque, uint64_t offset, unsigned size)
{
	struct victim *v = opaque;

	if (__atomic_load_n(&v->freed, __ATOMIC_SEQ_CST))
		__atomic_add_fetch(&calls_after_free, 1, __ATOMIC_SEQ_CST);
	return 1;
}

static const struct io_ops victim_ops = {victim_read, probe_write};

static void *read_for_ever(void *opaque)
{
	struct io_reader own;

	io_reader_init(&own, &domain);
	while (!__atomic_load_n(&stop, __ATOMIC_SEQ_CST))
		for (uint64_t i = 0; i < 4; i++)
			address_space_read(as, &own, 0x5000 + i * 16, 4);
	io_reader_fini(&own, &domain);
	return NULL;
}

static void what_is_quiesced_is_never_called(void)
{
	pthread_t threads[2];

	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, read_for_ever, NULL);
	for (unsigned i = 0; i < 300; i++) {
		struct victim *v = calloc(1, sizeof(*v));
		const struct io_region region = {"victim", 0x5000 + (i & 3) * 16, 16, &victim_ops,
						 v};

		CU_ASSERT_EQUAL(address_space_add(as, &region), 0);
		CU_ASSERT_EQUAL(address_space_remove(as, region.base), 0);
		address_space_quiesce(as);
		__atomic_store_n(&v->freed, true, __ATOMIC_SEQ_CST);
		free(v);
	}
	__atomic_store_n(&stop, true, __ATOMIC_SEQ_CST);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	CU_ASSERT_EQUAL(calls_after_free, 0);
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"accesses find their region", accesses_find_their_region},
		{"regions do not overlap", regions_do_not_overlap},
		{"unclaimed accesses are ones and counted",
		 unclaimed_accesses_are_ones_and_counted},
		{"accesses never pass a region", accesses_never_pass_a_region},
		{"a guest that moves regions makes no heap",
		 a_guest_that_moves_regions_makes_no_heap},
		{"what is quiesced is never called", what_is_quiesced_is_never_called},
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = {
		{"address space", set_up, tear_down, NULL, NULL, tests},
		CU_SUITE_INFO_NULL,
	};

	return cu_tap_run(suites);
}
