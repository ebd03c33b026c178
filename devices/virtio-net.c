/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio-net (virtio 1.2 §5.1): a network card. Frames move between the backend and the guest's
 * memory on an I/O thread; the data path of a queue pair is in net/virtio-pair.c, here are the
 * configuration, the control queue and the life of the device.
 *
 * Filters are acknowledged and not applied: §5.1.6.5.1 lets a device pass more than was asked for,
 * and what is on the other side sends this card its own frames only.
 */
/* Linux's header has a structure of the name that the schema gives to ours. */
#define virtio_net_config virtio_net_space
#include <linux/virtio_net.h>
#undef virtio_net_config

#include <endian.h>
#include <errno.h>
#include <linux/if_tun.h>
#include <stdatomic.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/diag.h"
#include "base/log.h"
#include "graph/graph.h"
#include "loop/loop.h"
#include "machine/machine.h"
#include "net/virtio-pair.h"
#include "schema/config.h"
#include "virtio/limiter.h"
#include "virtio/virtio.h"
#include "virtio/virtqueue-worker.h"

#define PCI_CLASS_ETHERNET 0x020000

/* Offloads that the guest lets the host do when it sends, and those that it takes in what it gets.
 */
#define HOST_OFFLOADS                                                     \
	(1ULL << VIRTIO_NET_F_CSUM | 1ULL << VIRTIO_NET_F_HOST_TSO4 |     \
	 1ULL << VIRTIO_NET_F_HOST_TSO6 | 1ULL << VIRTIO_NET_F_HOST_ECN | \
	 1ULL << VIRTIO_NET_F_HOST_UFO)
#define GUEST_OFFLOADS                                                       \
	(1ULL << VIRTIO_NET_F_GUEST_CSUM | 1ULL << VIRTIO_NET_F_GUEST_TSO4 | \
	 1ULL << VIRTIO_NET_F_GUEST_TSO6 | 1ULL << VIRTIO_NET_F_GUEST_ECN |  \
	 1ULL << VIRTIO_NET_F_GUEST_UFO)

struct net {
	struct virtio_device vdev;
	struct net_backend *backend;
	uint8_t first_mac[6];
	_Atomic uint64_t mac; /* as the driver set it: 6 bytes in memory order */
	/* What the guest sees is up when nobody unplugged the cable and the backend is there. */
	atomic_bool link, plugged, lost;
	struct limiter receive_limit, transmit_limit;
	uint16_t mtu; /* 0: not told */
	unsigned n_pairs;

	/* Of an active device; the I/O thread's. */
	struct loop *loop;
	struct virtqueue *control;
	struct iovec *control_iov;
	struct net_pair *pairs[]; /* n_pairs; NULL unless active */
};

static struct net *to_net(struct virtio_device *vdev)
{
	return container_of(vdev, struct net, vdev);
}

static void set_mac(struct net *net, const uint8_t mac[6])
{
	uint64_t packed = 0;

	memcpy(&packed, mac, 6);
	net->mac = packed;
}

/* Any thread, and several at once: who comes last looks again. */
static void set_link(struct net *net)
{
	bool up;

	do {
		up = net->plugged && !net->lost;
		if (atomic_exchange(&net->link, up) != up)
			virtio_config_changed(&net->vdev);
	} while (up != (net->plugged && !net->lost));
}

static void link_lost(void *opaque)
{
	struct net *net = opaque;

	net->lost = true;
	set_link(net);
}

/* ---- control queue (§5.1.6.5) ---- */

static bool set_pairs(struct net *net, const struct virtq_chain *chain)
{
	uint16_t n;

	if (!virtio_has_feature(&net->vdev, VIRTIO_NET_F_MQ) ||
	    virtq_chain_read(chain, 2, &n, sizeof(n)) != sizeof(n))
		return false;
	n = le16toh(n);
	if (n < 1 || n > net->n_pairs)
		return false;
	/* No queue is read while it is detached: off first, on last. */
	for (unsigned i = n; i < net->n_pairs; i++)
		net_pair_set_on(net->pairs[i], false);
	if (net->backend->ops->set_queues && net->backend->ops->set_queues(net->backend, n) < 0)
		return false;
	for (unsigned i = 0; i < n; i++)
		net_pair_set_on(net->pairs[i], true);
	return true;
}

