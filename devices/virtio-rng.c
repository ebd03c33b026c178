/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio-rng (virtio 1.2 §5.4): gives the guest random bytes. This is the device to read first: it
 * has everything that a device has, and nothing more.
 *
 * The guest puts empty buffers into the device's one queue; the device fills them and gives them
 * back. The bytes are the host kernel's (getrandom(2)), or those of a file of the host.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/virtio_ids.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/uio.h>

#include "base/diag.h"
#include "base/fd.h"
#include "base/iov.h"
#include "base/log.h"
#include "graph/graph.h"
#include "loop/loop.h"
#include "machine/machine.h"
#include "schema/config.h"
#include "virtio/virtio.h"
#include "virtio/virtqueue-worker.h"

#define QUEUE      0
#define QUEUE_SIZE 64
#define PCI_CLASS  0x00ff00 /* no class is defined for it */

/* At most this much for one request: the thread is shared with other devices. A guest asks for
 * more. */
#define MAX_FILL (16 * KiB)

/* The device. Its base comes first, and container_of() leads from the base to the device. */
struct rng {
	struct virtio_device vdev;
	int source;                  /* a file to read from, -1: the kernel's random bytes */
	struct loop *loop;           /* of the I/O thread that works on the queue, while active */
	struct loop_source *waiting; /* for the source to have bytes, or NULL; the I/O thread's */
	bool dry;                    /* the source is at its end, or failed: it has been logged */
	struct iovec iov[QUEUE_SIZE + 2]; /* RAM has few seams, a request fewer */
};

static struct rng *to_rng(struct virtio_device *vdev)
{
	return container_of(vdev, struct rng, vdev);
}

/*
 * Fills the buffers of a request, which lie in guest memory. They were checked when the request was
 * taken: the pieces are RAM, and the guest cannot take it away while the queue runs.
 *
 * Return: how many bytes, or a negative errno.
 */
static ssize_t fill(struct rng *rng, struct virtq_chain *chain)
{
	ssize_t n = 0;

	iov_truncate(chain->in, &chain->n_in, MAX_FILL);
	if (chain->n_in == 0)
		return 0; /* a request of a strange driver: no room for a single byte */
	if (rng->source >= 0) {
		n = readv(rng->source, chain->in, (int)chain->n_in);
		return n < 0 ? -errno : n ?: -ENODATA;
	}
	for (unsigned i = 0; i < chain->n_in; i++) {
		ssize_t r = getrandom(chain->in[i].iov_base, chain->in[i].iov_len, 0);

		if (r < 0)
			return n ?: -errno;
		n += r;
	}
	return n;
}

/* The source has bytes again: look at the queue. */
static void on_readable(int fd unused, unsigned events unused, void *opaque)
{
	struct rng *rng = opaque;

	rng->waiting = loop_source_remove(rng->waiting);
	virtqueue_schedule(virtio_queue(&rng->vdev, QUEUE));
}

/* The source gives nothing now: wait for it (a FIFO, a slow device), or for ever. */
static void wait_for_source(struct rng *rng, int error)
{
	if (error == -EAGAIN)
		error = loop_add_fd(rng->loop, rng->source, LOOP_READ, on_readable, rng,
				    &rng->waiting);
	if (error < 0 && !rng->dry) {
		log_warn("%s: the source gives no more random bytes: %s", rng->vdev.device.id,
			 strerror(-error));
		rng->dry = true;
	}
}

/*
 * Works on the queue, on the I/O thread: called when the guest kicked. The worker around it
 * notifies the guest of what was pushed, and takes care that no kick is lost
 * (virtio/virtqueue-worker.h).
 */
static bool work(struct virtqueue *vq, void *opaque)
{
	struct rng *rng = opaque;
	struct virtq_chain chain = {.iov = rng->iov, .max_iov = ARRAY_SIZE(rng->iov)};

	if (rng->waiting)
		return false;
	/* Below 0 the guest broke the ring: the transport has told it, and the queue stays silent.
	 */
	while (virtqueue_pop(vq, &chain) > 0) {
		ssize_t n = fill(rng, &chain);

		if (n < 0) {
			/* The request is taken again when there is something to put in it. */
			virtqueue_unpop(vq, &chain);
			wait_for_source(rng, (int)n);
			return false;
		}
		virtqueue_push(vq, chain.head, (uint32_t)n);
	}
	return true;
}

