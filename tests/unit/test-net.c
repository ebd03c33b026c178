/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/ethernet.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "loop/loop.h"
#include "net/net.h"
#include "tests/unit/cu-tap.h"
#include "tests/unit/stream-peer.h"

static void addresses_are_stable_and_local(void)
{
	uint8_t a[6], b[6];

	net_derive_mac("web", "net0", a);
	net_derive_mac("web", "net0", b);
	CU_ASSERT_EQUAL(memcmp(a, b, 6), 0);
	CU_ASSERT_EQUAL(a[0] & 3, 2);
	net_derive_mac("web", "net1", b);
	CU_ASSERT_NOT_EQUAL(memcmp(a, b, 6), 0);
	net_derive_mac("webn", "et0", b);
	CU_ASSERT_NOT_EQUAL(memcmp(a, b, 6), 0);
}

static void forwards_are_checked(void)
{
	static const struct {
		const char *forward, *argument;
		char option;
	} good[] = {
		{"8080:80", "8080:80", 't'},
		{"22", "22", 't'},
		{"udp:5353:53", "5353:53", 'u'},
		{"tcp:127.0.0.1:2222:22", "127.0.0.1/2222:22", 't'},
		{"[::1]:8000-8010:9000-9010", "::1/8000-8010:9000-9010", 't'},
	};
	static const char *const bad[] = {
		"",
		":",
		"80:",
		":80",
		"0:80",
		"65536:80",
		"80:80:80",
		"a:80",
		"8080:80 -F 3",
		"-80",
		"1.2.3:80:80",
		"[::1]80:80",
		"[::1:80:80",
		"udp:",
		"80-70",
		"80-82:80-90",
		"all",
		"80,81",
		"8080:80\n",
		"host:80:80",
		"000080:80",
	};
	char option, argument[64];

	for (unsigned i = 0; i < ARRAY_SIZE(good); i++) {
		CU_ASSERT(net_passt_forward(good[i].forward, &option, argument, sizeof(argument)));
		CU_ASSERT_STRING_EQUAL(argument, good[i].argument);
		CU_ASSERT_EQUAL(option, good[i].option);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
		CU_ASSERT(!net_passt_forward(bad[i], &option, argument, sizeof(argument)));
	CU_ASSERT(!net_passt_forward("127.0.0.1:8080:80", &option, argument, 8));
}

/* ---- frames over a stream ---- */

static ssize_t receive(struct net_backend *backend, unsigned char *buf, size_t size)
{
	struct iovec iov[] = {{buf, 7}, {buf + 7, size - 7}};

	return backend->ops->receive(backend, 0, iov, 2);
}

static void split_and_merged_frames_are_told_apart(void)
{
	static const size_t sizes[] = {14, 60, 1514, 65553, 14, 9000};
	unsigned char *wire = malloc(256 * KiB), *buf = malloc(NET_MAX_FRAME);
	size_t len = 0, step, frame = 0;
	struct net_backend *backend;
	int peer;

	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++)
		len += put_frame(wire + len, sizes[i], (unsigned char)(i + 1));
	for (step = 1; step < len; step = step * 5 + 2) {
		backend = stream_pair(&peer);
		frame = 0;
		for (size_t at = 0; at < len; at += step) {
			ssize_t n = send(peer, wire + at, MIN(step, len - at), 0);

			CU_ASSERT_FATAL(n == (ssize_t)MIN(step, len - at));
			/* Byte by byte is enough for the small ones. */
			if (step == 1 && at > 1700)
				break;
			while ((n = receive(backend, buf, NET_MAX_FRAME)) > 0) {
				CU_ASSERT_EQUAL(n, (ssize_t)(sizes[frame] + NET_HEADER));
				CU_ASSERT_EQUAL(buf[0], 0);
				CU_ASSERT_EQUAL(buf[NET_HEADER], frame + 1);
				CU_ASSERT_EQUAL(buf[n - 1], frame + 1);
				frame++;
			}
			CU_ASSERT_EQUAL(n, -EAGAIN);
		}
		CU_ASSERT_EQUAL(frame, step == 1 ? 3 : ARRAY_SIZE(sizes));
		close(peer);
		CU_ASSERT_EQUAL(receive(backend, buf, NET_MAX_FRAME), -EPIPE);
		net_backend_close(backend);
	}
	free(wire);
	free(buf);
}

