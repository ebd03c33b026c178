/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Taps: frames go straight between the kernel and the guest's memory, offloads included.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "net/internal.h"

struct tap {
	struct net_base base;
	unsigned attached; /* queues from the first on */
	bool multi_queue;
};

static struct tap *to_tap(struct net_backend *backend)
{
	return container_of(backend, struct tap, base.backend);
}

static ssize_t tap_send(struct net_backend *backend, unsigned queue, const struct iovec *iov,
			unsigned n_iov)
{
	ssize_t n = writev(to_tap(backend)->base.fds[queue], iov, (int)n_iov);

	return n < 0 ? -errno : n;
}

static ssize_t tap_receive(struct net_backend *backend, unsigned queue, const struct iovec *iov,
			   unsigned n_iov)
{
	ssize_t n = readv(to_tap(backend)->base.fds[queue], iov, (int)n_iov);

	return n < 0 ? -errno : n;
}

static int tap_set_offloads(struct net_backend *backend, unsigned offloads)
{
	int fd = to_tap(backend)->base.fds[0];

	return ioctl(fd, TUNSETOFFLOAD, (unsigned long)offloads) < 0 ? -errno : 0;
}

/* Frames are steered to attached queues alone. */
static int tap_set_queues(struct net_backend *backend, unsigned n)
{
	struct tap *tap = to_tap(backend);

	if (!tap->multi_queue)
		return n == 1 ? 0 : -EINVAL;
	while (tap->attached != n) {
		bool attach = tap->attached < n;
		unsigned queue = attach ? tap->attached : tap->attached - 1;
		struct ifreq ifr = {
			.ifr_flags = attach ? IFF_ATTACH_QUEUE : IFF_DETACH_QUEUE,
		};

		if (ioctl(tap->base.fds[queue], TUNSETQUEUE, &ifr) < 0)
			return -errno;
		tap->attached = attach ? queue + 1 : queue;
	}
	return 0;
}

static void tap_close(struct net_backend *backend)
{
	struct tap *tap = to_tap(backend);

	for (unsigned i = 0; i < NET_MAX_QUEUES; i++)
		fd_close(tap->base.fds[i]);
	free(tap);
}

static const struct net_backend_ops tap_ops = {
	.send = tap_send,
	.receive = tap_receive,
	.set_offloads = tap_set_offloads,
	.set_queues = tap_set_queues,
	.close = tap_close,
};

static int fail_attach(const char *name, unsigned n_queues, int error, struct net_failure *failure)
{
	const char *multi = n_queues > 1 ? " multi_queue" : "";

	net_fail(failure, error, "cannot use the tap '%s': %s", name, strerror(-error));
	if (error == -EPERM)
		net_hint(failure,
			 "that needs CAP_NET_ADMIN, or a tap made for you: sudo ip tuntap add "
			 "dev %s mode tap%s user $USER",
			 name, multi);
	else if (error == -EBUSY)
		net_hint(failure, "another program uses it: give this device a tap of its own");
	else if (error == -EINVAL)
		net_hint(failure,
			 "an interface of that name is there and is no tap%s: make one with ip "
			 "tuntap add dev %s mode tap%s",
			 n_queues > 1 ? " of several queues" : " of a single queue", name, multi);
	return error;
}

/* A tap that was not there before is down, and nobody else knows of it. */
static void bring_up(const char *name)
{
	cleanup_fd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq ifr = {0};

	strncpy(ifr.ifr_name, name, IFNAMSIZ - 1);
	if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &ifr) < 0)
		return;
	ifr.ifr_flags |= IFF_UP;
	if (ioctl(fd, SIOCSIFFLAGS, &ifr) < 0)
		log_warn("cannot bring up the tap '%s': %s", name, strerror(errno));
}

