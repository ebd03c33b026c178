/* SPDX-License-Identifier: Apache-2.0 */
#include <endian.h>
#include <errno.h>
#include <linux/virtio_blk.h>
#include <string.h>

#include "base/iov.h"
#include "block/virtio-request.h"
#include "tests/unit/cu-tap.h"

static const struct blk_request_limits limits = {
	.discard = true,
	.write_zeroes = true,
	.serial = "serial-of-20-letters",
};

/* A request as a driver lays it out, one part after the other. */
static unsigned char out[128 * KiB], in[128 * KiB];
static struct iovec out_iov[8192], in_iov[8192];
static struct blk_request req;

static unsigned cut(struct iovec *iov, unsigned char *buf, size_t len, size_t piece)
{
	unsigned n = 0;

	for (size_t at = 0; at < len; at += piece)
		iov[n++] = (struct iovec){buf + at, MIN(piece, len - at)};
	return n;
}

static void header(uint32_t type, uint64_t sector)
{
	struct virtio_blk_outhdr h = {.type = htole32(type), .sector = htole64(sector)};

	memcpy(out, &h, sizeof(h));
}

static enum blk_parsed parse(size_t out_len, size_t out_piece, size_t in_len, size_t in_piece)
{
	unsigned n_out = cut(out_iov, out, out_len, out_piece);
	unsigned n_in = cut(in_iov, in, in_len, in_piece);

	memset(&req, 0xee, sizeof(req));
	return blk_request_parse(&limits, out_iov, n_out, in_iov, n_in, &req);
}

static void cuts_of_a_request_mean_nothing(void)
{
	static const size_t pieces[] = {1, 3, 15, 16, 17, 512, 4096, 65536};

	for (unsigned i = 0; i < ARRAY_SIZE(pieces); i++) {
		header(VIRTIO_BLK_T_OUT, 7);
		CU_ASSERT_EQUAL(parse(16 + 4096, pieces[i], 1, 1), BLK_PARSED_IO);
		CU_ASSERT(req.io.op == BLOCK_WRITE && req.io.offset == 7 * 512 &&
			  req.io.length == 4096);
		CU_ASSERT_EQUAL(iov_length(req.io.iov, req.io.n_iov), 4096);
		CU_ASSERT_PTR_EQUAL(req.io.iov[0].iov_base, out + 16);
		CU_ASSERT_PTR_EQUAL(req.status_at, in);

		header(VIRTIO_BLK_T_IN, 1);
		CU_ASSERT_EQUAL(parse(16, pieces[i], 4096 + 1, pieces[i]), BLK_PARSED_IO);
		CU_ASSERT(req.io.op == BLOCK_READ && req.io.length == 4096);
		CU_ASSERT_EQUAL(iov_length(req.io.iov, req.io.n_iov), 4096);
		CU_ASSERT_PTR_EQUAL(req.io.iov[0].iov_base, in);
		CU_ASSERT_PTR_EQUAL(req.status_at, in + 4096);

		header(VIRTIO_BLK_T_GET_ID, 0);
		memset(in, 0, 32);
		CU_ASSERT_EQUAL(parse(16, pieces[i], 21, pieces[i]), BLK_PARSED_ANSWER);
		CU_ASSERT_EQUAL(req.status, VIRTIO_BLK_S_OK);
		CU_ASSERT_EQUAL(memcmp(in, "serial-of-20-letters\0", 21), 0);
	}
}

static enum blk_parsed range(uint32_t type, uint64_t sector, uint32_t n, uint32_t flags, size_t len)
{
	struct virtio_blk_discard_write_zeroes r = {
		.sector = htole64(sector),
		.num_sectors = htole32(n),
		.flags = htole32(flags),
	};

	header(type, 0);
	memcpy(out + 16, &r, sizeof(r));
	return parse(16 + len, 5, 1, 1);
}

