/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio-pmem (virtio 1.2 §5.19): a file of the host as persistent memory. The memory itself is
 * guest-physical memory, without exits; the device's one queue takes requests to flush it, which
 * sync the file beside the I/O thread and are answered when that is done, in any order. When the
 * file has lost pages they fail.
 */
/* Linux's header has a structure of the name that the schema gives to ours. */
#define virtio_pmem_config virtio_pmem_space
#include <linux/virtio_pmem.h>
#undef virtio_pmem_config

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/diag.h"
#include "base/iov.h"
#include "base/log.h"
#include "block/pmem-file.h"
#include "graph/graph.h"
#include "loop/loop.h"
#include "machine/device-memory.h"
#include "machine/machine.h"
#include "schema/config.h"
#include "virtio/virtio.h"
#include "virtio/virtqueue-worker.h"

#define QUEUE      0
#define QUEUE_SIZE 64
#define PCI_CLASS  0x00ff00 /* no class is defined for it */

struct pmem {
	struct virtio_device vdev;
	struct pmem_file *file;
	struct device_memory *memory;
	struct virtio_pmem_space space;

	/* Of an active device; the I/O thread's. */
	struct loop *loop;
	struct block_queue *io;
	unsigned in_flight;
	bool full; /* it takes no more before one has completed */
	struct iovec iov[QUEUE_SIZE + 2];
};

/* A flush that the block layer has. An answer of four bytes is in at most four pieces. */
struct pending {
	struct block_request io;
	struct pmem *pmem;
	uint16_t head;
	struct iovec in[sizeof(struct virtio_pmem_resp)];
	unsigned n_in;
};

static struct pmem *to_pmem(struct virtio_device *vdev)
{
	return container_of(vdev, struct pmem, vdev);
}

/* §5.19.7: 0, or -1 */
static void answer(struct pmem *pmem, uint16_t head, const struct iovec *in, unsigned n_in,
		   bool good)
{
	const struct virtio_pmem_resp resp = {.ret = htole32(good ? 0 : UINT32_MAX)};
	size_t n = iov_write(in, n_in, 0, &resp, sizeof(resp));

	virtqueue_push(virtio_queue(&pmem->vdev, QUEUE), head, (uint32_t)n);
}

/* A file that has lost pages keeps nothing of what was written there, and the driver can be told.
 */
static void flushed(struct block_request *io, int result)
{
	struct device_memory_loss loss;
	struct pending *p = container_of(io, struct pending, io);
	struct virtqueue *vq = virtio_queue(&p->pmem->vdev, QUEUE);
	struct pmem *pmem = p->pmem;

	answer(pmem, p->head, p->in, p->n_in,
	       result >= 0 && !device_memory_lost(pmem->memory, &loss));
	virtqueue_notify(vq);
	pmem->in_flight--;
	if (pmem->full) {
		pmem->full = false;
		virtqueue_schedule(vq);
	}
	free(p);
}

static void take(struct pmem *pmem, struct virtq_chain *chain)
{
	struct virtio_pmem_req req = {.type = htole32(UINT32_MAX)};
	struct pending *p;

	iov_truncate(chain->in, &chain->n_in, sizeof(struct virtio_pmem_resp));
	if (virtq_chain_read(chain, 0, &req, sizeof(req)) < sizeof(req) ||
	    le32toh(req.type) != VIRTIO_PMEM_REQ_TYPE_FLUSH || !(p = calloc(1, sizeof(*p)))) {
		answer(pmem, chain->head, chain->in, chain->n_in, false);
		return;
	}
	p->pmem = pmem;
	p->head = chain->head;
	p->n_in = chain->n_in;
	if (p->n_in)
		memcpy(p->in, chain->in, p->n_in * sizeof(p->in[0]));
	p->io.op = BLOCK_FLUSH;
	p->io.done = flushed;
	pmem->in_flight++;
	block_submit(pmem->io, &p->io);
}

/* A guest can offer one descriptor again and again: what is in flight is bounded here. */
static bool work(struct virtqueue *vq, void *opaque)
{
	struct pmem *pmem = opaque;
	struct virtq_chain chain = {.iov = pmem->iov, .max_iov = ARRAY_SIZE(pmem->iov)};
	bool room;

	while ((room = pmem->in_flight < virtqueue_size(vq)) && virtqueue_pop(vq, &chain) > 0)
		take(pmem, &chain);
	block_queue_kick(pmem->io);
	pmem->full = !room && pmem->in_flight > 0;
	if (!room && !pmem->full)
		virtqueue_schedule(vq);
	return room;
}

static void pause_io(struct virtio_device *vdev)
{
	block_queue_drain_on(to_pmem(vdev)->loop, to_pmem(vdev)->io);
}

static void deactivate(struct virtio_device *vdev)
{
	struct pmem *pmem = to_pmem(vdev);
	struct virtqueue *vq = virtio_queue(vdev, QUEUE);

	if (vq)
		virtqueue_detach(vq);
	/* What is in flight completes into the detached queue. */
	pmem->io = block_queue_destroy_on(pmem->loop, pmem->io);
}

