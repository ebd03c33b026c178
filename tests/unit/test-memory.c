/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "machine/memory-map.h"
#include "machine/memory.h"
#include "tests/unit/cu-tap.h"

#define LOW_SIZE  8192u
#define HIGH      0x100000000ULL
#define HIGH_SIZE 4096u

static uint8_t low[LOW_SIZE], touching[HIGH_SIZE], high[HIGH_SIZE];
static struct guest_memory *mem;

static int set_up(void)
{
	mem = guest_memory_create();
	return guest_memory_add(mem, HIGH, HIGH_SIZE, high) ||
	       guest_memory_add(mem, 0, LOW_SIZE, low) ||
	       guest_memory_add(mem, LOW_SIZE, HIGH_SIZE, touching);
}

static int tear_down(void)
{
	mem = guest_memory_destroy(mem);
	return 0;
}

static void ranges_stay_in_one_region(void)
{
	CU_ASSERT_PTR_EQUAL(guest_memory_host(mem, 0, LOW_SIZE), low);
	CU_ASSERT_PTR_EQUAL(guest_memory_host(mem, 5, 1), low + 5);
	CU_ASSERT_PTR_EQUAL(guest_memory_host(mem, LOW_SIZE, 1), touching);
	CU_ASSERT_PTR_EQUAL(guest_memory_host(mem, HIGH + 4095, 1), high + 4095);
	CU_ASSERT_PTR_NULL(guest_memory_host(mem, 0, LOW_SIZE + 1));
	CU_ASSERT_PTR_NULL(guest_memory_host(mem, 0, 0));
	CU_ASSERT_PTR_NULL(guest_memory_host(mem, HIGH - 1, 1));
	CU_ASSERT_PTR_NULL(guest_memory_host(mem, HIGH + HIGH_SIZE, 1));
}

static void sums_that_wrap_are_refused(void)
{
	struct iovec iov[4];
	uint8_t buf[16];

	CU_ASSERT_PTR_NULL(guest_memory_host(mem, 4096, UINT64_MAX));
	CU_ASSERT_PTR_NULL(guest_memory_host(mem, UINT64_MAX, 2));
	CU_ASSERT_PTR_NULL(guest_memory_host(mem, UINT64_MAX, 1));
	CU_ASSERT_EQUAL(guest_memory_iov(mem, HIGH, UINT64_MAX, iov, 4), -EFAULT);
	/* The end of the address space is no neighbour of its beginning. */
	CU_ASSERT_EQUAL(guest_memory_add(mem, UINT64_MAX - 4095, 4096, high), -EINVAL);
	CU_ASSERT_EQUAL(guest_memory_read(mem, UINT64_MAX - 7, buf, 16), -EFAULT);
	CU_ASSERT_EQUAL(guest_memory_iov(mem, UINT64_MAX - 7, 16, iov, 4), -EFAULT);
}

static void copies_cross_regions_that_touch(void)
{
	uint8_t out[32], in[32];

	for (unsigned i = 0; i < sizeof(out); i++)
		out[i] = (uint8_t)(i + 1);
	CU_ASSERT_EQUAL(guest_memory_write(mem, LOW_SIZE - 10, out, sizeof(out)), 0);
	CU_ASSERT_EQUAL(low[LOW_SIZE - 10], 1);
	CU_ASSERT_EQUAL(touching[0], 11);
	CU_ASSERT_EQUAL(guest_memory_read(mem, LOW_SIZE - 10, in, sizeof(in)), 0);
	CU_ASSERT_EQUAL(memcmp(in, out, sizeof(in)), 0);
	CU_ASSERT_EQUAL(guest_memory_read(mem, LOW_SIZE + HIGH_SIZE - 1, in, 2), -EFAULT);
	CU_ASSERT_EQUAL(guest_memory_read(mem, 0x5000000, in, 0), 0);
}

static void pieces_are_counted(void)
{
	struct iovec iov[2];

	CU_ASSERT_EQUAL(guest_memory_iov(mem, LOW_SIZE - 1, 3, iov, 2), 2);
	CU_ASSERT_PTR_EQUAL(iov[0].iov_base, low + LOW_SIZE - 1);
	CU_ASSERT_EQUAL(iov[0].iov_len, 1);
	CU_ASSERT_PTR_EQUAL(iov[1].iov_base, touching);
	CU_ASSERT_EQUAL(iov[1].iov_len, 2);
	CU_ASSERT_EQUAL(guest_memory_iov(mem, LOW_SIZE - 1, 3, iov, 1), -E2BIG);
	CU_ASSERT_EQUAL(guest_memory_iov(mem, 0, 0, iov, 0), 0);
}

