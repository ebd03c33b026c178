/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The region is given to the guest as RAM piece by piece, by the memory part of the builder; here
 * is kept which blocks of it are plugged. A block that is not has no pages of the host: it is
 * punched out when it is unplugged. A guest that writes to such a block all the same takes pages
 * for what it may not have, at most as many as the description once allowed.
 */
#include <errno.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_mem.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/log.h"
#include "devices/platform/virtio-mem.h"
#include "graph/graph.h"
#include "loop/loop.h"
#include "machine/machine.h"
#include "machine/memory.h"
#include "schema/config.h"
#include "virtio/virtio.h"
#include "virtio/virtqueue-worker.h"

#define QUEUE      0
#define QUEUE_SIZE 64
#define PCI_CLASS  0x00ff00 /* no class is defined for it */

struct mem {
	struct virtio_device vdev;
	uint64_t base, region_size, block_size;
	bool shared, prefault;
	struct loop_source *bell;
	void (*listener)(void *opaque);
	void *opaque;
	bool punch_failed; /* logged once */

	pthread_mutex_t lock; /* below; taken by I/O, vCPU and main thread */
	uint64_t usable, plugged, requested;
	uint64_t *bits; /* one a block: it is plugged */
	struct iovec iov[QUEUE_SIZE + 2];
};

static struct mem *to_mem(struct virtio_device *vdev)
{
	return container_of(vdev, struct mem, vdev);
}

static struct mem *device_to_mem(struct device *device)
{
	return container_of(device, struct mem, vdev.device);
}

static bool is_plugged(const struct mem *mem, uint64_t block)
{
	return mem->bits[block / 64] >> block % 64 & 1;
}

static void set_plugged(struct mem *mem, uint64_t block, bool plugged)
{
	uint64_t bit = 1ULL << block % 64;

	if (is_plugged(mem, block) == plugged)
		return;
	mem->bits[block / 64] ^= bit;
	if (plugged)
		mem->plugged += mem->block_size;
	else
		mem->plugged -= mem->block_size;
}

static uint8_t *host_of(struct mem *mem, uint64_t block)
{
	/* Blocks do not cross the pieces that the region is made of: those are multiples of them.
	 */
	return guest_memory_host(machine_memory(mem->vdev.device.machine),
				 mem->base + block * mem->block_size, mem->block_size);
}

/* Gives the pages of a block back to the host. */
static void punch(struct mem *mem, uint64_t block)
{
	uint8_t *host = host_of(mem, block);

	if (host && madvise(host, mem->block_size, mem->shared ? MADV_REMOVE : MADV_DONTNEED) == 0)
		return;
	if (!mem->punch_failed)
		log_warn("%s: memory that the guest gave back stays with it: %s",
			 mem->vdev.device.id, strerror(errno));
	mem->punch_failed = true;
}

/* Takes the pages now, where the description wants that. */
static bool populate(struct mem *mem, uint64_t block)
{
	uint8_t *host;

	if (!mem->prefault)
		return true;
	host = host_of(mem, block);
	return host && madvise(host, mem->block_size, MADV_POPULATE_WRITE) == 0;
}

/* The range of a request in blocks. Return: false when it is not inside what can be used. */
static bool find_range(const struct mem *mem, uint64_t addr, uint16_t n, uint64_t *ret_first)
{
	uint64_t offset = addr - mem->base;

	if (addr < mem->base || offset >= mem->usable || offset % mem->block_size || n == 0 ||
	    n > (mem->usable - offset) / mem->block_size)
		return false;
	*ret_first = offset / mem->block_size;
	return true;
}

/* VIRTIO_MEM_STATE_* of a range. */
static uint16_t state_of(const struct mem *mem, uint64_t first, uint16_t n)
{
	unsigned plugged = 0;

	for (uint64_t i = first; i < first + n; i++)
		plugged += is_plugged(mem, i);
	return plugged == n ? VIRTIO_MEM_STATE_PLUGGED
	       : plugged    ? VIRTIO_MEM_STATE_MIXED
			    : VIRTIO_MEM_STATE_UNPLUGGED;
}

