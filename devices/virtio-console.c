/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio-console (virtio 1.2 §5.3) with one port, hvc0 in Linux: input, output, the size of the
 * window, and a register through which a guest without queues can write.
 *
 * The queues are worked on by an I/O thread; input and sizes come on the main thread, which only
 * tells the others: a flag, a number, a kick. So the main thread never waits for a vCPU.
 */
/* Linux's header has a structure of the name that the schema gives to ours. */
#define virtio_console_config virtio_console_space
#include <linux/virtio_console.h>
#undef virtio_console_config

#include <errno.h>
#include <linux/virtio_ids.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/iov.h"
#include "console/console.h"
#include "graph/graph.h"
#include "loop/loop.h"
#include "machine/machine.h"
#include "schema/config.h"
#include "virtio/virtio.h"
#include "virtio/virtqueue-worker.h"

#define RECEIVE    0
#define TRANSMIT   1
#define N_QUEUES   2
#define QUEUE_SIZE 128
#define PCI_CLASS  0x078000 /* communication controller, other */

struct vcon {
	struct virtio_device vdev;
	struct console *console;
	_Atomic(struct virtqueue *) receive; /* while active; for the main thread */
	atomic_uint_least32_t size;          /* columns, and rows << 16; 0: not known */
	struct iovec iov[QUEUE_SIZE + 2];
};

static struct vcon *to_vcon(struct virtio_device *vdev)
{
	return container_of(vdev, struct vcon, vdev);
}

static uint32_t pack_size(unsigned columns, unsigned rows)
{
	return MIN(columns, 0xffffu) | MIN(rows, 0xffffu) << 16;
}

/* Fills the guest's buffers with what was typed, as much as there is. */
static uint32_t take_input(struct vcon *vcon, const struct virtq_chain *chain)
{
	size_t done = 0;

	for (unsigned i = 0; i < chain->n_in; i++) {
		size_t n = console_read(vcon->console, chain->in[i].iov_base, chain->in[i].iov_len);

		done += n;
		if (n < chain->in[i].iov_len)
			break;
	}
	return (uint32_t)done;
}

static bool receive(struct virtqueue *vq, void *opaque)
{
	struct vcon *vcon = opaque;
	struct virtq_chain chain = {.iov = vcon->iov, .max_iov = ARRAY_SIZE(vcon->iov)};

	while (virtqueue_pop(vq, &chain) > 0) {
		uint32_t n = take_input(vcon, &chain);

		/* Nothing was typed: the buffer waits until on_readable(). */
		if (n == 0 && chain.in_len > 0) {
			virtqueue_unpop(vq, &chain);
			return false;
		}
		virtqueue_push(vq, chain.head, n);
	}
	return true;
}

static bool transmit(struct virtqueue *vq, void *opaque)
{
	struct vcon *vcon = opaque;
	struct virtq_chain chain = {.iov = vcon->iov, .max_iov = ARRAY_SIZE(vcon->iov)};

	while (virtqueue_pop(vq, &chain) > 0) {
		/* More at once would not stay in the ring; and it would keep the thread from
		 * others. */
		iov_truncate(chain.out, &chain.n_out, CONSOLE_RING_SIZE);
		for (unsigned i = 0; i < chain.n_out; i++)
			console_write(vcon->console, chain.out[i].iov_base, chain.out[i].iov_len);
		virtqueue_push(vq, chain.head, 0);
	}
	return true;
}

static void deactivate(struct virtio_device *vdev)
{
	struct vcon *vcon = to_vcon(vdev);

	atomic_store(&vcon->receive, NULL);
	for (unsigned i = 0; i < N_QUEUES; i++) {
		struct virtqueue *vq = virtio_queue(vdev, i);

		if (vq)
			virtqueue_detach(vq);
	}
}

static int activate(struct virtio_device *vdev)
{
	static const virtqueue_fn work[N_QUEUES] = {[RECEIVE] = receive, [TRANSMIT] = transmit};
	struct io_thread *thread = machine_io_thread(vdev->device.machine);
	struct vcon *vcon = to_vcon(vdev);

	if (!thread)
		return -ENOMEM;
	/* First, so that what is typed after the queue's first look is told to it. */
	atomic_store(&vcon->receive, virtio_queue(vdev, RECEIVE));
	for (unsigned i = 0; i < N_QUEUES; i++) {
		struct virtqueue *vq = virtio_queue(vdev, i);
		int r = vq ? virtqueue_attach(vq, io_thread_loop(thread), work[i], vcon) : 0;

		if (r < 0) {
			deactivate(vdev);
			return r;
		}
	}
	return 0;
}

