/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Peers that the control interface brings: descriptors that come and go, on a console whatever its
 * outputs are. The sink they share is not one of the description and stays when its outputs change.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/fd.h"
#include "console/sink.h"

#define MAX_PEERS 16

struct attached_sink;

struct console_peer {
	struct list link; /* attached_sink.peers */
	struct attached_sink *sink;
	struct port *port;
	void (*gone)(void *opaque);
	void *opaque;
};

struct attached_sink {
	struct sink sink;
	struct list peers;
	unsigned n_peers;
};

static struct attached_sink *of(struct sink *sink)
{
	return container_of(sink, struct attached_sink, sink);
}

/* Its port is another's to destroy, or is destroyed. */
static void forget_peer(struct console_peer *peer)
{
	peer->sink->n_peers--;
	list_del(&peer->link);
	free(peer);
}

static int attached_open(struct sink *sink, struct sink_error *error unused)
{
	list_init(&of(sink)->peers);
	return 0;
}

static void attached_start(struct sink *sink unused)
{
}

static void attached_close(struct sink *sink)
{
	struct console_peer *peer, *tmp;

	list_for_each_safe (peer, tmp, &of(sink)->peers, link) {
		peer->gone(peer->opaque);
		forget_peer(peer);
	}
}

static void attached_hangup(struct port *port, bool write unused)
{
	struct console_peer *peer, *tmp;

	list_for_each_safe (peer, tmp, &of(port->sink)->peers, link) {
		if (peer->port != port)
			continue;
		port_destroy(port);
		peer->gone(peer->opaque);
		forget_peer(peer);
		return;
	}
}

const struct sink_ops sink_attached_ops = {
	.size = sizeof(struct attached_sink),
	.open = attached_open,
	.start = attached_start,
	.close = attached_close,
	.hangup = attached_hangup,
};

int console_attach(struct console_hub *hub, const char *id, int fd, void (*gone)(void *opaque),
		   void *opaque, struct console_peer **ret)
{
	struct sink *sink = console_attached_sink(hub, id);
	struct console_peer *peer;
	int r;

	if (!sink)
		return -ENOENT;
	if (of(sink)->n_peers == MAX_PEERS)
		return -EBUSY;
	peer = calloc(1, sizeof(*peer));
	if (!peer)
		return -ENOMEM;
	r = port_create(sink, fd, fd, true, &peer->port);
	if (r < 0) {
		free(peer);
		return r;
	}
	peer->port->owns_out = true;
	peer->sink = of(sink);
	peer->gone = gone;
	peer->opaque = opaque;
	list_add_tail(&of(sink)->peers, &peer->link);
	of(sink)->n_peers++;
	*ret = peer;
	return 0;
}

void console_attached(struct console_peer *peer)
{
	port_flush(peer->port);
}

void console_detach(struct console_peer *peer)
{
	if (!peer)
		return;
	port_destroy(peer->port);
	forget_peer(peer);
}