/* The guest's driver is ready: hand the queue to an I/O thread. */
static int activate(struct virtio_device *vdev)
{
	struct rng *rng = to_rng(vdev);
	struct virtqueue *vq = virtio_queue(vdev, QUEUE);
	struct io_thread *thread = machine_io_thread(vdev->device.machine);

	if (!thread)
		return -ENOMEM;
	rng->loop = io_thread_loop(thread);
	/* A driver that enables no queue is a poor one, but that is its own affair. */
	return vq ? virtqueue_attach(vq, rng->loop, work, rng) : 0;
}

static void stop_waiting(void *opaque)
{
	struct rng *rng = opaque;

	rng->waiting = loop_source_remove(rng->waiting);
}

/* The driver resets the device, or the device goes: take the queue back. */
static void deactivate(struct virtio_device *vdev)
{
	struct rng *rng = to_rng(vdev);
	struct virtqueue *vq = virtio_queue(vdev, QUEUE);

	if (vq)
		virtqueue_detach(vq);
	/* What belongs to a loop is touched on its thread only. */
	loop_call(rng->loop, stop_waiting, rng);
}

/* A model with configuration space has config_read and config_write here, too. */
static const struct virtio_ops ops = {
	.activate = activate,
	.deactivate = deactivate,
};

/*
 * prepare() may fail, and the guest sees nothing of it. The configuration is the C struct that is
 * made from schemas/devices/virtio-rng.yaml: types and ranges have been checked.
 */
static int prepare(struct machine *machine, const struct graph_node *node,
		   struct device **ret_device, struct diag_list *diags)
{
	const struct virtio_rng_config *config = node->config;
	cleanup_fd int source = -1;
	struct rng *rng;
	int r;

	if (config->source) {
		source = open(config->source, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
		if (source < 0) {
			/* A person can mend this: say what, and where in the file. */
			r = -errno;
			diag_set_path(diags,
				      diag_add(diags, "E0430", DIAG_ERROR,
					       graph_node_span(node, "source"),
					       "cannot open the source '%s': %s", config->source,
					       strerror(-r)),
				      node->path);
			return r;
		}
	}
	rng = calloc(1, sizeof(*rng));
	if (!rng)
		return -ENOMEM;
	rng->vdev.ops = &ops;
	rng->vdev.info = (struct virtio_info){
		.device_id = VIRTIO_ID_RNG,
		.n_queues = 1,
		.queue_size = QUEUE_SIZE,
		.pci_class = PCI_CLASS,
	};
	/* The transport: configuration space, negotiation, queues, interrupts, reset. */
	r = virtio_init(&rng->vdev, machine, node);
	if (r < 0) {
		free(rng);
		return r;
	}
	rng->source = TAKE_FD(source);
	*ret_device = &rng->vdev.device;
	return 0;
}

/* Whatever prepare() took; virtio_fini() calls deactivate() if the driver still uses the device. */
static void destroy(struct device *device)
{
	struct rng *rng = container_of(device, struct rng, vdev.device);

	virtio_fini(&rng->vdev);
	fd_close(rng->source);
	free(rng);
}

/* What the device takes of the machine: interrupt vectors for one queue, and a BAR. */
static void needs(const struct graph_node *node unused, struct device_needs *needs,
		  struct arena *arena unused)
{
	virtio_needs(needs, 1);
}

/* The name in descriptions, and in devices/devices.list. */
const struct device_type device_virtio_rng = {
	.name = "virtio-rng",
	.bus = DEVICE_BUS_PCI,
	.needs = needs,
	.prepare = prepare,
	.commit = virtio_commit,
	.request_unplug = virtio_request_unplug,
	.cancel_unplug = virtio_cancel_unplug,
	.destroy = destroy,
	.reset = virtio_reset,
	.pause = virtio_pause,
	.resume = virtio_resume,
};