static bool command(struct net *net, const struct virtq_chain *chain)
{
	struct virtio_net_ctrl_hdr header;
	uint8_t mac[6];

	if (virtq_chain_read(chain, 0, &header, sizeof(header)) != sizeof(header))
		return false;
	switch (header.class) {
	case VIRTIO_NET_CTRL_RX:
		return header.cmd <= VIRTIO_NET_CTRL_RX_NOBCAST && chain->out_len == 3;
	case VIRTIO_NET_CTRL_VLAN:
		return header.cmd <= VIRTIO_NET_CTRL_VLAN_DEL && chain->out_len == 4;
	case VIRTIO_NET_CTRL_MAC:
		if (header.cmd == VIRTIO_NET_CTRL_MAC_TABLE_SET)
			return chain->out_len >= 2 + 8;
		if (header.cmd != VIRTIO_NET_CTRL_MAC_ADDR_SET || chain->out_len != 2 + 6)
			return false;
		virtq_chain_read(chain, 2, mac, sizeof(mac));
		set_mac(net, mac);
		return true;
	case VIRTIO_NET_CTRL_MQ:
		return header.cmd == VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET && set_pairs(net, chain);
	default:
		return false;
	}
}

static bool control_work(struct virtqueue *vq, void *opaque)
{
	struct net *net = opaque;
	struct virtq_chain chain = {.iov = net->control_iov, .max_iov = VIRTQ_MAX_IOV};

	while (virtqueue_pop(vq, &chain) > 0) {
		virtio_net_ctrl_ack ack = command(net, &chain) ? VIRTIO_NET_OK : VIRTIO_NET_ERR;

		virtqueue_push(vq, chain.head,
			       (uint32_t)virtq_chain_write(&chain, 0, &ack, sizeof(ack)));
	}
	return true;
}

/* ---- activation ---- */

static unsigned tun_offloads(const struct virtio_device *vdev)
{
	static const struct {
		unsigned feature, flag;
	} map[] = {
		{VIRTIO_NET_F_GUEST_TSO4, TUN_F_TSO4},
		{VIRTIO_NET_F_GUEST_TSO6, TUN_F_TSO6},
		{VIRTIO_NET_F_GUEST_ECN, TUN_F_TSO_ECN},
		{VIRTIO_NET_F_GUEST_UFO, TUN_F_UFO},
	};
	unsigned offloads;

	/* All the others need it (§5.1.3.1). */
	if (!virtio_has_feature(vdev, VIRTIO_NET_F_GUEST_CSUM))
		return 0;
	offloads = TUN_F_CSUM;
	for (unsigned i = 0; i < ARRAY_SIZE(map); i++)
		if (virtio_has_feature(vdev, map[i].feature))
			offloads |= map[i].flag;
	return offloads;
}

struct start {
	struct net *net;
	int result;
};

static int start_pairs(struct net *net)
{
	struct virtio_device *vdev = &net->vdev;
	unsigned offloads = tun_offloads(vdev);
	unsigned n = virtio_has_feature(vdev, VIRTIO_NET_F_MQ) ? net->n_pairs : 1;
	int r = 0;

	if (net->backend->ops->set_offloads)
		r = net->backend->ops->set_offloads(net->backend,
						    offloads & net->backend->offloads);
	if (r == 0 && net->backend->ops->set_queues)
		r = net->backend->ops->set_queues(net->backend, 1);
	for (unsigned i = 0; r == 0 && i < n; i++) {
		struct net_pair_options options = {
			.name = vdev->device.id,
			.backend = net->backend,
			.index = i,
			.rx = virtio_queue(vdev, 2 * i),
			.tx = virtio_queue(vdev, 2 * i + 1),
			.loop = net->loop,
			.receive_limit = &net->receive_limit,
			.transmit_limit = &net->transmit_limit,
			.link = &net->link,
			.mergeable = virtio_has_feature(vdev, VIRTIO_NET_F_MRG_RXBUF),
			.large = offloads & ~(unsigned)TUN_F_CSUM,
			.lost = link_lost,
			.opaque = net,
		};

		r = net_pair_create(&options, &net->pairs[i]);
	}
	if (r < 0)
		return r;
	net_pair_set_on(net->pairs[0], true);
	/* Without MQ it is the third queue (§5.1.2). */
	net->control =
		virtio_has_feature(vdev, VIRTIO_NET_F_CTRL_VQ) ? virtio_queue(vdev, 2 * n) : NULL;
	return net->control ? virtqueue_attach(net->control, net->loop, control_work, net) : 0;
}