static void impossible_lengths_end_the_connection(void)
{
	static const uint32_t lengths[] = {0, 13, 65555, 0x7fffffff, 0xffffffff};
	unsigned char buf[256];

	for (unsigned i = 0; i < ARRAY_SIZE(lengths); i++) {
		uint32_t head = htonl(lengths[i]);
		struct net_backend *backend;
		int peer;

		backend = stream_pair(&peer);
		CU_ASSERT_EQUAL(send(peer, &head, 4, 0), 4);
		CU_ASSERT_EQUAL(receive(backend, buf, sizeof(buf)), -EPIPE);
		CU_ASSERT_EQUAL(backend->ops->send(backend, 0, &(struct iovec){buf, 100}, 1),
				-EPIPE);
		net_backend_close(backend);
		close(peer);
	}
}

/* The peer does not read: frames are cut where its buffer ends, and come out whole. */
static void a_slow_peer_gets_whole_frames(void)
{
	unsigned char *frame = malloc(NET_MAX_FRAME), *got = malloc(NET_MAX_FRAME);
	size_t len = 40000, have = 0, sent = 0, seen = 0;
	struct net_backend *backend;
	int peer;

	backend = stream_pair(&peer);
	while (seen < 50) {
		struct iovec iov[] = {{frame, 12}, {frame + 12, 1}, {frame + 13, len - 1}};
		ssize_t n;

		memset(frame, 0, 12);
		memset(frame + 12, (int)(sent & 0xff), len);
		if (sent < 50 && backend->ops->send(backend, 0, iov, 3) > 0) {
			sent++;
			continue;
		}
		n = recv(peer, got + have, MIN(4 + len - have, (size_t)7000), MSG_DONTWAIT);
		CU_ASSERT_FATAL(n > 0 || errno == EAGAIN);
		have += (size_t)MAX(n, 0);
		backend->ops->flush(backend, 0);
		if (have < 4 + len)
			continue;
		CU_ASSERT_EQUAL(ntohl(*(uint32_t *)(void *)got), len);
		CU_ASSERT(got[4] == (seen & 0xff) && got[3 + len] == (seen & 0xff));
		seen++;
		have = 0;
	}
	CU_ASSERT_EQUAL(sent, 50);
	net_backend_close(backend);
	close(peer);
	free(frame);
	free(got);
}

/* ---- the real things ---- */

static void quit(void *opaque)
{
	loop_quit(opaque);
}

static unsigned deaths;

static void died(void *opaque)
{
	deaths++;
	loop_quit(opaque);
}

static int turn(struct loop *loop, uint64_t nanoseconds)
{
	struct loop_source *timer;
	int r;

	CU_ASSERT_EQUAL_FATAL(loop_add_timer(loop, quit, loop, &timer), 0);
	loop_timer_arm(timer, nanoseconds);
	r = loop_run(loop);
	loop_source_remove(timer);
	return r;
}

static unsigned children(void)
{
	unsigned n = 0;
	char text[256] = "";
	cleanup_fd int fd = -1;
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && read(fd, text, sizeof(text) - 1) > 0)
		for (char *s = text; *s; s++)
			n += *s == ' ';
	return n;
}

static void passt_starts_and_stops(void)
{
	struct net_passt_options options = {.id = "net0"};
	struct loop *loop = loop_create();
	struct net_backend *backend;
	struct net_failure failure;
	int r;

	r = net_passt_start(&options, loop, &backend, &failure);
	if (r == -ENOENT) {
		CU_ASSERT_PTR_NOT_NULL(strstr(failure.hint, "package passt"));
		loop_destroy(loop);
		return;
	}
	CU_ASSERT_EQUAL_FATAL(r, 0);
	CU_ASSERT_EQUAL(children(), 1);
	deaths = 0;
	backend->lost = died;
	backend->opaque = loop;
	turn(loop, 100000000);
	CU_ASSERT_EQUAL(deaths, 0);
	net_backend_close(backend);
	CU_ASSERT_EQUAL(children(), 0);
	loop_destroy(loop);
}

static void passt_that_ends_is_noticed(void)
{
	struct net_passt_options options = {.id = "net0"};
	struct loop *loop = loop_create();
	struct net_backend *backend;
	struct net_failure failure;
	char buf[64];

	if (net_passt_start(&options, loop, &backend, &failure) < 0) {
		loop_destroy(loop);
		return;
	}
	deaths = 0;
	backend->lost = died;
	backend->opaque = loop;
	/* It ends when the connection does: here, as if we had died. */
	shutdown(net_backend_fd(backend, 0), SHUT_RDWR);
	turn(loop, 3000000000);
	CU_ASSERT_EQUAL(deaths, 1);
	CU_ASSERT_EQUAL(receive(backend, (unsigned char *)buf, sizeof(buf)), -EPIPE);
	net_backend_close(backend);
	CU_ASSERT_EQUAL(children(), 0);
	options.n_forward = 1;
	options.forward = (const char *const[]){"80:80:80"};
	CU_ASSERT_EQUAL(net_passt_start(&options, loop, &backend, &failure), -EINVAL);
	CU_ASSERT_EQUAL(children(), 0);
	loop_destroy(loop);
}

