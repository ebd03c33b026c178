/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the block layer: an image, a request as a series of steps, and the engines that do steps.
 */
#pragma once

#include <stdatomic.h>

#include "block/block.h"

struct block_image {
	struct list link; /* images of this process */
	char *path, *owner;
	int fd;
	int lock_fd; /* another description that holds the lock, or -1 */
	uint64_t device, inode;
	bool block_device, direct;
	uint32_t memory_align, offset_align; /* of direct I/O */
	struct block_geometry geometry;
	_Atomic uint64_t size;    /* bytes, a multiple of BLOCK_SECTOR */
	atomic_bool no_fallocate; /* zeroes must be written */
	_Atomic uint64_t logged;  /* errno values that have been logged, one bit each */
};

/* Locks @fd for all of its file. Return: 0 or a negative errno: -EAGAIN held by another. */
int block_lock(int fd, bool write) must_use;

void block_unlock(int fd);

/* The process that holds a lock on the file of @fd, or 0 when it cannot be found. */
int block_lock_holder(int fd);

/* What an engine does at once; the result is what the system call gives. */
enum block_step_kind {
	BLOCK_STEP_READ,
	BLOCK_STEP_WRITE,
	BLOCK_STEP_SYNC,
	BLOCK_STEP_FALLOCATE,
	BLOCK_STEP_BLKDISCARD,
};

struct block_step {
	enum block_step_kind kind;
	int fd;
	int mode; /* of fallocate, or the RWF flags of a write */
	uint64_t offset, length;
	const struct iovec *iov;
	unsigned n_iov;
};

/* The next step of a request. */
void block_step(struct block_request *request, struct block_step *ret);

/* Does a step on this thread. Return: bytes, 0, or a negative errno. */
long block_step_run(const struct block_step *step);

/* Takes a step's result: the request is finished, or its next step goes to the engine. */
void block_step_done(struct block_request *request, long result);

struct block_threads;
struct block_uring;

struct block_queue {
	struct block_image *image;
	struct loop *loop;
	struct block_uring *uring;     /* NULL: threads do it all */
	struct block_threads *threads; /* made at first use */
	unsigned in_flight;
	unsigned nesting;  /* of completions, so that a long chain of steps does not recurse */
	struct list again; /* requests whose next step waits for the outermost completion */
};

/* A ring on this thread. Return: 0 or a negative errno. */
int block_uring_create(struct block_queue *queue, struct block_uring **ret) must_use;
struct block_uring *block_uring_destroy(struct block_uring *uring);
bool block_uring_can(const struct block_uring *uring, enum block_step_kind kind);
void block_uring_start(struct block_uring *uring, struct block_request *request);
void block_uring_kick(struct block_uring *uring);
void block_uring_wait(struct block_uring *uring); /* for at least one completion */
bool block_uring_busy(const struct block_uring *uring);

int block_threads_create(struct block_queue *queue, struct block_threads **ret) must_use;
struct block_threads *block_threads_destroy(struct block_threads *threads);
void block_threads_start(struct block_threads *threads, struct block_request *request);
void block_threads_wait(struct block_threads *threads);
bool block_threads_busy(const struct block_threads *threads);