static void stop(void *opaque)
{
	struct net *net = opaque;

	if (net->control)
		virtqueue_detach(net->control);
	net->control = NULL;
	for (unsigned i = 0; i < net->n_pairs; i++)
		net->pairs[i] = net_pair_destroy(net->pairs[i]);
}

static void start(void *opaque)
{
	struct start *start = opaque;

	start->result = start_pairs(start->net);
	if (start->result < 0)
		stop(start->net);
}

static void deactivate(struct virtio_device *vdev)
{
	struct net *net = to_net(vdev);

	loop_call(net->loop, stop, net);
	free(TAKE_PTR(net->control_iov));
	set_mac(net, net->first_mac);
}

static void pause_pairs(void *opaque)
{
	struct net *net = opaque;

	for (unsigned i = 0; i < net->n_pairs; i++)
		net_pair_set_paused(net->pairs[i], true);
}

static void resume_pairs(void *opaque)
{
	struct net *net = opaque;

	for (unsigned i = 0; i < net->n_pairs; i++)
		net_pair_set_paused(net->pairs[i], false);
}

static void pause_io(struct virtio_device *vdev)
{
	struct net *net = to_net(vdev);

	loop_call(net->loop, pause_pairs, net);
}

static void resume_io(struct virtio_device *vdev)
{
	struct net *net = to_net(vdev);

	loop_call(net->loop, resume_pairs, net);
}

static int activate(struct virtio_device *vdev)
{
	struct net *net = to_net(vdev);
	struct io_thread *thread = machine_io_thread(vdev->device.machine);
	struct start call = {.net = net, .result = -ESHUTDOWN};

	if (!thread)
		return -ENOMEM;
	net->loop = io_thread_loop(thread);
	net->control_iov = calloc(VIRTQ_MAX_IOV, sizeof(struct iovec));
	if (!net->control_iov)
		return -ENOMEM;
	loop_call(net->loop, start, &call);
	if (call.result < 0)
		free(TAKE_PTR(net->control_iov));
	return call.result;
}

static void config_read(struct virtio_device *vdev, unsigned offset, void *buf, unsigned size)
{
	struct net *net = to_net(vdev);
	struct virtio_net_space space = {
		.status = htole16(net->link ? VIRTIO_NET_S_LINK_UP : 0),
		.max_virtqueue_pairs = htole16(net->n_pairs),
		.mtu = htole16(net->mtu),
	};
	uint64_t mac = net->mac;

	memcpy(space.mac, &mac, sizeof(space.mac));
	memcpy(buf, (char *)&space + offset, size);
}

static const struct virtio_ops ops = {
	.activate = activate,
	.deactivate = deactivate,
	.pause = pause_io,
	.resume = resume_io,
	.config_read = config_read,
};

/* ---- life ---- */

static void describe(struct net *net, const struct virtio_net_config *config)
{
	struct virtio_info *info = &net->vdev.info;

	info->device_id = 1;
	info->n_queues = 2 * net->n_pairs + 1;
	info->queue_size = (uint16_t)config->queue_size;
	info->config_size = offsetof(struct virtio_net_space, speed);
	info->pci_class = PCI_CLASS_ETHERNET;
	info->features = 1ULL << VIRTIO_NET_F_MAC | 1ULL << VIRTIO_NET_F_STATUS |
			 1ULL << VIRTIO_NET_F_MRG_RXBUF | 1ULL << VIRTIO_NET_F_CTRL_VQ |
			 1ULL << VIRTIO_NET_F_CTRL_RX | 1ULL << VIRTIO_NET_F_CTRL_VLAN |
			 1ULL << VIRTIO_NET_F_CTRL_MAC_ADDR;
	if (net->n_pairs > 1)
		info->features |= 1ULL << VIRTIO_NET_F_MQ;
	if (net->mtu)
		info->features |= 1ULL << VIRTIO_NET_F_MTU;
	if (config->offload && net->backend->offloads)
		info->features |= HOST_OFFLOADS | GUEST_OFFLOADS;
}