static void config_read(struct virtio_device *vdev, unsigned offset, void *buf, unsigned size)
{
	uint32_t window = atomic_load(&to_vcon(vdev)->size);
	struct virtio_console_space config = {
		.cols = (uint16_t)window,
		.rows = (uint16_t)(window >> 16),
		.max_nr_ports = 1,
	};

	memcpy(buf, (char *)&config + offset, size);
}

static void config_write(struct virtio_device *vdev, unsigned offset, const void *buf,
			 unsigned size unused)
{
	if (offset == offsetof(struct virtio_console_space, emerg_wr))
		console_write(to_vcon(vdev)->console, buf, 1);
}

static const struct virtio_ops ops = {
	.activate = activate,
	.deactivate = deactivate,
	.config_read = config_read,
	.config_write = config_write,
};

static void on_readable(void *opaque)
{
	struct vcon *vcon = opaque;
	/* A queue outlives its attachment: one that is just being reset is kicked for nothing. */
	struct virtqueue *vq = atomic_load(&vcon->receive);

	if (vq)
		virtqueue_schedule(vq);
}

static void on_resized(void *opaque, unsigned columns, unsigned rows)
{
	struct vcon *vcon = opaque;

	atomic_store(&vcon->size, pack_size(columns, rows));
	virtio_config_changed(&vcon->vdev);
}

static const struct console_events events = {.readable = on_readable, .resized = on_resized};

static int prepare(struct machine *machine, const struct graph_node *node,
		   struct device **ret_device, struct diag_list *diags)
{
	const struct virtio_console_config *config = node->config;
	struct vcon *vcon = calloc(1, sizeof(*vcon));
	int r;

	if (!vcon)
		return -ENOMEM;
	vcon->vdev.ops = &ops;
	vcon->vdev.info = (struct virtio_info){
		.device_id = VIRTIO_ID_CONSOLE,
		.features = 1ULL << VIRTIO_CONSOLE_F_SIZE | 1ULL << VIRTIO_CONSOLE_F_EMERG_WRITE,
		.n_queues = N_QUEUES,
		.queue_size = QUEUE_SIZE,
		.config_size = sizeof(struct virtio_console_space),
		.pci_class = PCI_CLASS,
	};
	r = virtio_init(&vcon->vdev, machine, node);
	if (r < 0)
		goto free;
	r = console_open(machine_consoles(machine), node, "output", &config->output, &events, vcon,
			 &vcon->console, diags);
	if (r < 0)
		goto fini;
	*ret_device = &vcon->vdev.device;
	return 0;
fini:
	virtio_fini(&vcon->vdev);
free:
	free(vcon);
	return r;
}

static int commit(struct device *device, struct diag_list *diags)
{
	struct vcon *vcon = container_of(device, struct vcon, vdev.device);
	unsigned columns, rows;

	console_start(vcon->console);
	if (console_size(vcon->console, &columns, &rows))
		atomic_store(&vcon->size, pack_size(columns, rows));
	return virtio_commit(device, diags);
}

static int prepare_update(struct device *device, const struct graph_node *node,
			  struct diag_list *diags)
{
	const struct virtio_console_config *config = node->config;
	struct vcon *vcon = container_of(device, struct vcon, vdev.device);

	return console_prepare(vcon->console, node, "output", &config->output, diags);
}

static void cancel_update(struct device *device)
{
	console_cancel(container_of(device, struct vcon, vdev.device)->console);
}

static int update(struct device *device, const struct graph_node *node, struct diag_list *diags)
{
	const struct virtio_console_config *config = node->config;
	struct vcon *vcon = container_of(device, struct vcon, vdev.device);

	return console_update(vcon->console, node, "output", &config->output, diags);
}

static void destroy(struct device *device)
{
	struct vcon *vcon = container_of(device, struct vcon, vdev.device);

	virtio_fini(&vcon->vdev);
	console_close(vcon->console);
	free(vcon);
}

static void needs(const struct graph_node *node, struct device_needs *needs, struct arena *arena)
{
	const struct virtio_console_config *config = node->config;

	virtio_needs(needs, N_QUEUES);
	console_needs(&config->output, "output", true, needs, arena);
}

const struct device_type device_virtio_console = {
	.name = "virtio-console",
	.bus = DEVICE_BUS_PCI,
	.needs = needs,
	.prepare = prepare,
	.commit = commit,
	.prepare_update = prepare_update,
	.cancel_update = cancel_update,
	.update = update,
	.request_unplug = virtio_request_unplug,
	.cancel_unplug = virtio_cancel_unplug,
	.destroy = destroy,
	.reset = virtio_reset,
	.pause = virtio_pause,
	.resume = virtio_resume,
};