static void regions_do_not_overlap(void)
{
	CU_ASSERT_EQUAL(guest_memory_add(mem, 4096, 1, low), -EEXIST);
	CU_ASSERT_EQUAL(guest_memory_add(mem, HIGH - 1, 2, low), -EEXIST);
	CU_ASSERT_EQUAL(guest_memory_add(mem, 0x200000000, UINT64_MAX, low), -EINVAL);
	CU_ASSERT_EQUAL(guest_memory_add(mem, 0x200000000, 0, low), -EINVAL);
	CU_ASSERT_EQUAL(guest_memory_add(mem, HIGH - 1, 1, low), 0);
	CU_ASSERT_PTR_EQUAL(guest_memory_host(mem, HIGH - 1, 1), low);
	CU_ASSERT_EQUAL(guest_memory_remove(mem, HIGH), 0);
	CU_ASSERT_EQUAL(guest_memory_remove(mem, HIGH), -ENOENT);
	CU_ASSERT_PTR_NULL(guest_memory_host(mem, HIGH, 1));
	CU_ASSERT_EQUAL(guest_memory_remove(mem, HIGH - 2), -ENOENT);
	guest_memory_reclaim(mem);
	CU_ASSERT_EQUAL(guest_memory_add(mem, HIGH, HIGH_SIZE, high), 0);
	CU_ASSERT_PTR_EQUAL(guest_memory_host(mem, HIGH, 1), high);
}

static void memory_of_devices_is_for_buffers_only(void)
{
	struct guest_memory *memory = guest_memory_create();
	static uint8_t shared[8192], constant[8192];
	struct iovec iov[2];
	uint8_t byte = 0x5a;

	CU_ASSERT_EQUAL_FATAL(guest_memory_add_device(memory, GiB, 8192, shared, false), 0);
	CU_ASSERT_EQUAL_FATAL(guest_memory_add_device(memory, GiB + 8192, 8192, constant, true), 0);
	CU_ASSERT_PTR_NULL(guest_memory_host(memory, GiB, 1));
	CU_ASSERT_EQUAL(guest_memory_write(memory, GiB + 8191, &byte, 1), 0);
	CU_ASSERT_EQUAL(shared[8191], 0x5a);
	CU_ASSERT_EQUAL(guest_memory_write(memory, GiB + 8192, &byte, 1), -EFAULT);
	CU_ASSERT_EQUAL(guest_memory_read(memory, GiB + 8192, &byte, 1), 0);
	CU_ASSERT_EQUAL(byte, 0);
	CU_ASSERT_EQUAL(guest_memory_iov(memory, GiB, 8192, iov, 2), 1);
	CU_ASSERT_EQUAL(guest_memory_iov(memory, GiB, 8193, iov, 2), -EFAULT);
	CU_ASSERT_EQUAL(guest_memory_iov_source(memory, GiB, 8193, iov, 2), 2);
	CU_ASSERT_PTR_EQUAL(iov[1].iov_base, constant);
	CU_ASSERT_EQUAL(guest_memory_remove(memory, GiB + 8192), 0);
	CU_ASSERT_EQUAL(guest_memory_iov_source(memory, GiB, 8193, iov, 2), -EFAULT);
	guest_memory_reclaim(memory);
	CU_ASSERT_EQUAL(guest_memory_iov(memory, GiB, 8192, iov, 2), 1);
	guest_memory_destroy(memory);
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"ranges stay in one region", ranges_stay_in_one_region},
		{"sums that wrap are refused", sums_that_wrap_are_refused},
		{"copies cross regions that touch", copies_cross_regions_that_touch},
		{"pieces are counted", pieces_are_counted},
		{"regions do not overlap", regions_do_not_overlap},
		{"memory of devices is for buffers only", memory_of_devices_is_for_buffers_only},
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = {
		{"memory", set_up, tear_down, NULL, NULL, tests},
		CU_SUITE_INFO_NULL,
	};

	return cu_tap_run(suites);
}