static void needs(const struct graph_node *node, struct device_needs *needs, struct arena *arena)
{
	const struct virtio_net_config *config = node->config;

	virtio_needs(needs, 2 * (unsigned)config->queues + 1);
	if (config->backend.type == VIRTIO_NET_BACKEND_TYPE_TAP && config->backend.tap.name) {
		needs->exclusive[needs->n_exclusive].key =
			arena_printf(arena, "tap:%s", config->backend.tap.name);
		needs->exclusive[needs->n_exclusive++].property = "backend.name";
	}
	if (config->has_mac) {
		const uint8_t *m = config->mac.bytes;

		needs->exclusive[needs->n_exclusive].key =
			arena_printf(arena, "mac:%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2],
				     m[3], m[4], m[5]);
		needs->exclusive[needs->n_exclusive++].property = "mac";
	}
}

static struct diag *printf_like(4, 5) wrong(const struct graph_node *node, struct diag_list *diags,
					    struct span span, const char *fmt, ...)
{
	char message[400];
	struct diag *diag;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	diag = diag_add(diags, "E0317", DIAG_ERROR, span, "%s", message);
	diag_set_path(diags, diag, node->path);
	return diag;
}

static void check_user(const struct graph_node *node, struct diag_list *diags)
{
	const struct virtio_net_config *config = node->config;
	struct diag *diag;

	if (config->queues != 1) {
		diag = wrong(node, diags, graph_node_span(node, "queues"),
			     "user-mode networking has one queue pair");
		diag_hint(diags, diag, "write queues: 1, or use a tap");
	}
	for (size_t i = 0; i < config->backend.user.forward.n; i++) {
		const char *forward = config->backend.user.forward.items[i];
		char option, argument[NET_FORWARD_MAX], property[40];

		if (net_passt_forward(forward, &option, argument, sizeof(argument)))
			continue;
		snprintf(property, sizeof(property), "backend.forward.%zu", i);
		diag = wrong(node, diags, graph_node_span(node, property),
			     "'%.100s' is no forward of a port", forward);
		diag_hint(diags, diag,
			  "write HOST-PORT:GUEST-PORT, as in \"8080:80\" or \"udp:5353:53\"; ports "
			  "go up to 65535");
	}
}

static void check(const struct graph_node *node, struct diag_list *diags)
{
	const struct virtio_net_config *config = node->config;
	size_t n =
		config->backend.type == VIRTIO_NET_BACKEND_TYPE_TAP ? config->backend.tap.fds.n : 0;

	if (config->backend.type == VIRTIO_NET_BACKEND_TYPE_USER) {
		check_user(node, diags);
	} else if (n && n != config->queues) {
		struct diag *diag =
			wrong(node, diags, graph_node_span(node, "backend.fds"),
			      "%zu descriptors for %u queue pairs", n, (unsigned)config->queues);

		diag_hint(diags, diag, "give one for each queue pair: write queues: %zu", n);
		diag_relate(diags, diag, graph_node_span(node, "queues"), "the queue pairs");
	}
}

static int printf_like(5, 6) refuse(const struct graph_node *node, struct diag_list *diags,
				    const char *property, const char *hint, const char *fmt, ...)
{
	char message[400];
	struct diag *diag;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	diag = diag_add(diags, "E0432", DIAG_ERROR, graph_node_span(node, property), "%s", message);
	diag_set_path(diags, diag, node->path);
	if (*hint)
		diag_hint(diags, diag, "%s", hint);
	return -EINVAL;
}

