/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a block request. It is a series of steps, each one system call's worth: a short read
 * or write is continued by another step, what O_DIRECT cannot take goes through a bounce buffer
 * piece by piece, zeroes that the file system cannot make are written, and a durable request that
 * is no write ends with a sync. The engines know steps only.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/iov.h"
#include "base/log.h"
#include "block/internal.h"

/* One piece of a bounced or zero-writing request. */
#define PIECE_MAX (64 * KiB)

/* Never written to, so it costs no memory: reading it maps the kernel's one page of zeroes. */
static _Alignas(4096) unsigned char zeroes[PIECE_MAX];

/* Whether direct I/O can use the guest's pieces where they lie. */
static bool aligned_for_direct(const struct block_image *image, const struct block_request *req)
{
	for (unsigned i = 0; i < req->n_iov; i++)
		if (!IS_ALIGNED((uintptr_t)req->iov[i].iov_base, image->memory_align) ||
		    !IS_ALIGNED(req->iov[i].iov_len, image->offset_align))
			return false;
	return true;
}

/* The end of a file whose size is no multiple of a block: zeroes. */
static void zero_rest(struct block_request *req)
{
	for (unsigned i = 0; i < req->n_iov; i++)
		memset(req->iov[i].iov_base, 0, req->iov[i].iov_len);
}

static void step_transfer(struct block_request *req, struct block_step *step)
{
	size_t left = req->length - req->progress;

	step->kind = req->op == BLOCK_READ ? BLOCK_STEP_READ : BLOCK_STEP_WRITE;
	step->mode = req->op != BLOCK_READ && req->durable ? RWF_DSYNC : 0;
	if (req->op == BLOCK_ZERO) {
		req->step_iov = (struct iovec){zeroes, MIN(left, sizeof(zeroes))};
	} else if (req->bounce) {
		req->step_iov = (struct iovec){req->bounce, MIN(left, PIECE_MAX)};
		if (req->op == BLOCK_WRITE)
			iov_read(req->iov, req->n_iov, 0, req->bounce, req->step_iov.iov_len);
	} else {
		step->iov = req->iov;
		step->n_iov = MIN(req->n_iov, (unsigned)IOV_MAX);
		return;
	}
	step->iov = &req->step_iov;
	step->n_iov = 1;
}

void block_step(struct block_request *req, struct block_step *step)
{
	struct block_image *image = req->queue->image;

	*step = (struct block_step){
		.fd = image->fd,
		.offset = req->offset + req->progress,
		.length = req->length - req->progress,
	};
	if (req->syncing || req->op == BLOCK_FLUSH) {
		step->kind = BLOCK_STEP_SYNC;
	} else if (req->op == BLOCK_DISCARD && image->block_device) {
		step->kind = BLOCK_STEP_BLKDISCARD;
	} else if (req->op == BLOCK_DISCARD || (req->op == BLOCK_ZERO && !req->write_zeroes)) {
		step->kind = BLOCK_STEP_FALLOCATE;
		step->mode = FALLOC_FL_KEEP_SIZE |
			     (req->op == BLOCK_DISCARD || req->unmap ? FALLOC_FL_PUNCH_HOLE
								     : FALLOC_FL_ZERO_RANGE);
	} else {
		step_transfer(req, step);
	}
}

long block_step_run(const struct block_step *step)
{
	uint64_t range[2] = {step->offset, step->length};
	long r = -1;

	do {
		switch (step->kind) {
		case BLOCK_STEP_READ:
			r = preadv(step->fd, step->iov, (int)step->n_iov, (off_t)step->offset);
			break;
		case BLOCK_STEP_WRITE:
			r = pwritev2(step->fd, step->iov, (int)step->n_iov, (off_t)step->offset,
				     step->mode);
			break;
		case BLOCK_STEP_SYNC:
			r = fdatasync(step->fd);
			break;
		case BLOCK_STEP_FALLOCATE:
			r = fallocate(step->fd, step->mode, (off_t)step->offset,
				      (off_t)step->length);
			break;
		case BLOCK_STEP_BLKDISCARD:
			r = ioctl(step->fd, BLKDISCARD, range);
			break;
		}
	} while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : r;
}

