/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio-blk (virtio 1.2 §5.2): a disk. Requests are taken from the queues on an I/O thread, go to
 * the block layer where they lie in guest memory, and are answered when they complete, in any
 * order.
 *
 * The cache: FLUSH is always offered, and CONFIG_WCE with which a driver can choose. A driver that
 * takes neither, or that chooses write-through, gets writes that are on the disk when they complete
 * (§5.2.5.1, §5.2.6.2).
 */
/* Linux's header has a structure of the name that the schema gives to ours. */
#define virtio_blk_config virtio_blk_space
#include <linux/virtio_blk.h>
#undef virtio_blk_config

#include <endian.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/diag.h"
#include "base/iov.h"
#include "base/log.h"
#include "block/virtio-request.h"
#include "graph/graph.h"
#include "loop/loop.h"
#include "machine/machine.h"
#include "schema/config.h"
#include "virtio/limiter.h"
#include "virtio/virtio.h"
#include "virtio/virtqueue-worker.h"

#define PCI_CLASS_STORAGE_OTHER 0x018000

struct blk;

struct queue {
	struct blk *blk;
	struct virtqueue *vq; /* NULL unless active */
	unsigned in_flight;
	bool full; /* it takes no more before one has completed */
};

struct blk {
	struct virtio_device vdev;
	struct block_image *image;
	enum block_engine engine;
	struct blk_request_limits limits;
	struct virtio_blk_space space; /* but for the capacity and the cache */
	atomic_bool writeback;
	struct limiter limiter;
	uint64_t cut; /* the file's size when it was seen to be too small, else 0 */

	/* Of an active device; the I/O thread's. */
	struct loop *loop;
	struct block_queue *io;
	struct iovec *scratch; /* the request being taken */
	bool durable;          /* write-through, as negotiated */
	struct queue queues[]; /* vdev.info.n_queues */
};

/* A request that the block layer has. */
struct pending {
	struct blk_request req;
	struct queue *queue;
	uint16_t head;
	uint32_t in_len;
	struct iovec iov[];
};

static struct blk *to_blk(struct virtio_device *vdev)
{
	return container_of(vdev, struct blk, vdev);
}

static void answer(struct queue *queue, uint16_t head, unsigned char *status_at,
		   unsigned char status, uint32_t in_len)
{
	*status_at = status;
	virtqueue_push(queue->vq, head, in_len);
}

static void completed(struct block_request *io, int result)
{
	struct pending *p = container_of(io, struct pending, req.io);
	struct queue *queue = p->queue;

	answer(queue, p->head, p->req.status_at, blk_request_status(result), p->in_len);
	virtqueue_notify(queue->vq);
	queue->in_flight--;
	if (queue->full) {
		queue->full = false;
		virtqueue_schedule(queue->vq);
	}
	free(p);
}

/* Hands a request to the block layer, with a copy of its pieces: the vector is used again. */
static void submit(struct queue *queue, const struct virtq_chain *chain,
		   const struct blk_request *req, uint32_t in_len)
{
	struct blk *blk = queue->blk;
	struct pending *p = malloc(sizeof(*p) + req->io.n_iov * sizeof(struct iovec));

	if (!p) {
		answer(queue, chain->head, req->status_at, VIRTIO_BLK_S_IOERR, in_len);
		return;
	}
	p->req = *req;
	p->queue = queue;
	p->head = chain->head;
	p->in_len = in_len;
	if (req->io.n_iov > 0)
		memcpy(p->iov, req->io.iov, req->io.n_iov * sizeof(struct iovec));
	p->req.io.iov = p->iov;
	p->req.io.done = completed;
	p->req.io.durable =
		blk->durable ||
		(virtio_has_feature(&blk->vdev, VIRTIO_BLK_F_CONFIG_WCE) && !blk->writeback);
	queue->in_flight++;
	limiter_take(&blk->limiter, req->io.op == BLOCK_DISCARD ? 0 : req->io.length);
	block_submit(blk->io, &p->req.io);
}