/* In a network namespace of its own, when this is root. */
static void tap_in_a_child(void)
{
	struct net_backend *backend, *second;
	struct net_failure failure;
	unsigned char frame[12 + 60] = {0}, got[2048];
	struct ifreq ifr = {0};
	struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_protocol = htons(0x88b5)};
	int fd, r;

	r = net_tap_open("weft-tap", NULL, 1, &backend, &failure);
	if (r < 0)
		_exit(r == -ENOENT || r == -EPERM || r == -EACCES ? 77 : 1);
	/* A second user is refused, with words. */
	if (net_tap_open("weft-tap", NULL, 1, &second, &failure) != -EBUSY ||
	    !strstr(failure.message, "weft-tap"))
		_exit(2);
	fd = socket(AF_PACKET, SOCK_RAW, htons(0x88b5));
	strcpy(ifr.ifr_name, "weft-tap");
	if (ioctl(fd, SIOCGIFFLAGS, &ifr) < 0 || !(ifr.ifr_flags & IFF_UP))
		_exit(3);
	if (ioctl(fd, SIOCGIFINDEX, &ifr) < 0)
		_exit(4);
	address.sll_ifindex = ifr.ifr_ifindex;
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		_exit(5);
	/* From the guest to the host. */
	memset(frame + 12, 0xff, 6);
	memset(frame + 18, 2, 6);
	frame[24] = 0x88;
	frame[25] = 0xb5;
	frame[40] = 0x42;
	if (backend->ops->send(backend, 0, (struct iovec[]){{frame, 20}, {frame + 20, 52}}, 2) !=
		    72 ||
	    recv(fd, got, sizeof(got), 0) != 60 || got[28] != 0x42)
		_exit(6);
	/* And back; there may be others of the kernel's own. */
	if (send(fd, frame + 12, 60, 0) != 60)
		_exit(7);
	for (unsigned i = 0; i < 100; i++) {
		poll(&(struct pollfd){net_backend_fd(backend, 0), POLLIN, 0}, 1, 100);
		r = (int)receive(backend, got, sizeof(got));
		if (r == 72 && got[40] == 0x42 && got[24] == 0x88)
			break;
	}
	if (r != 72 || backend->ops->set_offloads(backend, backend->offloads) < 0)
		_exit(8);
	net_backend_close(backend);
	/* It went with us; now one with queues that come and go. */
	if (ioctl(fd, SIOCGIFFLAGS, &ifr) == 0 ||
	    net_tap_open("weft-mq", NULL, 4, &backend, &failure) < 0)
		_exit(9);
	if (backend->ops->set_queues(backend, 1) < 0 || backend->ops->set_queues(backend, 4) < 0 ||
	    backend->ops->set_queues(backend, 2) < 0)
		_exit(10);
	r = net_backend_fd(backend, 0);
	if (net_tap_open(NULL, &r, 1, &second, &failure) < 0 ||
	    net_tap_open(NULL, &fd, 1, &backend, &failure) != -EINVAL)
		_exit(11);
	_exit(0);
}

static void a_tap_carries_frames(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (unshare(CLONE_NEWNET) < 0)
			_exit(77);
		tap_in_a_child();
	}
	waitpid(pid, &status, 0);
	CU_ASSERT(WIFEXITED(status));
	CU_ASSERT(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 77);
	if (WEXITSTATUS(status))
		printf("# tap: exit status %d\n", WEXITSTATUS(status));
}

int main(void)
{
	CU_TestInfo names[] = {
		{"addresses are stable and local", addresses_are_stable_and_local},
		{"forwards are checked", forwards_are_checked},
		CU_TEST_INFO_NULL,
	};
	CU_TestInfo stream[] = {
		{"split and merged frames are told apart", split_and_merged_frames_are_told_apart},
		{"impossible lengths end the connection", impossible_lengths_end_the_connection},
		{"a slow peer gets whole frames", a_slow_peer_gets_whole_frames},
		CU_TEST_INFO_NULL,
	};
	CU_TestInfo real[] = {
		{"passt starts and stops", passt_starts_and_stops},
		{"passt that ends is noticed", passt_that_ends_is_noticed},
		{"a tap carries frames", a_tap_carries_frames},
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo all[] = {
		{"names", NULL, NULL, NULL, NULL, names},
		{"stream", NULL, NULL, NULL, NULL, stream},
		{"real", NULL, NULL, NULL, NULL, real},
		CU_SUITE_INFO_NULL,
	};

	log_level = LOG_ERROR;
	return cu_tap_run(all);
}