static void what_is_wrong_is_answered(void)
{
	header(VIRTIO_BLK_T_IN, 0);
	CU_ASSERT_EQUAL(parse(16, 16, 0, 1), BLK_PARSED_BROKEN);
	CU_ASSERT_EQUAL(parse(0, 1, 0, 1), BLK_PARSED_BROKEN);
	for (size_t len = 0; len < 16; len++) {
		CU_ASSERT_EQUAL(parse(len, 4, 513, 100), BLK_PARSED_ANSWER);
		CU_ASSERT_EQUAL(req.status, VIRTIO_BLK_S_IOERR);
		CU_ASSERT_PTR_EQUAL(req.status_at, in + 512);
	}
	header(VIRTIO_BLK_T_IN, UINT64_MAX / 512 + 1);
	CU_ASSERT(parse(16, 16, 513, 513) == BLK_PARSED_ANSWER && req.status == VIRTIO_BLK_S_IOERR);
	header(VIRTIO_BLK_T_SCSI_CMD, 0);
	CU_ASSERT(parse(16, 16, 513, 513) == BLK_PARSED_ANSWER &&
		  req.status == VIRTIO_BLK_S_UNSUPP);
	/* A serial number into less room than it needs. */
	header(VIRTIO_BLK_T_GET_ID, 0);
	memset(in, 0, 32);
	CU_ASSERT(parse(16, 16, 5, 2) == BLK_PARSED_ANSWER && memcmp(in, "seri\0", 5) == 0);
	CU_ASSERT(parse(16, 16, 1, 1) == BLK_PARSED_ANSWER && req.status == VIRTIO_BLK_S_OK);
	/* The largest transfer, by the same megabyte again and again. */
	header(VIRTIO_BLK_T_OUT, 0);
	for (unsigned i = 0; i < 1025; i++)
		out_iov[i] = i ? (struct iovec){out, 65536} : (struct iovec){out, 16};
	in_iov[0] = (struct iovec){in, 1};
	CU_ASSERT_EQUAL(blk_request_parse(&limits, out_iov, 1025, in_iov, 1, &req), BLK_PARSED_IO);
	for (unsigned i = 0; i < 1026; i++)
		out_iov[i] = i ? (struct iovec){out, 65536} : (struct iovec){out, 16};
	in_iov[0] = (struct iovec){in, 1};
	CU_ASSERT_EQUAL(blk_request_parse(&limits, out_iov, 1026, in_iov, 1, &req),
			BLK_PARSED_ANSWER);
	CU_ASSERT_EQUAL(req.status, VIRTIO_BLK_S_IOERR);
}

static void ranges_are_checked(void)
{
	struct blk_request_limits none = limits;

	CU_ASSERT_EQUAL(range(VIRTIO_BLK_T_DISCARD, 8, 16, 0, 16), BLK_PARSED_IO);
	CU_ASSERT(req.io.op == BLOCK_DISCARD && req.io.offset == 4096 && req.io.length == 8192);
	CU_ASSERT_EQUAL(range(VIRTIO_BLK_T_WRITE_ZEROES, 8, 16, 1, 16), BLK_PARSED_IO);
	CU_ASSERT(req.io.op == BLOCK_ZERO && req.io.unmap);
	CU_ASSERT_EQUAL(range(VIRTIO_BLK_T_WRITE_ZEROES, 8, 16, 0, 16), BLK_PARSED_IO);
	CU_ASSERT(!req.io.unmap);
	/* §5.2.6.2: unmap is nothing for a discard. */
	CU_ASSERT_EQUAL(range(VIRTIO_BLK_T_DISCARD, 8, 16, 1, 16), BLK_PARSED_ANSWER);
	CU_ASSERT_EQUAL(req.status, VIRTIO_BLK_S_UNSUPP);
	CU_ASSERT_EQUAL(range(VIRTIO_BLK_T_WRITE_ZEROES, 8, 16, 2, 16), BLK_PARSED_ANSWER);
	CU_ASSERT_EQUAL(req.status, VIRTIO_BLK_S_UNSUPP);
	for (size_t len = 0; len < 48; len++) {
		if (len == 16)
			continue;
		CU_ASSERT_EQUAL(range(VIRTIO_BLK_T_DISCARD, 8, 16, 0, len), BLK_PARSED_ANSWER);
		CU_ASSERT_EQUAL(req.status, VIRTIO_BLK_S_IOERR);
	}
	CU_ASSERT_EQUAL(range(VIRTIO_BLK_T_DISCARD, 0, UINT32_MAX, 0, 16), BLK_PARSED_ANSWER);
	CU_ASSERT_EQUAL(range(VIRTIO_BLK_T_DISCARD, UINT64_MAX, 1, 0, 16), BLK_PARSED_ANSWER);
	CU_ASSERT_EQUAL(range(VIRTIO_BLK_T_WRITE_ZEROES, 0, BLK_MAX_ZEROES + 1, 0, 16),
			BLK_PARSED_ANSWER);
	none.discard = false;
	header(VIRTIO_BLK_T_DISCARD, 0);
	CU_ASSERT_EQUAL(blk_request_parse(&none, out_iov, cut(out_iov, out, 32, 32), in_iov,
					  cut(in_iov, in, 1, 1), &req),
			BLK_PARSED_ANSWER);
	CU_ASSERT_EQUAL(req.status, VIRTIO_BLK_S_UNSUPP);
}

static void results_become_statuses(void)
{
	CU_ASSERT_EQUAL(blk_request_status(0), VIRTIO_BLK_S_OK);
	CU_ASSERT_EQUAL(blk_request_status(-EOPNOTSUPP), VIRTIO_BLK_S_UNSUPP);
	CU_ASSERT_EQUAL(blk_request_status(-ENOSPC), VIRTIO_BLK_S_IOERR);
	CU_ASSERT_EQUAL(blk_request_status(-EROFS), VIRTIO_BLK_S_IOERR);
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"cuts of a request mean nothing", cuts_of_a_request_mean_nothing},
		{"what is wrong is answered", what_is_wrong_is_answered},
		{"ranges are checked", ranges_are_checked},
		{"results become statuses", results_become_statuses},
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = {
		{"virtio-request", NULL, NULL, NULL, NULL, tests},
		CU_SUITE_INFO_NULL,
	};

	return cu_tap_run(suites);
}
