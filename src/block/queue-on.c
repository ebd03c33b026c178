/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A queue of requests that lives on another thread: made, drained and ended from here.
 */
#include <errno.h>

#include "block/block.h"
#include "loop/loop.h"

struct call {
	struct block_image *image;
	enum block_engine engine;
	struct loop *loop;
	struct block_queue *queue;
	int result;
};

static void create(void *opaque)
{
	struct call *call = opaque;

	call->result = block_queue_create(call->image, call->engine, call->loop, &call->queue);
}

int block_queue_create_on(struct loop *loop, struct block_image *image, enum block_engine engine,
			  struct block_queue **ret)
{
	struct call call = {.image = image, .engine = engine, .loop = loop};

	if (!loop_call(loop, create, &call))
		return -ESHUTDOWN;
	if (call.result >= 0)
		*ret = call.queue;
	return call.result;
}

static void drain(void *opaque)
{
	block_queue_drain(opaque);
}

void block_queue_drain_on(struct loop *loop, struct block_queue *queue)
{
	loop_call(loop, drain, queue);
}

static void destroy(void *opaque)
{
	block_queue_destroy(opaque);
}

struct block_queue *block_queue_destroy_on(struct loop *loop, struct block_queue *queue)
{
	loop_call(loop, destroy, queue);
	return NULL;
}
