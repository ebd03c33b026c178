/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A queue pair of virtio-net: frames from the backend into the buffers of the receive queue, and
 * from the transmit queue to the backend. All on the thread of its loop.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>

#include "net/net.h"

struct limiter;
struct net_pair;
struct virtqueue;

struct net_pair_options {
	const char *name; /* of the device, for the log; outlives the pair */
	struct net_backend *backend;
	unsigned index;            /* the backend's queue */
	struct virtqueue *rx, *tx; /* NULL: the driver has not enabled it */
	struct loop *loop;
	struct limiter *receive_limit, *transmit_limit;
	const atomic_bool *link;    /* down: frames of both sides are lost */
	bool mergeable;             /* VIRTIO_NET_F_MRG_RXBUF */
	bool large;                 /* frames of up to 64 KiB are usual (TSO) */
	void (*lost)(void *opaque); /* the backend is gone; the loop's thread */
	void *opaque;
};

/* Off: nothing is received, what the guest sends is dropped. Return: 0 or a negative errno. */
int net_pair_create(const struct net_pair_options *options, struct net_pair **ret) must_use;
struct net_pair *net_pair_destroy(struct net_pair *pair); /* takes NULL */

/* Paused it does not look at its backend; its queues are paused by others. */
void net_pair_set_paused(struct net_pair *pair, bool paused); /* takes NULL */

void net_pair_set_on(struct net_pair *pair, bool on);