static void take(struct queue *queue, const struct virtq_chain *chain)
{
	uint32_t in_len = (uint32_t)MIN(chain->in_len, UINT32_MAX);
	struct blk_request req = {0};

	switch (blk_request_parse(&queue->blk->limits, chain->out, chain->n_out, chain->in,
				  chain->n_in, &req)) {
	case BLK_PARSED_IO:
		submit(queue, chain, &req, in_len);
		break;
	case BLK_PARSED_ANSWER:
		answer(queue, chain->head, req.status_at, req.status, in_len);
		break;
	case BLK_PARSED_BROKEN:
		virtqueue_push(queue->vq, chain->head, 0);
		break;
	}
}

/* A guest can offer one descriptor again and again: what is in flight is bounded here. */
static bool work(struct virtqueue *vq, void *opaque)
{
	struct queue *queue = opaque;
	struct virtq_chain chain = {.iov = queue->blk->scratch, .max_iov = VIRTQ_MAX_IOV};
	uint64_t wait = 0;
	bool room;

	while ((room = queue->in_flight < virtqueue_size(vq)) &&
	       !(wait = limiter_wait(&queue->blk->limiter)) && virtqueue_pop(vq, &chain) > 0)
		take(queue, &chain);
	block_queue_kick(queue->blk->io);
	if (wait) {
		virtqueue_schedule_after(vq, wait);
		return false;
	}
	/* All that was in flight may have completed in the kick: then there is room again. */
	queue->full = !room && queue->in_flight > 0;
	if (!room && !queue->full)
		virtqueue_schedule(vq);
	return room;
}

/* The queues give nothing more: what is in flight is all there is. */
static void pause_io(struct virtio_device *vdev)
{
	struct blk *blk = to_blk(vdev);

	block_queue_drain_on(blk->loop, blk->io);
}

static void deactivate(struct virtio_device *vdev)
{
	struct blk *blk = to_blk(vdev);

	for (unsigned i = 0; i < vdev->info.n_queues; i++)
		if (blk->queues[i].vq)
			virtqueue_detach(blk->queues[i].vq);
	/* What is in flight completes into queues that are detached, and then nothing is left. */
	blk->io = block_queue_destroy_on(blk->loop, blk->io);
	for (unsigned i = 0; i < vdev->info.n_queues; i++)
		blk->queues[i].vq = NULL;
	free(TAKE_PTR(blk->scratch));
	blk->writeback = true;
}

static int activate(struct virtio_device *vdev)
{
	struct blk *blk = to_blk(vdev);
	struct io_thread *thread = machine_io_thread(vdev->device.machine);
	int r;

	if (!thread)
		return -ENOMEM;
	blk->loop = io_thread_loop(thread);
	blk->scratch = calloc(VIRTQ_MAX_IOV, sizeof(struct iovec));
	if (!blk->scratch)
		return -ENOMEM;
	blk->durable = !virtio_has_feature(vdev, VIRTIO_BLK_F_FLUSH);
	blk->limits.discard = virtio_has_feature(vdev, VIRTIO_BLK_F_DISCARD);
	blk->limits.write_zeroes = virtio_has_feature(vdev, VIRTIO_BLK_F_WRITE_ZEROES);
	r = block_queue_create_on(blk->loop, blk->image, blk->engine, &blk->io);
	if (r < 0) {
		log_error("%s: cannot do I/O: %s", vdev->device.id, strerror(-r));
		free(TAKE_PTR(blk->scratch));
		return r;
	}
	for (unsigned i = 0; r == 0 && i < vdev->info.n_queues; i++) {
		struct queue *queue = &blk->queues[i];

		queue->blk = blk;
		queue->vq = virtio_queue(vdev, i);
		queue->in_flight = 0;
		queue->full = false;
		if (queue->vq)
			r = virtqueue_attach(queue->vq, blk->loop, work, queue);
	}
	if (r < 0)
		deactivate(vdev);
	return r;
}

static void config_read(struct virtio_device *vdev, unsigned offset, void *buf, unsigned size)
{
	struct blk *blk = to_blk(vdev);
	struct virtio_blk_space space = blk->space;

	space.capacity = htole64(block_size(blk->image) / BLOCK_SECTOR);
	space.wce = blk->writeback;
	memcpy(buf, (char *)&space + offset, size);
}

static void config_write(struct virtio_device *vdev, unsigned offset, const void *buf,
			 unsigned size)
{
	if (offset == offsetof(struct virtio_blk_space, wce) && size == 1)
		to_blk(vdev)->writeback = *(const uint8_t *)buf & 1;
}