static int open_tap(struct net *net, const struct graph_node *node, struct diag_list *diags)
{
	const struct virtio_net_config *config = node->config;
	const char *name = config->backend.tap.name;
	size_t n_fds = config->backend.tap.fds.n;
	struct net_failure failure;
	int fds[64], r;

	invariant(n_fds <= ARRAY_SIZE(fds)); /* the schema allows no more */
	for (size_t i = 0; i < n_fds; i++)
		fds[i] = (int)config->backend.tap.fds.items[i];
	r = net_tap_open(name, n_fds ? fds : NULL, net->n_pairs, &net->backend, &failure);
	if (r < 0)
		refuse(node, diags, name ? "backend.name" : "backend.fds", failure.hint, "%s",
		       failure.message);
	return r;
}

static int start_user(struct net *net, const struct graph_node *node, struct diag_list *diags)
{
	const struct virtio_net_config *config = node->config;
	struct net_passt_options options = {
		.id = node->id,
		.forward = config->backend.user.forward.items,
		.n_forward = config->backend.user.forward.n,
		.mtu = (unsigned)(config->has_mtu ? config->mtu : 0),
	};
	struct net_failure failure;
	int r;

	r = net_passt_start(&options, machine_loop(net->vdev.device.machine), &net->backend,
			    &failure);
	if (r < 0)
		refuse(node, diags, r == -EINVAL ? "backend.forward" : "backend", failure.hint,
		       "%s", failure.message);
	return r;
}

static void release(struct net *net)
{
	net_backend_close(net->backend);
	limiter_fini(&net->receive_limit);
	limiter_fini(&net->transmit_limit);
	free(net);
}

static int prepare(struct machine *machine, const struct graph_node *node,
		   struct device **ret_device, struct diag_list *diags)
{
	const struct virtio_net_config *config = node->config;
	struct net *net;
	int r;

	net = calloc(1, sizeof(*net) + config->queues * sizeof(net->pairs[0]));
	if (!net)
		return -ENOMEM;
	net->vdev.ops = &ops;
	net->vdev.device.machine = machine;
	net->n_pairs = (unsigned)config->queues;
	net->mtu = (uint16_t)(config->has_mtu ? config->mtu : 0);
	net->link = net->plugged = config->link == VIRTIO_NET_LINK_UP;
	limiter_init(&net->receive_limit);
	limiter_init(&net->transmit_limit);
	limiter_set(&net->receive_limit, config->receive_rate);
	limiter_set(&net->transmit_limit, config->transmit_rate);
	if (config->has_mac)
		memcpy(net->first_mac, config->mac.bytes, sizeof(net->first_mac));
	else
		net_derive_mac(node->machine, node->id, net->first_mac);
	set_mac(net, net->first_mac);
	if (config->backend.type == VIRTIO_NET_BACKEND_TYPE_TAP)
		r = open_tap(net, node, diags);
	else
		r = start_user(net, node, diags);
	if (r < 0)
		goto error;
	net->backend->lost = link_lost;
	net->backend->opaque = net;
	describe(net, config);
	r = virtio_init(&net->vdev, machine, node);
	if (r < 0)
		goto error;
	*ret_device = &net->vdev.device;
	return 0;
error:
	release(net);
	return r;
}

static void destroy(struct device *device)
{
	struct net *net = container_of(device, struct net, vdev.device);

	virtio_fini(&net->vdev);
	release(net);
}

static int update(struct device *device, const struct graph_node *node,
		  struct diag_list *diags unused)
{
	const struct virtio_net_config *config = node->config;
	struct net *net = container_of(device, struct net, vdev.device);

	limiter_set(&net->receive_limit, config->receive_rate);
	limiter_set(&net->transmit_limit, config->transmit_rate);
	net->plugged = config->link == VIRTIO_NET_LINK_UP;
	set_link(net);
	virtio_schedule(&net->vdev);
	return 0;
}

const struct device_type device_virtio_net = {
	.name = "virtio-net",
	.bus = DEVICE_BUS_PCI,
	.needs = needs,
	.check = check,
	.prepare = prepare,
	.commit = virtio_commit,
	.update = update,
	.request_unplug = virtio_request_unplug,
	.cancel_unplug = virtio_cancel_unplug,
	.destroy = destroy,
	.reset = virtio_reset,
	.pause = virtio_pause,
	.resume = virtio_resume,
};