static int open_queue(const char *name, unsigned n_queues, int *ret, struct net_failure *failure)
{
	cleanup_fd int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	struct ifreq ifr = {0};

	if (fd < 0) {
		int error = -errno;

		net_fail(failure, error, "cannot open /dev/net/tun: %s", strerror(-error));
		net_hint(failure,
			 error == -ENOENT ? "load the module: modprobe tun" : "grant access to it");
		return error;
	}
	strncpy(ifr.ifr_name, name, IFNAMSIZ - 1);
	ifr.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
	if (n_queues > 1)
		ifr.ifr_flags |= IFF_MULTI_QUEUE;
	if (ioctl(fd, TUNSETIFF, &ifr) < 0)
		return fail_attach(name, n_queues, -errno, failure);
	*ret = TAKE_FD(fd);
	return 0;
}

static int open_by_name(struct tap *tap, const char *name, unsigned n_queues,
			struct net_failure *failure)
{
	struct ifreq ifr = {0};

	if (strlen(name) >= IFNAMSIZ)
		return net_fail(failure, -EINVAL,
				"the tap's name '%s' is longer than %d characters", name,
				IFNAMSIZ - 1);
	for (unsigned i = 0; i < n_queues; i++) {
		int r = open_queue(name, n_queues, &tap->base.fds[i], failure);

		if (r < 0)
			return r;
	}
	if (ioctl(tap->base.fds[0], TUNGETIFF, &ifr) == 0 && !(ifr.ifr_flags & IFF_PERSIST))
		bring_up(name);
	return 0;
}

static int take_fds(struct tap *tap, const int *fds, unsigned n_queues, struct net_failure *failure)
{
	for (unsigned i = 0; i < n_queues; i++) {
		struct ifreq ifr = {0};
		int fd, flags;

		fd = tap->base.fds[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, 3);
		if (fd < 0)
			return net_fail(failure, -EBADF, "descriptor %d is not open", fds[i]);
		fcntl(fds[i], F_SETFD, FD_CLOEXEC);
		if (ioctl(fd, TUNGETIFF, &ifr) < 0 || !(ifr.ifr_flags & IFF_TAP))
			return net_fail(failure, -EINVAL, "descriptor %d is not a tap", fds[i]);
		if (!(ifr.ifr_flags & IFF_VNET_HDR)) {
			net_fail(failure, -EINVAL, "the tap in descriptor %d has no virtio header",
				 fds[i]);
			net_hint(failure, "open it with IFF_VNET_HDR");
			return -EINVAL;
		}
		flags = fcntl(fd, F_GETFL);
		if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
			return net_fail(failure, -errno, "cannot set up descriptor %d: %s", fds[i],
					strerror(errno));
	}
	return 0;
}

int net_tap_open(const char *name, const int *fds, unsigned n_queues, struct net_backend **ret,
		 struct net_failure *ret_failure)
{
	struct tap *tap = calloc(1, sizeof(*tap));
	int header = NET_HEADER, r;

	if (!tap)
		return net_fail(ret_failure, -ENOMEM, "out of memory");
	invariant(n_queues >= 1 && n_queues <= NET_MAX_QUEUES && !name != !fds);
	for (unsigned i = 0; i < NET_MAX_QUEUES; i++)
		tap->base.fds[i] = -1;
	tap->base.backend = (struct net_backend){
		.ops = &tap_ops,
		.n_queues = n_queues,
		.offloads = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN | TUN_F_UFO,
	};
	tap->multi_queue = n_queues > 1;
	tap->attached = n_queues;
	r = name ? open_by_name(tap, name, n_queues, ret_failure)
		 : take_fds(tap, fds, n_queues, ret_failure);
	for (unsigned i = 0; r == 0 && i < n_queues; i++)
		if (ioctl(tap->base.fds[i], TUNSETVNETHDRSZ, &header) < 0)
			r = net_fail(ret_failure, -errno,
				     "the tap does not take virtio headers: %s", strerror(errno));
	if (r < 0) {
		tap_close(&tap->base.backend);
		return r;
	}
	/* What another user left: no offload before the driver has agreed to it. */
	tap_set_offloads(&tap->base.backend, 0);
	*ret = &tap->base.backend;
	return 0;
}
