/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The io_uring engine: a small ring per queue. Its descriptor is readable while completions wait,
 * so the loop watches it like any other.
 */
#include <errno.h>
#include <liburing.h>
#include <string.h>

#include "base/log.h"
#include "block/internal.h"
#include "loop/loop.h"

#define RING_ENTRIES 64u

struct block_uring {
	struct io_uring ring;
	struct loop_source *source;
	struct list waiting; /* requests for which the ring has no room */
	unsigned in_ring, max_in_ring;
	bool fallocate;
};

static void reap(struct block_uring *uring)
{
	struct io_uring_cqe *cqe;

	while (io_uring_peek_cqe(&uring->ring, &cqe) == 0) {
		struct block_request *req = io_uring_cqe_get_data(cqe);
		long result = cqe->res;

		io_uring_cqe_seen(&uring->ring, cqe);
		uring->in_ring--;
		block_step_done(req, result);
	}
	while (uring->in_ring < uring->max_in_ring && !list_empty(&uring->waiting)) {
		struct block_request *req =
			list_entry(uring->waiting.next, struct block_request, link);

		list_del(&req->link);
		block_uring_start(uring, req);
	}
	block_uring_kick(uring);
}

static void ring_readable(int fd, unsigned events, void *opaque)
{
	reap(opaque);
}

int block_uring_create(struct block_queue *queue, struct block_uring **ret)
{
	struct block_uring *uring = calloc(1, sizeof(*uring));
	struct io_uring_probe *probe;
	int r;

	if (!uring)
		return -ENOMEM;
	list_init(&uring->waiting);
	r = io_uring_queue_init(RING_ENTRIES, &uring->ring, 0);
	if (r < 0) {
		free(uring);
		return r;
	}
	uring->max_in_ring = *uring->ring.cq.kring_entries;
	probe = io_uring_get_probe_ring(&uring->ring);
	uring->fallocate = probe && io_uring_opcode_supported(probe, IORING_OP_FALLOCATE);
	io_uring_free_probe(probe);
	if (queue->loop) {
		r = loop_add_fd(queue->loop, uring->ring.ring_fd, LOOP_READ, ring_readable, uring,
				&uring->source);
		if (r < 0) {
			io_uring_queue_exit(&uring->ring);
			free(uring);
			return r;
		}
	}
	*ret = uring;
	return 0;
}

struct block_uring *block_uring_destroy(struct block_uring *uring)
{
	if (!uring)
		return NULL;
	loop_source_remove(uring->source);
	io_uring_queue_exit(&uring->ring);
	free(uring);
	return NULL;
}

bool block_uring_can(const struct block_uring *uring, enum block_step_kind kind)
{
	return kind == BLOCK_STEP_FALLOCATE ? uring->fallocate : kind != BLOCK_STEP_BLKDISCARD;
}

void block_uring_start(struct block_uring *uring, struct block_request *req)
{
	struct io_uring_sqe *sqe = NULL;
	struct block_step step;

	if (uring->in_ring < uring->max_in_ring) {
		sqe = io_uring_get_sqe(&uring->ring);
		if (!sqe) {
			block_uring_kick(uring);
			sqe = io_uring_get_sqe(&uring->ring);
		}
	}
	if (!sqe) {
		list_add_tail(&uring->waiting, &req->link);
		return;
	}
	block_step(req, &step);
	switch (step.kind) {
	case BLOCK_STEP_READ:
		io_uring_prep_readv(sqe, step.fd, step.iov, step.n_iov, step.offset);
		break;
	case BLOCK_STEP_WRITE:
		io_uring_prep_writev2(sqe, step.fd, step.iov, step.n_iov, step.offset, step.mode);
		break;
	case BLOCK_STEP_SYNC:
		io_uring_prep_fsync(sqe, step.fd, IORING_FSYNC_DATASYNC);
		break;
	case BLOCK_STEP_FALLOCATE:
		io_uring_prep_fallocate(sqe, step.fd, step.mode, (off_t)step.offset,
					(off_t)step.length);
		break;
	case BLOCK_STEP_BLKDISCARD:
		invariant(!"the ring cannot do this step");
	}
	io_uring_sqe_set_data(sqe, req);
	uring->in_ring++;
}

/* A full ring or a lack of memory passes: what was not taken stays and goes with the next kick. */
static void submitted(struct block_uring *uring, int r)
{
	static bool told;

	if (r >= 0 || r == -EAGAIN || r == -EBUSY || r == -EINTR || told)
		return;
	told = true;
	log_error("io_uring does not take requests: %s", strerror(-r));
}

void block_uring_kick(struct block_uring *uring)
{
	if (io_uring_sq_ready(&uring->ring) > 0)
		submitted(uring, io_uring_submit(&uring->ring));
}

void block_uring_wait(struct block_uring *uring)
{
	submitted(uring, io_uring_submit_and_wait(&uring->ring, 1));
	reap(uring);
}

bool block_uring_busy(const struct block_uring *uring)
{
	return uring->in_ring > 0 || !list_empty(&uring->waiting);
}

int block_probe_io_uring(void)
{
	struct io_uring ring;
	int r = io_uring_queue_init(2, &ring, 0);

	if (r == 0)
		io_uring_queue_exit(&ring);
	return r;
}
