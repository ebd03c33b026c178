/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The requests of virtio-blk (virtio 1.2 §5.2.6), from and to the pieces of a descriptor chain. A
 * driver may cut a request to pieces anywhere (§2.7.4), and all of it is hostile.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "block/block.h"

#define BLK_SERIAL_SIZE 20u

/* What the device offers, in sectors where the name does not say other. */
#define BLK_MAX_DISCARD  (1u << 21) /* 1 GiB */
#define BLK_MAX_ZEROES   (1u << 15) /* 16 MiB: they may have to be written */
#define BLK_MAX_TRANSFER (64 * MiB) /* bytes in a read or write */

struct blk_request_limits {
	bool discard, write_zeroes; /* negotiated */
	char serial[BLK_SERIAL_SIZE];
};

enum blk_parsed {
	BLK_PARSED_IO,     /* submit it, answer later */
	BLK_PARSED_ANSWER, /* answer with the status */
	BLK_PARSED_BROKEN, /* there is no place for a status */
};

struct blk_request {
	struct block_request io;
	unsigned char *status_at; /* the last byte that the device writes */
	unsigned char status;     /* VIRTIO_BLK_S_*, of BLK_PARSED_ANSWER */
};

/**
 * blk_request_parse() - understand a request
 * @limits: what is allowed
 * @out, @n_out: what the device reads
 * @in, @n_in: what it writes
 * @req: io's op, place and pieces are filled; the pieces stay in @out or @in, which are changed
 *
 * Whether the place lies in the image is block_submit()'s to check.
 */
enum blk_parsed blk_request_parse(const struct blk_request_limits *limits, struct iovec *out,
				  unsigned n_out, struct iovec *in, unsigned n_in,
				  struct blk_request *req) must_use;

/* The status that tells the guest of a block request's result. */
unsigned char blk_request_status(int result);
