/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the frames of a network device go on the host: a tap, or a user-mode stack in a process of
 * its own (passt). A backend moves whole Ethernet frames, each after the 12 bytes of
 * struct virtio_net_hdr_v1, to and from the guest's memory, and never waits.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "base/compiler.h"

struct loop;
struct net_backend;
struct net_passt;

#define NET_HEADER   12u
#define NET_ETHERNET 14u
/* The longest frame of either side with its header: 64 KiB of IP (TSO), Ethernet, a VLAN tag. */
#define NET_MAX_FRAME (NET_HEADER + NET_ETHERNET + 4u + 65535u)

/* Why a backend cannot be had, for a diagnostic; the hint may be empty. */
struct net_failure {
	char message[320];
	char hint[256];
};

struct net_backend_ops {
	/*
	 * Both: -EAGAIN when it cannot be done now (the descriptor tells when it can), -EPIPE when
	 * the peer is gone; other errors lose the frame. The thread that owns @queue.
	 */
	ssize_t (*send)(struct net_backend *backend, unsigned queue, const struct iovec *iov,
			unsigned n_iov);
	/* Return: bytes of the frame with its header; more than @iov has when it did not fit. */
	ssize_t (*receive)(struct net_backend *backend, unsigned queue, const struct iovec *iov,
			   unsigned n_iov);
	/* True when @receive may give frames that the descriptor does not tell of. Optional. */
	bool (*has_frames)(struct net_backend *backend, unsigned queue);
	/* True when something that @send took waits for the descriptor to be writable. Optional. */
	bool (*flush)(struct net_backend *backend, unsigned queue);
	/* @offloads: TUN_F_*. Any thread, no I/O is going on. Optional: there are none. */
	int (*set_offloads)(struct net_backend *backend, unsigned offloads);
	/* The first @n queues are used. Thread: any. Optional. */
	int (*set_queues)(struct net_backend *backend, unsigned n);
	void (*close)(struct net_backend *backend);
};

struct net_backend {
	const struct net_backend_ops *ops;
	unsigned n_queues;
	unsigned offloads; /* TUN_F_* that it can do; 0: only whole frames with their checksums */
	/* Set by the user: called on the main thread when the peer has died, at most once. */
	void (*lost)(void *opaque);
	void *opaque;
	struct net_passt *passt; /* the process behind it, or NULL; ended with it */
};

/* The descriptor of a queue, to be watched for reading and writing. */
int net_backend_fd(const struct net_backend *backend, unsigned queue);

/* Takes NULL. No queue is in use any more. Main thread. */
struct net_backend *net_backend_close(struct net_backend *backend);

/**
 * net_tap_open() - a tap device of the host
 * @name: it is made if there is none, and goes with us; NULL with @fds
 * @fds: taps that were opened for us, one a queue, duplicated; NULL with @name
 * @n_queues: queue pairs
 *
 * Main thread. Return: 0 or a negative errno.
 */
int net_tap_open(const char *name, const int *fds, unsigned n_queues, struct net_backend **ret,
		 struct net_failure *ret_failure) must_use;

struct net_passt_options {
	const char *id;             /* for the log */
	const char *const *forward; /* "8080:80", "udp:53", "127.0.0.1:8080:80" */
	size_t n_forward;
	unsigned mtu; /* 0: passt's own */
};

/**
 * net_passt_start() - user-mode networking by a passt process of our own
 * @loop: the main loop; it carries passt's messages to the log and sees its end
 *
 * The process ends with us. Main thread. Return: 0 or a negative errno.
 */
int net_passt_start(const struct net_passt_options *options, struct loop *loop,
		    struct net_backend **ret, struct net_failure *ret_failure) must_use;

#define NET_FORWARD_MAX 96 /* bytes of passt's argument for a forward, with the NUL */

/*
 * Whether a forward is well-formed: [udp:|tcp:][ADDRESS:]PORT[-PORT][:PORT[-PORT]]; then the option
 * of passt ('t' or 'u') and its argument, of at most @size bytes.
 */
bool net_passt_forward(const char *forward, char *ret_option, char *ret_argument, size_t size);

/* Frames over a connected stream socket, each after its length in 4 bytes, big-endian. Takes @fd.
 */
int net_stream_create(int fd, struct net_backend **ret) must_use;

/*
 * An address for a device that is given none: the same for the same machine and device at every
 * start, locally administered, unicast.
 */
void net_derive_mac(const char *machine, const char *device, uint8_t ret_mac[6]);
