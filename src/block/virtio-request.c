/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests of virtio-blk: a header of 16 bytes that the device reads, data, a status byte that it
 * writes last.
 */
#include <endian.h>
#include <errno.h>
#include <linux/virtio_blk.h>

#include "base/iov.h"
#include "block/virtio-request.h"

struct segment {
	uint64_t sector;
	uint32_t n_sectors;
	uint32_t flags;
};

static enum blk_parsed answer(struct blk_request *req, unsigned char status)
{
	req->status = status;
	return BLK_PARSED_ANSWER;
}

static enum blk_parsed transfer(struct blk_request *req, struct iovec *iov, unsigned n)
{
	uint64_t len = iov_length(iov, n);

	if (len > BLK_MAX_TRANSFER)
		return answer(req, VIRTIO_BLK_S_IOERR);
	req->io.length = len;
	req->io.iov = iov;
	req->io.n_iov = n;
	return BLK_PARSED_IO;
}

/* Discard and write zeroes: one segment, as the configuration says (max_discard_seg …). */
static enum blk_parsed range(struct blk_request *req, const struct iovec *out, unsigned n_out)
{
	bool discard = req->io.op == BLOCK_DISCARD;
	struct segment segment;
	uint64_t sector;
	uint32_t n, flags;

	if (iov_length(out, n_out) != sizeof(segment) ||
	    iov_read(out, n_out, 0, &segment, sizeof(segment)) != sizeof(segment))
		return answer(req, VIRTIO_BLK_S_IOERR);
	sector = le64toh(segment.sector);
	n = le32toh(segment.n_sectors);
	flags = le32toh(segment.flags);
	/* §5.2.6.2: unknown flags, and unmap in a discard, are unsupported. */
	if (flags & ~(discard ? 0u : VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP))
		return answer(req, VIRTIO_BLK_S_UNSUPP);
	if (n > (discard ? BLK_MAX_DISCARD : BLK_MAX_ZEROES) || sector > UINT64_MAX / BLOCK_SECTOR)
		return answer(req, VIRTIO_BLK_S_IOERR);
	req->io.offset = sector * BLOCK_SECTOR;
	req->io.length = (uint64_t)n * BLOCK_SECTOR;
	req->io.unmap = flags & VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP;
	return BLK_PARSED_IO;
}

enum blk_parsed blk_request_parse(const struct blk_request_limits *limits, struct iovec *out,
				  unsigned n_out, struct iovec *in, unsigned n_in,
				  struct blk_request *req)
{
	uint64_t in_len = iov_length(in, n_in), sector;
	struct virtio_blk_outhdr header;

	if (in_len == 0)
		return BLK_PARSED_BROKEN;
	iov_truncate(in, &n_in, in_len);
	req->status_at = (unsigned char *)in[n_in - 1].iov_base + in[n_in - 1].iov_len - 1;
	iov_truncate(in, &n_in, in_len - 1);
	if (iov_read(out, n_out, 0, &header, sizeof(header)) != sizeof(header))
		return answer(req, VIRTIO_BLK_S_IOERR);
	iov_skip(&out, &n_out, sizeof(header));

	sector = le64toh(header.sector);
	if (sector > UINT64_MAX / BLOCK_SECTOR)
		return answer(req, VIRTIO_BLK_S_IOERR);
	req->io.offset = sector * BLOCK_SECTOR;
	req->io.length = 0;
	req->io.iov = NULL;
	req->io.n_iov = 0;
	req->io.unmap = false;
	switch (le32toh(header.type)) {
	case VIRTIO_BLK_T_IN:
		req->io.op = BLOCK_READ;
		return transfer(req, in, n_in);
	case VIRTIO_BLK_T_OUT:
		req->io.op = BLOCK_WRITE;
		return transfer(req, out, n_out);
	case VIRTIO_BLK_T_FLUSH:
		req->io.op = BLOCK_FLUSH;
		return BLK_PARSED_IO;
	case VIRTIO_BLK_T_GET_ID:
		iov_write(in, n_in, 0, limits->serial, sizeof(limits->serial));
		return answer(req, VIRTIO_BLK_S_OK);
	case VIRTIO_BLK_T_DISCARD:
		if (!limits->discard)
			return answer(req, VIRTIO_BLK_S_UNSUPP);
		req->io.op = BLOCK_DISCARD;
		return range(req, out, n_out);
	case VIRTIO_BLK_T_WRITE_ZEROES:
		if (!limits->write_zeroes)
			return answer(req, VIRTIO_BLK_S_UNSUPP);
		req->io.op = BLOCK_ZERO;
		return range(req, out, n_out);
	default:
		return answer(req, VIRTIO_BLK_S_UNSUPP);
	}
}

unsigned char blk_request_status(int result)
{
	if (result == 0)
		return VIRTIO_BLK_S_OK;
	return result == -EOPNOTSUPP || result == -ENOTTY ? VIRTIO_BLK_S_UNSUPP
							  : VIRTIO_BLK_S_IOERR;
}