static uint16_t plug(struct mem *mem, uint64_t addr, uint16_t n)
{
	uint64_t first;

	if (!find_range(mem, addr, n, &first) ||
	    state_of(mem, first, n) != VIRTIO_MEM_STATE_UNPLUGGED)
		return VIRTIO_MEM_RESP_ERROR;
	if (mem->plugged >= mem->requested || n > (mem->requested - mem->plugged) / mem->block_size)
		return VIRTIO_MEM_RESP_NACK;
	for (uint64_t i = first; i < first + n; i++) {
		if (populate(mem, i)) {
			set_plugged(mem, i, true);
			continue;
		}
		while (i-- > first) {
			punch(mem, i);
			set_plugged(mem, i, false);
		}
		return VIRTIO_MEM_RESP_BUSY;
	}
	return VIRTIO_MEM_RESP_ACK;
}

static uint16_t unplug(struct mem *mem, uint64_t addr, uint16_t n)
{
	uint64_t first;

	if (!find_range(mem, addr, n, &first) ||
	    state_of(mem, first, n) != VIRTIO_MEM_STATE_PLUGGED)
		return VIRTIO_MEM_RESP_ERROR;
	for (uint64_t i = first; i < first + n; i++) {
		punch(mem, i);
		set_plugged(mem, i, false);
	}
	return VIRTIO_MEM_RESP_ACK;
}

static uint16_t unplug_all(struct mem *mem)
{
	for (uint64_t i = 0; mem->plugged && i < mem->usable / mem->block_size; i++)
		if (is_plugged(mem, i)) {
			punch(mem, i);
			set_plugged(mem, i, false);
		}
	return VIRTIO_MEM_RESP_ACK;
}

static void answer(struct mem *mem, const struct virtio_mem_req *req, struct virtio_mem_resp *resp)
{
	uint64_t before = mem->plugged, first;

	switch (req->type) {
	case VIRTIO_MEM_REQ_PLUG:
		resp->type = plug(mem, req->u.plug.addr, req->u.plug.nb_blocks);
		break;
	case VIRTIO_MEM_REQ_UNPLUG:
		resp->type = unplug(mem, req->u.unplug.addr, req->u.unplug.nb_blocks);
		break;
	case VIRTIO_MEM_REQ_UNPLUG_ALL:
		resp->type = unplug_all(mem);
		break;
	case VIRTIO_MEM_REQ_STATE:
		resp->type = VIRTIO_MEM_RESP_ERROR;
		if (!find_range(mem, req->u.state.addr, req->u.state.nb_blocks, &first))
			break;
		resp->type = VIRTIO_MEM_RESP_ACK;
		resp->u.state.state = state_of(mem, first, req->u.state.nb_blocks);
		break;
	default:
		resp->type = VIRTIO_MEM_RESP_ERROR;
	}
	/* Many rings before the main thread looks are one. */
	if (mem->plugged != before)
		loop_wake(mem->bell);
}

static bool work(struct virtqueue *vq, void *opaque)
{
	struct mem *mem = opaque;
	struct virtq_chain chain = {.iov = mem->iov, .max_iov = ARRAY_SIZE(mem->iov)};

	while (virtqueue_pop(vq, &chain) > 0) {
		struct virtio_mem_resp resp = {.type = VIRTIO_MEM_RESP_ERROR};
		struct virtio_mem_req req;

		memset(&req, 0, sizeof(req));
		/* Nothing is done whose outcome the guest would not learn. */
		if (virtq_chain_read(&chain, 0, &req, sizeof(req)) == sizeof(req) &&
		    chain.in_len >= sizeof(resp)) {
			pthread_mutex_lock(&mem->lock);
			answer(mem, &req, &resp);
			pthread_mutex_unlock(&mem->lock);
		}
		virtqueue_push(vq, chain.head,
			       (uint32_t)virtq_chain_write(&chain, 0, &resp, sizeof(resp)));
	}
	return true;
}

static int activate(struct virtio_device *vdev)
{
	struct virtqueue *vq = virtio_queue(vdev, QUEUE);
	struct io_thread *thread = machine_io_thread(vdev->device.machine);

	if (!thread)
		return -ENOMEM;
	return vq ? virtqueue_attach(vq, io_thread_loop(thread), work, to_mem(vdev)) : 0;
}