static void start(struct block_request *req)
{
	struct block_queue *queue = req->queue;
	bool can = true;

	if (queue->uring) {
		struct block_step step;

		block_step(req, &step);
		can = block_uring_can(queue->uring, step.kind);
	}
	if (queue->uring && can)
		block_uring_start(queue->uring, req);
	else if (queue->threads || block_threads_create(queue, &queue->threads) == 0)
		block_threads_start(queue->threads, req);
	else
		block_step_done(req, -ENOMEM);
}

/* An error is told once for each kind: a guest can make them at will. */
static void log_failure(struct block_image *image, const struct block_request *req, int error)
{
	static const char *const names[] = {
		[BLOCK_READ] = "read",       [BLOCK_WRITE] = "write",       [BLOCK_FLUSH] = "flush",
		[BLOCK_DISCARD] = "discard", [BLOCK_ZERO] = "write zeroes",
	};
	uint64_t bit = 1ULL << (-error & 63);

	if (atomic_fetch_or(&image->logged, bit) & bit)
		return;
	log_warn("%s: cannot %s at %llu: %s; the guest gets an I/O error (told once)", image->path,
		 names[req->op], (unsigned long long)(req->offset + req->progress),
		 strerror(-error));
}

static void finish(struct block_request *req, int result)
{
	if (result < 0)
		log_failure(req->queue->image, req, result);
	free(req->bounce);
	req->bounce = NULL;
	req->queue->in_flight--;
	req->done(req, result);
}

/*
 * A read that came to the end of the file: fine inside the last block of it, where zeroes follow;
 * an error where someone cut the file.
 */
static int end_of_file(struct block_request *req)
{
	struct block_image *image = req->queue->image;
	struct stat st;

	if (image->block_device || fstat(image->fd, &st) < 0)
		return -EIO;
	if (req->offset + req->length >
	    ALIGN_UP((uint64_t)st.st_size, (uint64_t)image->geometry.logical_block))
		return -EIO;
	zero_rest(req);
	return 0;
}

/* Takes a transfer's bytes. Return: true when @ret_result is the request's result. */
static bool transferred(struct block_request *req, long bytes, int *ret_result)
{
	struct block_image *image = req->queue->image;
	size_t n = (size_t)bytes;

	if (req->op == BLOCK_READ && req->bounce)
		iov_write(req->iov, req->n_iov, 0, req->bounce, n);
	if (req->op != BLOCK_ZERO)
		iov_skip(&req->iov, &req->n_iov, n);
	req->progress += n;
	*ret_result = 0;
	if (req->progress >= req->length)
		return true;
	/* Direct reads end at no block boundary only where the file does. */
	if (req->op == BLOCK_READ &&
	    (n == 0 || (image->direct && !IS_ALIGNED(n, image->offset_align)))) {
		*ret_result = end_of_file(req);
		return true;
	}
	*ret_result = -EIO;
	return n == 0;
}

/* Return: true when @ret_result is the request's result, false when there is one more step. */
static bool conclude(struct block_request *req, long result, int *ret_result)
{
	struct block_image *image = req->queue->image;
	bool transfer = req->op == BLOCK_READ || req->op == BLOCK_WRITE || req->write_zeroes;

	*ret_result = (int)MIN(result, 0);
	if (result == -EINTR)
		return false;
	if (req->op == BLOCK_ZERO && !req->write_zeroes && result == -EOPNOTSUPP) {
		image->no_fallocate = true;
		req->write_zeroes = true;
		return false;
	}
	if (result < 0 || req->syncing || req->op == BLOCK_FLUSH)
		return true;
	if (transfer)
		return transferred(req, result, ret_result);
	req->syncing = req->durable;
	return !req->syncing;
}