static const struct virtio_ops ops = {
	.activate = activate,
	.deactivate = deactivate,
	.pause = pause_io,
	.config_read = config_read,
	.config_write = config_write,
};

/* How many logical blocks something is, as the configuration counts it. */
static uint16_t blocks(uint32_t bytes, const struct block_geometry *g)
{
	return (uint16_t)MIN(bytes / g->logical_block, (uint32_t)UINT16_MAX);
}

static void describe(struct blk *blk, const struct virtio_blk_config *config)
{
	const struct block_geometry *g = block_geometry(blk->image);
	struct virtio_blk_space *space = &blk->space;
	struct virtio_info *info = &blk->vdev.info;

	info->device_id = 2;
	info->n_queues = (unsigned)config->queues;
	info->queue_size = (uint16_t)config->queue_size;
	info->config_size = sizeof(*space);
	info->pci_class = PCI_CLASS_STORAGE_OTHER;
	info->features = 1ULL << VIRTIO_BLK_F_SEG_MAX | 1ULL << VIRTIO_BLK_F_BLK_SIZE |
			 1ULL << VIRTIO_BLK_F_TOPOLOGY | 1ULL << VIRTIO_BLK_F_FLUSH;
	info->features |= g->read_only ? 1ULL << VIRTIO_BLK_F_RO : 1ULL << VIRTIO_BLK_F_CONFIG_WCE;
	if (info->n_queues > 1)
		info->features |= 1ULL << VIRTIO_BLK_F_MQ;

	/* Header and status want a descriptor each. */
	space->seg_max = htole32(config->queue_size - 2);
	space->blk_size = htole32(g->logical_block);
	space->physical_block_exp = (uint8_t)__builtin_ctz(g->physical_block / g->logical_block);
	space->min_io_size = htole16(MAX(blocks(g->minimum_io, g), 1));
	space->opt_io_size = htole32(g->optimal_io / g->logical_block);
	space->num_queues = htole16(info->n_queues);
	if (!config->discard || g->read_only)
		return;
	info->features |= 1ULL << VIRTIO_BLK_F_DISCARD | 1ULL << VIRTIO_BLK_F_WRITE_ZEROES;
	space->max_discard_sectors = htole32(BLK_MAX_DISCARD);
	space->max_discard_seg = htole32(1);
	space->discard_sector_alignment = htole32(g->physical_block / BLOCK_SECTOR);
	space->max_write_zeroes_sectors = htole32(BLK_MAX_ZEROES);
	space->max_write_zeroes_seg = htole32(1);
	space->write_zeroes_may_unmap = 1;
}

static void needs(const struct graph_node *node, struct device_needs *needs, struct arena *arena)
{
	const struct virtio_blk_config *config = node->config;

	virtio_needs(needs, (unsigned)config->queues);
	/* A device that `match` finds is given to one disk only. */
	if (config->read_only || !config->path)
		return;
	needs->exclusive[needs->n_exclusive].key = arena_printf(arena, "write:%s", config->path);
	needs->exclusive[needs->n_exclusive++].property = "path";
}

static int refuse(const struct graph_node *node, const char *property, int error,
		  const char *message, const char *hint, struct diag_list *diags)
{
	struct diag *diag = diag_add(diags, "E0431", DIAG_ERROR, graph_node_span(node, property),
				     "%s", message);

	diag_set_path(diags, diag, node->path);
	if (hint && *hint)
		diag_hint(diags, diag, "%s", hint);
	return error;
}

static int open_image(struct blk *blk, const struct graph_node *node, struct diag_list *diags)
{
	const struct virtio_blk_config *config = node->config;
	struct block_options options = {
		.path = config->path ? config->path : node->host->device,
		.owner = node->id,
		.read_only = config->read_only,
		.direct = config->direct,
	};
	struct block_failure failure;
	int r;

	/* In auto the ring is tried when the driver starts: then nothing is lost when it is
	 * refused. */
	if (blk->engine == BLOCK_ENGINE_IO_URING && (r = block_probe_io_uring()) < 0)
		return refuse(node, "engine", r, "this host does not permit io_uring",
			      "say 'engine: auto', or allow it: sysctl kernel.io_uring_disabled=0",
			      diags);
	r = block_open(&options, &blk->image, &failure);
	if (r < 0)
		return refuse(node, config->path ? "path" : "match", r, failure.message,
			      failure.hint, diags);
	return 0;
}