static void deactivate(struct virtio_device *vdev)
{
	struct virtqueue *vq = virtio_queue(vdev, QUEUE);

	if (vq)
		virtqueue_detach(vq);
}

static void config_read(struct virtio_device *vdev, unsigned offset, void *buf, unsigned size)
{
	struct mem *mem = to_mem(vdev);
	struct virtio_mem_config config = {
		.block_size = mem->block_size,
		.addr = mem->base,
		.region_size = mem->region_size,
	};

	pthread_mutex_lock(&mem->lock);
	config.usable_region_size = mem->usable;
	config.plugged_size = mem->plugged;
	config.requested_size = mem->requested;
	pthread_mutex_unlock(&mem->lock);
	memcpy(buf, (const uint8_t *)&config + offset, size);
}

static const struct virtio_ops ops = {
	.activate = activate,
	.deactivate = deactivate,
	.config_read = config_read,
};

static void on_bell(void *opaque)
{
	struct mem *mem = opaque;

	if (mem->listener)
		mem->listener(mem->opaque);
}

static void mem_free(struct mem *mem)
{
	loop_source_remove(mem->bell);
	pthread_mutex_destroy(&mem->lock);
	free(mem->bits);
	free(mem);
}

static int prepare(struct machine *machine, const struct graph_node *node,
		   struct device **ret_device, struct diag_list *diags)
{
	const struct config_memory *config = node->config;
	struct mem *mem = calloc(1, sizeof(*mem));
	int r = -ENOMEM;

	if (!mem)
		return -ENOMEM;
	pthread_mutex_init(&mem->lock, NULL);
	mem->base = node->memory.base;
	mem->region_size = node->memory.size;
	mem->block_size = node->block_size;
	mem->shared = config->shared;
	mem->prefault = config->prefault;
	mem->bits = calloc(mem->region_size / mem->block_size / 64 + 1, sizeof(mem->bits[0]));
	mem->vdev.ops = &ops;
	mem->vdev.info = (struct virtio_info){
		.device_id = VIRTIO_ID_MEM,
		.features = 1ULL << VIRTIO_MEM_F_UNPLUGGED_INACCESSIBLE,
		.n_queues = 1,
		.queue_size = QUEUE_SIZE,
		.config_size = sizeof(struct virtio_mem_config),
		.pci_class = PCI_CLASS,
	};
	if (mem->bits)
		r = loop_add_bell(machine_loop(machine), on_bell, mem, &mem->bell);
	if (r >= 0)
		r = virtio_init(&mem->vdev, machine, node);
	if (r < 0) {
		mem_free(mem);
		return r;
	}
	*ret_device = &mem->vdev.device;
	return 0;
}

static void destroy(struct device *device)
{
	struct mem *mem = device_to_mem(device);

	virtio_fini(&mem->vdev);
	mem_free(mem);
}

static void needs(const struct graph_node *node unused, struct device_needs *needs,
		  struct arena *arena unused)
{
	virtio_needs(needs, 1);
}

void virtio_mem_request(struct device *device, uint64_t size, uint64_t usable)
{
	struct mem *mem = device_to_mem(device);

	pthread_mutex_lock(&mem->lock);
	invariant(size <= usable && usable <= mem->region_size);
	mem->requested = size;
	mem->usable = MAX(mem->usable, usable);
	pthread_mutex_unlock(&mem->lock);
	virtio_config_changed(&mem->vdev);
}

uint64_t virtio_mem_plugged(struct device *device)
{
	struct mem *mem = device_to_mem(device);
	uint64_t plugged;

	pthread_mutex_lock(&mem->lock);
	plugged = mem->plugged;
	pthread_mutex_unlock(&mem->lock);
	return plugged;
}

void virtio_mem_set_listener(struct device *device, void (*fn)(void *opaque), void *opaque)
{
	struct mem *mem = device_to_mem(device);

	mem->listener = fn;
	mem->opaque = opaque;
}

/* It is there from the start to the end of a guest. */
const struct device_type device_virtio_mem = {
	.name = "virtio-mem",
	.bus = DEVICE_BUS_PCI,
	.singleton = true,
	.needs = needs,
	.prepare = prepare,
	.commit = virtio_commit,
	.destroy = destroy,
	.reset = virtio_reset,
};
