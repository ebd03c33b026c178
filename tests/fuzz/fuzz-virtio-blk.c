/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The request path of virtio-blk: the input is a series of requests, each with its own cuts, that
 * are taken apart and done on a small image. After each the image must have its size and the pieces
 * must have been inside of the buffers.
 */
#include <fcntl.h>
#include <linux/virtio_blk.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <stdio.h>

#include "base/iov.h"
#include "base/log.h"
#include "block/virtio-request.h"

#define IMAGE_SIZE   (64 * KiB)
#define BUFFER       8192u
#define MAX_PIECES   64u
#define MAX_REQUESTS 64u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct block_image *image;
static struct block_queue *queue;
static int file;
static char path[64];
static unsigned char out[BUFFER], in[BUFFER];
static unsigned n_done;

static void done(struct block_request *req unused, int result unused)
{
	n_done++;
}

static void set_up(void)
{
	struct block_options options = {.path = path, .owner = "fuzz"};
	struct block_failure failure;

	if (queue)
		return;
	log_level = LOG_ERROR;
	file = memfd_create("fuzz-virtio-blk", MFD_CLOEXEC);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	invariant(file >= 0 && ftruncate(file, IMAGE_SIZE) == 0);
	invariant(block_open(&options, &image, &failure) == 0);
	invariant(block_queue_create(image, BLOCK_ENGINE_AUTO, NULL, &queue) == 0);
}

/* Cuts @len bytes of @buf to pieces as long as the input says. */
static unsigned cut(struct iovec *iov, unsigned char *buf, size_t len, const uint8_t *cuts)
{
	unsigned n = 0;

	for (size_t at = 0; at < len && n < MAX_PIECES; n++) {
		size_t piece = MIN((size_t)cuts[n % 4] * 17, len - at);

		iov[n] = (struct iovec){buf + at, n == MAX_PIECES - 1 ? len - at : piece};
		at += iov[n].iov_len;
	}
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct blk_request_limits limits = {true, true, "fuzz"};
	struct iovec out_iov[MAX_PIECES], in_iov[MAX_PIECES];
	struct stat st;

	set_up();
	for (unsigned i = 0; i < MAX_REQUESTS && size >= 8; i++) {
		size_t out_len = MIN((size_t)data[0] * 37, sizeof(out));
		size_t in_len = MIN((size_t)data[1] * 37, sizeof(in)),
		       n = MIN(size - 8, (size_t)32);
		struct blk_request req = {0};
		unsigned n_out, n_in;

		/* The type is likelier one that there is. */
		memcpy(out, data + 8, n);
		if (data[2] & 1)
			memcpy(out, (uint32_t[]){data[2] >> 4}, 4);
		if (data[3] & 1)
			memset(out + 9, 0, 7);
		n_out = cut(out_iov, out, out_len, data + 4);
		n_in = cut(in_iov, in, in_len, data + 4);
		switch (blk_request_parse(&limits, out_iov, n_out, in_iov, n_in, &req)) {
		case BLK_PARSED_IO:
			for (unsigned j = 0; j < req.io.n_iov; j++) {
				unsigned char *base = req.io.iov[j].iov_base;
				unsigned char *buf = base >= in && base <= in + BUFFER ? in : out;

				invariant(base >= buf && req.io.iov[j].iov_len <= BUFFER &&
					  base + req.io.iov[j].iov_len <= buf + BUFFER);
			}
			n_done = 0;
			req.io.done = done;
			req.io.durable = data[3] & 2;
			block_submit(queue, &req.io);
			block_queue_drain(queue);
			invariant(n_done == 1);
			*req.status_at = 0;
			break;
		case BLK_PARSED_ANSWER:
			*req.status_at = req.status;
			break;
		case BLK_PARSED_BROKEN:
			break;
		}
		data += 8 + n;
		size -= 8 + n;
	}
	invariant(fstat(file, &st) == 0 && st.st_size == IMAGE_SIZE);
	return 0;
}