static int activate(struct virtio_device *vdev)
{
	struct pmem *pmem = to_pmem(vdev);
	struct virtqueue *vq = virtio_queue(vdev, QUEUE);
	struct io_thread *thread = machine_io_thread(vdev->device.machine);
	int r;

	if (!thread)
		return -ENOMEM;
	pmem->loop = io_thread_loop(thread);
	pmem->in_flight = 0;
	pmem->full = false;
	r = block_queue_create_on(pmem->loop, pmem_file_image(pmem->file), BLOCK_ENGINE_AUTO,
				  &pmem->io);
	if (r < 0) {
		log_error("%s: cannot flush: %s", vdev->device.id, strerror(-r));
		return r;
	}
	r = vq ? virtqueue_attach(vq, pmem->loop, work, pmem) : 0;
	if (r < 0)
		deactivate(vdev);
	return r;
}

static void config_read(struct virtio_device *vdev, unsigned offset, void *buf, unsigned size)
{
	memcpy(buf, (const char *)&to_pmem(vdev)->space + offset, size);
}

static const struct virtio_ops ops = {
	.activate = activate,
	.deactivate = deactivate,
	.pause = pause_io,
	.config_read = config_read,
};

static int refuse(const struct graph_node *node, const char *property, int error,
		  const char *message, const char *hint, struct diag_list *diags)
{
	struct diag *diag = diag_add(diags, "E0433", DIAG_ERROR, graph_node_span(node, property),
				     "%s", message);

	diag_set_path(diags, diag, node->path);
	if (hint && *hint)
		diag_hint(diags, diag, "%s", hint);
	return error;
}

static int open_file(struct pmem *pmem, struct machine *machine, const struct graph_node *node,
		     struct diag_list *diags)
{
	const struct virtio_pmem_config *config = node->config;
	const struct pmem_file_options options = {
		.path = config->path,
		.owner = node->id,
		.size = config->size,
	};
	struct device_memory_params params = {
		.gpa = node->memory.base,
		.size = node->memory.size,
		.slot = node->memory_slot_base,
	};
	struct block_failure failure;
	int r = pmem_file_open(&options, &pmem->file, &failure);

	if (r < 0)
		return refuse(node, "path", r, failure.message, failure.hint, diags);
	params.fd = pmem_file_fd(pmem->file);
	r = device_memory_create(machine, &params, &pmem->memory);
	if (r == -ERANGE)
		return refuse(node, "size", r, "a guest of this host cannot address so much memory",
			      "write a smaller size", diags);
	return r < 0 ? refuse(node, "path", r, strerror(-r), "", diags) : 0;
}

static int prepare(struct machine *machine, const struct graph_node *node,
		   struct device **ret_device, struct diag_list *diags)
{
	struct pmem *pmem = calloc(1, sizeof(*pmem));
	int r;

	if (!pmem)
		return -ENOMEM;
	pmem->vdev.ops = &ops;
	pmem->vdev.info = (struct virtio_info){
		.device_id = VIRTIO_ID_PMEM,
		.n_queues = 1,
		.queue_size = QUEUE_SIZE,
		.config_size = sizeof(pmem->space),
		.pci_class = PCI_CLASS,
	};
	pmem->space.start = htole64(node->memory.base);
	pmem->space.size = htole64(node->memory.size);
	r = open_file(pmem, machine, node, diags);
	if (r >= 0)
		r = virtio_init(&pmem->vdev, machine, node);
	if (r < 0) {
		device_memory_destroy(pmem->memory);
		pmem_file_close(pmem->file);
		free(pmem);
		return r;
	}
	*ret_device = &pmem->vdev.device;
	return 0;
}

/* The memory is there before the driver can be told of the device. */
static int commit(struct device *device, struct diag_list *diags)
{
	struct pmem *pmem = container_of(device, struct pmem, vdev.device);
	int r = device_memory_plug(pmem->memory);

	if (r >= 0)
		r = virtio_commit(device, diags);
	if (r >= 0)
		pmem_file_keep(pmem->file);
	return r;
}

static void destroy(struct device *device)
{
	struct pmem *pmem = container_of(device, struct pmem, vdev.device);

	virtio_fini(&pmem->vdev);
	device_memory_destroy(pmem->memory);
	pmem_file_close(pmem->file);
	free(pmem);
}

static void explain_loss(struct device *device, struct strbuf *why)
{
	struct pmem *pmem = container_of(device, struct pmem, vdev.device);
	struct device_memory_loss loss;

	if (device_memory_lost(pmem->memory, &loss))
		pmem_file_explain_loss(pmem->file, loss.size, why);
}

static void needs(const struct graph_node *node, struct device_needs *needs, struct arena *arena)
{
	const struct virtio_pmem_config *config = node->config;

	virtio_needs(needs, 1);
	needs->memory_slots = 1;
	needs->memory_size = config->size;
	needs->exclusive[needs->n_exclusive].key = arena_printf(arena, "write:%s", config->path);
	needs->exclusive[needs->n_exclusive++].property = "path";
}

const struct device_type device_virtio_pmem = {
	.name = "virtio-pmem",
	.bus = DEVICE_BUS_PCI,
	.needs = needs,
	.prepare = prepare,
	.commit = commit,
	.request_unplug = virtio_request_unplug,
	.cancel_unplug = virtio_cancel_unplug,
	.explain_loss = explain_loss,
	.destroy = destroy,
	.reset = virtio_reset,
	.pause = virtio_pause,
	.resume = virtio_resume,
};