static enum block_engine to_engine(enum virtio_blk_engine engine)
{
	switch (engine) {
	case VIRTIO_BLK_ENGINE_IO_URING:
		return BLOCK_ENGINE_IO_URING;
	case VIRTIO_BLK_ENGINE_THREADS:
		return BLOCK_ENGINE_THREADS;
	case VIRTIO_BLK_ENGINE_AUTO:
		break;
	}
	return BLOCK_ENGINE_AUTO;
}

static int prepare(struct machine *machine, const struct graph_node *node,
		   struct device **ret_device, struct diag_list *diags)
{
	const struct virtio_blk_config *config = node->config;
	const char *serial = config->serial ? config->serial : node->id;
	struct blk *blk;
	int r;

	blk = calloc(1, sizeof(*blk) + config->queues * sizeof(blk->queues[0]));
	if (!blk)
		return -ENOMEM;
	blk->vdev.ops = &ops;
	blk->engine = to_engine(config->engine);
	blk->writeback = true;
	/* Not ended by NUL when it fills the field (§5.2.6). */
	memcpy(blk->limits.serial, serial, strnlen(serial, BLK_SERIAL_SIZE));
	limiter_init(&blk->limiter);
	limiter_set(&blk->limiter, config->rate);
	r = open_image(blk, node, diags);
	if (r < 0)
		goto error;
	describe(blk, config);
	r = virtio_init(&blk->vdev, machine, node);
	if (r < 0)
		goto error;
	*ret_device = &blk->vdev.device;
	return 0;
error:
	block_close(blk->image);
	limiter_fini(&blk->limiter);
	free(blk);
	return r;
}

static void destroy(struct device *device)
{
	struct blk *blk = container_of(device, struct blk, vdev.device);

	virtio_fini(&blk->vdev);
	block_close(blk->image);
	limiter_fini(&blk->limiter);
	free(blk);
}

static int update(struct device *device, const struct graph_node *node,
		  struct diag_list *diags unused)
{
	const struct virtio_blk_config *config = node->config;
	struct blk *blk = container_of(device, struct blk, vdev.device);

	limiter_set(&blk->limiter, config->rate);
	virtio_schedule(&blk->vdev);
	return 0;
}

/* A disk can grow under its guest; one that shrinks would lose what the guest has written there. */
static void refresh(struct device *device, const struct graph_node *node, struct diag_list *diags)
{
	struct blk *blk = container_of(device, struct blk, vdev.device);
	char is[UNITS_TEXT_MAX], was[UNITS_TEXT_MAX];
	uint64_t before = block_size(blk->image), now;
	struct diag *diag;
	int r = block_refresh_size(blk->image, &now);

	if (r < 0) {
		log_warn("%s: cannot ask for the size of the image: %s", node->id, strerror(-r));
		return;
	}
	if (now > before) {
		log_info("%s: the disk grew from %s to %s", node->id, size_format(before, was),
			 size_format(now, is));
		virtio_config_changed(&blk->vdev);
	} else if (now < before && now != blk->cut) {
		diag = diag_add(diags, "E0434", DIAG_WARNING, graph_node_span(node, "path"),
				"the image shrank to %s under a disk of %s, which stays as large",
				size_format(now, is), size_format(before, was));
		diag_set_path(diags, diag, node->path);
		diag_hint(diags, diag,
			  "make the image as large as it was: to read behind its end is "
			  "an I/O error of the guest");
	}
	blk->cut = now < before ? now : 0;
}

const struct device_type device_virtio_blk = {
	.name = "virtio-blk",
	.bus = DEVICE_BUS_PCI,
	.needs = needs,
	.prepare = prepare,
	.commit = virtio_commit,
	.update = update,
	.refresh = refresh,
	.request_unplug = virtio_request_unplug,
	.cancel_unplug = virtio_cancel_unplug,
	.destroy = destroy,
	.reset = virtio_reset,
	.pause = virtio_pause,
	.resume = virtio_resume,
};
