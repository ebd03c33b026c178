/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Disk images: open and lock one, then read, write, flush, discard and zero it without waiting. Who
 * uses an image sees bytes from 0 to its size; the format (raw files and block devices today) is
 * between block_submit() and the engine, which is io_uring or a few threads.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/compiler.h"
#include "base/list.h"

struct block_image;
struct block_queue;
struct loop;

/* What the image is seen to consist of: sizes of the whole are multiples of this (virtio 1.2
 * §5.2.6). */
#define BLOCK_SECTOR 512u

enum block_engine {
	BLOCK_ENGINE_AUTO, /* io_uring where the host permits it, else threads */
	BLOCK_ENGINE_IO_URING,
	BLOCK_ENGINE_THREADS,
};

struct block_options {
	const char *path;  /* absolute */
	const char *owner; /* the device: it may hold one image twice, while it is being replaced */
	bool read_only;
	bool direct; /* past the host's page cache (O_DIRECT) */
};

/* Why an image cannot be had, for a diagnostic; the hint may be empty. */
struct block_failure {
	char message[320];
	char hint[256];
};

struct block_geometry {
	uint32_t logical_block;          /* requests must be multiples of this, and begin at one */
	uint32_t physical_block;         /* smaller writes cost a read of the rest */
	uint32_t minimum_io, optimal_io; /* bytes, 0: no preference */
	bool read_only;
};

/**
 * block_open() - open an image and lock it
 * @options: copied
 * @ret: the image, for block_close()
 * @ret_failure: filled on failure
 *
 * Any number may read an image, or one may write it: across all processes, by OFD locks. Nothing
 * but open, fstat and lock is done to a file. Main thread.
 *
 * Return: 0 or a negative errno: -EBUSY when someone else uses the image.
 */
int block_open(const struct block_options *options, struct block_image **ret,
	       struct block_failure *ret_failure) must_use;

/*
 * Whether an image is in a format of its own and not the plain content of a disk. Both its name and
 * its first bytes have to say so: what a guest writes to its disk alone does not. Any thread.
 * Return: 0, or -EINVAL and what to do.
 */
int block_check_container(const char *path, struct block_failure *ret_failure) must_use;

/* Unlocks and closes; no queue may be left. Main thread. Takes NULL. */
struct block_image *block_close(struct block_image *image);

/* Constant. Any thread. */
const struct block_geometry *block_geometry(const struct block_image *image);

/* The size as it is now. Any thread. */
uint64_t block_size(const struct block_image *image);

/*
 * Asks for the size again. An image that grew is as large as that from now on; requests are checked
 * against it. One that shrank keeps the size that was promised. Main thread.
 *
 * Return: 0 with the size of the file or device in @ret_now, or a negative errno.
 */
int block_refresh_size(struct block_image *image, uint64_t *ret_now) must_use;

enum block_op {
	BLOCK_READ,
	BLOCK_WRITE,
	BLOCK_FLUSH,   /* what was completed before is on the disk when this completes */
	BLOCK_DISCARD, /* the content is not needed any more */
	BLOCK_ZERO,
};

/* One request; the caller's until block_submit() and again from @done on. */
struct block_request {
	enum block_op op;
	bool durable;            /* on the disk when it completes */
	bool unmap;              /* BLOCK_ZERO: the space may be given back */
	uint64_t offset, length; /* bytes, checked against the image */
	struct iovec *iov; /* BLOCK_READ, BLOCK_WRITE: @length bytes; shifted as they are used */
	unsigned n_iov;
	/* Once, on the queue's thread, perhaps before block_submit() returns. 0 or a negative
	 * errno. */
	void (*done)(struct block_request *request, int result);

	/* The rest is the block layer's. */
	struct list link;
	struct block_queue *queue;
	uint64_t progress;
	struct iovec step_iov;
	void *bounce;
	long step_result;
	bool write_zeroes, syncing;
};

/**
 * block_queue_create() - the means to do requests on one thread
 * @image: several queues may share one
 * @engine: -ENOSYS or what the kernel said when io_uring is asked for and not permitted
 * @loop: the loop of the calling thread, which calls @done; NULL: only block_queue_drain() does
 *
 * All functions of a queue are called on that thread. Return: 0 or a negative errno.
 */
int block_queue_create(struct block_image *image, enum block_engine engine, struct loop *loop,
		       struct block_queue **ret) must_use;

/* Takes NULL; drains first. */
struct block_queue *block_queue_destroy(struct block_queue *queue);

/* Takes a request. It may wait in the queue until block_queue_kick(): submit a batch, then kick. */
void block_submit(struct block_queue *queue, struct block_request *request);
void block_queue_kick(struct block_queue *queue);

/* Returns when no request is in flight; their @done have been called. */
void block_queue_drain(struct block_queue *queue);

/*
 * The same for a queue whose thread is that of @loop, from another thread, which waits. -ESHUTDOWN:
 * the loop has ended.
 */
int block_queue_create_on(struct loop *loop, struct block_image *image, enum block_engine engine,
			  struct block_queue **ret) must_use;
void block_queue_drain_on(struct loop *loop, struct block_queue *queue);
struct block_queue *block_queue_destroy_on(struct loop *loop, struct block_queue *queue);

unsigned block_queue_in_flight(const struct block_queue *queue);

/* "io_uring" or "threads" */
const char *block_queue_engine(const struct block_queue *queue);

/* 0, or the negative errno with which the kernel refuses io_uring. */
int block_probe_io_uring(void);