void block_step_done(struct block_request *req, long result)
{
	struct block_queue *queue = req->queue;
	int final;

	if (!conclude(req, result, &final)) {
		/* From the outermost frame: an engine that completes at once must not nest steps.
		 */
		list_add_tail(&queue->again, &req->link);
	} else {
		queue->nesting++;
		finish(req, final);
		queue->nesting--;
	}
	if (queue->nesting > 0)
		return;
	queue->nesting++;
	while (!list_empty(&queue->again)) {
		req = list_entry(queue->again.next, struct block_request, link);
		list_del(&req->link);
		start(req);
	}
	queue->nesting--;
}

/* Refuses what lies outside of the image or breaks its block size, and what needs no I/O. */
static int check(const struct block_image *image, const struct block_request *req,
		 bool *ret_nothing)
{
	uint64_t size = image->size;
	uint32_t align =
		image->block_device || image->direct ? image->geometry.logical_block : BLOCK_SECTOR;

	*ret_nothing = false;
	if (req->op == BLOCK_FLUSH)
		return 0;
	if (req->offset > size || req->length > size - req->offset)
		return -ENXIO;
	if (!IS_ALIGNED(req->offset, (uint64_t)align) || !IS_ALIGNED(req->length, (uint64_t)align))
		return -EINVAL;
	if (req->op != BLOCK_READ && image->geometry.read_only)
		return -EROFS;
	*ret_nothing = req->length == 0;
	return 0;
}

void block_submit(struct block_queue *queue, struct block_request *req)
{
	struct block_image *image = queue->image;
	bool nothing;
	int r = check(image, req, &nothing);

	req->queue = queue;
	req->progress = 0;
	req->bounce = NULL;
	req->syncing = false;
	req->write_zeroes = req->op == BLOCK_ZERO && image->no_fallocate;
	list_init(&req->link);
	if (r == 0 && !nothing && image->direct &&
	    (req->op == BLOCK_READ || req->op == BLOCK_WRITE) && !aligned_for_direct(image, req))
		r = posix_memalign(&req->bounce, 4096, PIECE_MAX) == 0 ? 0 : -ENOMEM;
	if (r < 0 || nothing) {
		req->done(req, r);
		return;
	}
	queue->in_flight++;
	start(req);
}

void block_queue_kick(struct block_queue *queue)
{
	if (queue->uring)
		block_uring_kick(queue->uring);
}

void block_queue_drain(struct block_queue *queue)
{
	while (queue->in_flight > 0) {
		block_queue_kick(queue);
		if (queue->threads && block_threads_busy(queue->threads))
			block_threads_wait(queue->threads);
		else if (queue->uring && block_uring_busy(queue->uring))
			block_uring_wait(queue->uring);
		else
			invariant(queue->in_flight == 0);
	}
}

int block_queue_create(struct block_image *image, enum block_engine engine, struct loop *loop,
		       struct block_queue **ret)
{
	struct block_queue *queue = calloc(1, sizeof(*queue));
	int r = 0;

	if (!queue)
		return -ENOMEM;
	queue->image = image;
	queue->loop = loop;
	list_init(&queue->again);
	if (engine != BLOCK_ENGINE_THREADS) {
		r = block_uring_create(queue, &queue->uring);
		if (r < 0 && engine == BLOCK_ENGINE_AUTO)
			log_info("%s: no io_uring (%s), I/O is done by threads", image->path,
				 strerror(-r));
	}
	if (engine == BLOCK_ENGINE_THREADS || (r < 0 && engine == BLOCK_ENGINE_AUTO))
		r = block_threads_create(queue, &queue->threads);
	if (r < 0) {
		free(queue);
		return r;
	}
	*ret = queue;
	return 0;
}

struct block_queue *block_queue_destroy(struct block_queue *queue)
{
	if (!queue)
		return NULL;
	block_queue_drain(queue);
	block_threads_destroy(queue->threads);
	block_uring_destroy(queue->uring);
	free(queue);
	return NULL;
}

unsigned block_queue_in_flight(const struct block_queue *queue)
{
	return queue->in_flight;
}

const char *block_queue_engine(const struct block_queue *queue)
{
	return queue->uring ? "io_uring" : "threads";
}
