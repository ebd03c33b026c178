/* SPDX-License-Identifier: Apache-2.0 */
/* Commands that bring an interface up and send traffic through it. */
#include <errno.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/in.h>
#include <linux/route.h>
#include <linux/sockios.h>
#include <asm/socket.h>

#include "command.h"

/* asm/socket.h has the options only; the rest belongs to the C library's headers. */
enum { FAMILY_INET = 2, STREAM = 1, DATAGRAM = 2, RAW = 3, TIMEOUT_S = 30 };

static uint8_t traffic[65536];

static uint16_t net16(uint16_t v)
{
	return (uint16_t)(v << 8 | v >> 8);
}

static uint64_t now_us(void)
{
	long t[2];

	sys(clock_gettime, 1 /* CLOCK_MONOTONIC */, t);
	return (uint64_t)t[0] * 1000000 + (uint64_t)t[1] / 1000;
}

static long open_socket(int type, int protocol)
{
	long timeout[2] = {TIMEOUT_S, 0};
	int on = 1;
	long fd = sys(socket, FAMILY_INET, type, protocol);

	if (fd < 0)
		return fd;
	sys(setsockopt, fd, SOL_SOCKET, SO_RCVTIMEO, timeout, sizeof(timeout));
	sys(setsockopt, fd, SOL_SOCKET, SO_SNDTIMEO, timeout, sizeof(timeout));
	sys(setsockopt, fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	return fd;
}

static bool parse_address(char **words, struct sockaddr_in *ret)
{
	uint64_t port;

	memset(ret, 0, sizeof(*ret));
	ret->sin_family = FAMILY_INET;
	if (!parse_ip(words[0], &ret->sin_addr.s_addr) || !parse_u64(words[1], &port) ||
	    port > 65535)
		return false;
	ret->sin_port = net16((uint16_t)port);
	return true;
}

static void request_name(struct ifreq *ifr, const char *name)
{
	memset(ifr, 0, sizeof(*ifr));
	format(ifr->ifr_name, sizeof(ifr->ifr_name), "%s", name);
}

static long request_address(long fd, struct ifreq *ifr, unsigned long request, uint32_t ip)
{
	struct sockaddr_in *sin = (struct sockaddr_in *)&ifr->ifr_addr;

	memset(sin, 0, sizeof(*sin));
	sin->sin_family = FAMILY_INET;
	sin->sin_addr.s_addr = ip;
	return sys(ioctl, fd, request, ifr);
}

static long set_gateway(long fd, const char *text)
{
	struct rtentry route;
	struct sockaddr_in *sin = (struct sockaddr_in *)&route.rt_gateway;

	memset(&route, 0, sizeof(route));
	sin->sin_family = FAMILY_INET;
	if (!parse_ip(text, &sin->sin_addr.s_addr))
		return -EINVAL;
	route.rt_dst.sa_family = FAMILY_INET;
	route.rt_genmask.sa_family = FAMILY_INET;
	route.rt_flags = RTF_UP | RTF_GATEWAY;
	return sys(ioctl, fd, SIOCADDRT, &route);
}

/* ifup IF IP/PREFIX [GATEWAY] */
static long cmd_ifup(char **words, const char *rest, char *answer, size_t size)
{
	struct ifreq ifr;
	char *slash = (char *)str_find(words[1], "/");
	uint64_t prefix = 24;
	uint32_t ip;
	long fd, r;

	if (slash) {
		*slash = '\0';
		if (!parse_u64(slash + 1, &prefix) || prefix < 1 || prefix > 32)
			return -EINVAL;
	}
	if (!parse_ip(words[1], &ip))
		return -EINVAL;
	fd = open_socket(DATAGRAM, 0);
	if (fd < 0)
		return fd;
	request_name(&ifr, words[0]);
	r = request_address(fd, &ifr, SIOCSIFADDR, ip);
	if (r == 0)
		r = request_address(fd, &ifr, SIOCSIFNETMASK,
				    __builtin_bswap32((uint32_t)(~0ULL << (32 - prefix))));
	if (r == 0)
		r = sys(ioctl, fd, SIOCGIFFLAGS, &ifr);
	if (r == 0) {
		ifr.ifr_flags |= IFF_UP;
		r = sys(ioctl, fd, SIOCSIFFLAGS, &ifr);
	}
	if (r == 0 && words[2])
		r = set_gateway(fd, words[2]);
	sys(close, fd);
	return r;
}

static long cmd_ifdown(char **words, const char *rest, char *answer, size_t size)
{
	struct ifreq ifr;
	long fd = open_socket(DATAGRAM, 0), r;

	if (fd < 0)
		return fd;
	request_name(&ifr, words[0]);
	r = sys(ioctl, fd, SIOCSIFFLAGS, &ifr);
	sys(close, fd);
	return r;
}

static long cmd_ifinfo(char **words, const char *rest, char *answer, size_t size)
{
	struct ifreq ifr;
	unsigned char *mac = (unsigned char *)ifr.ifr_hwaddr.sa_data;
	unsigned running;
	long fd = open_socket(DATAGRAM, 0), r;

	if (fd < 0)
		return fd;
	request_name(&ifr, words[0]);
	r = sys(ioctl, fd, SIOCGIFFLAGS, &ifr);
	running = !!(ifr.ifr_flags & IFF_RUNNING);
	if (r == 0)
		r = sys(ioctl, fd, SIOCGIFHWADDR, &ifr);
	if (r == 0)
		format(answer, size, "mac=%02x:%02x:%02x:%02x:%02x:%02x running=%u", mac[0], mac[1],
		       mac[2], mac[3], mac[4], mac[5], running);
	if (r == 0)
		r = sys(ioctl, fd, SIOCGIFMTU, &ifr);
	if (r == 0)
		format(answer + strlen(answer), size - strlen(answer), " mtu=%d", ifr.ifr_mtu);
	sys(close, fd);
	return r;
}

static uint16_t ip_checksum(const uint8_t *p, size_t n)
{
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < n; i += 2)
		sum += (uint32_t)p[i] << 8 | p[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* ping IP [COUNT]: the slowest answer in microseconds. */
static long cmd_ping(char **words, const char *rest, char *answer, size_t size)
{
	char *target[] = {words[0], (char *)"0", NULL};
	struct sockaddr_in to;
	uint8_t packet[64], reply[256];
	uint64_t count = 1, slowest = 0;
	long fd, n = 0;

	if (!parse_address(target, &to) || (words[1] && !parse_u64(words[1], &count)))
		return -EINVAL;
	fd = open_socket(RAW, 1 /* ICMP */);
	if (fd < 0)
		return fd;
	for (uint64_t i = 0; i < count; i++) {
		uint64_t start = now_us(), taken;
		uint16_t sum;

		pattern(i, 0, packet, sizeof(packet));
		packet[0] = 8; /* echo request */
		packet[1] = packet[2] = packet[3] = 0;
		sum = ip_checksum(packet, sizeof(packet));
		packet[2] = (uint8_t)(sum >> 8);
		packet[3] = (uint8_t)sum;
		n = sys(sendto, fd, packet, sizeof(packet), 0, &to, sizeof(to));
		if (n < 0)
			break;
		do {
			n = sys(recvfrom, fd, reply, sizeof(reply), 0, NULL, NULL);
		} while (n >= 0 && (n < 20 + 8 || reply[20] != 0 /* echo reply */ ||
				    reply[24] != packet[4] || reply[25] != packet[5]));
		if (n < 0)
			break;
		taken = now_us() - start;
		if (taken > slowest)
			slowest = taken;
	}
	sys(close, fd);
	format(answer, size, "%lu", slowest);
	return n < 0 ? n : 0;
}

static long receive_all(long fd, char *answer, size_t size)
{
	uint32_t crc = 0;
	uint64_t total = 0;
	long n;

	while ((n = sys(read, fd, traffic, sizeof(traffic))) > 0) {
		crc = crc32(crc, traffic, (size_t)n);
		total += (uint64_t)n;
	}
	format(answer, size, "%08x %lu", crc, total);
	return n;
}

/* tcp-send IP PORT BYTES SEED: connects, sends the pattern of SEED, closes. */
static long cmd_tcp_send(char **words, const char *rest, char *answer, size_t size)
{
	struct sockaddr_in to;
	uint64_t total, seed, done = 0;
	uint32_t crc = 0;
	long fd, n;

	if (!parse_address(words, &to) || !parse_u64(words[2], &total) ||
	    !parse_u64(words[3], &seed))
		return -EINVAL;
	fd = open_socket(STREAM, 0);
	if (fd < 0)
		return fd;
	n = sys(connect, fd, &to, sizeof(to));
	while (n >= 0 && done < total) {
		size_t want = total - done < sizeof(traffic) ? total - done : sizeof(traffic);

		pattern(seed, done / 8, traffic, want);
		crc = crc32(crc, traffic, want);
		for (size_t at = 0; at < want; at += (size_t)n) {
			n = sys(write, fd, traffic + at, want - at);
			if (n < 0)
				break;
		}
		done += want;
	}
	sys(close, fd);
	format(answer, size, "%08x %lu", crc, done);
	return n < 0 ? n : 0;
}

/* tcp-recv IP PORT: connects and reads until the other side closes. */
static long cmd_tcp_recv(char **words, const char *rest, char *answer, size_t size)
{
	struct sockaddr_in from;
	long fd, r;

	if (!parse_address(words, &from))
		return -EINVAL;
	fd = open_socket(STREAM, 0);
	if (fd < 0)
		return fd;
	r = sys(connect, fd, &from, sizeof(from));
	if (r == 0)
		r = receive_all(fd, answer, size);
	sys(close, fd);
	return r;
}

/* tcp-serve PORT: takes one connection and reads until the other side closes. Says LISTENING first.
 */
static long cmd_tcp_serve(char **words, const char *rest, char *answer, size_t size)
{
	char *any[] = {(char *)"0.0.0.0", words[0], NULL};
	struct sockaddr_in at;
	long fd, peer, r;

	if (!parse_address(any, &at))
		return -EINVAL;
	fd = open_socket(STREAM, 0);
	if (fd < 0)
		return fd;
	r = sys(bind, fd, &at, sizeof(at));
	if (r == 0)
		r = sys(listen, fd, 1);
	if (r == 0) {
		out("LISTENING\n");
		out_flush();
		peer = sys(accept, fd, NULL, NULL);
		r = peer < 0 ? peer : receive_all(peer, answer, size);
		if (peer >= 0)
			sys(close, peer);
	}
	sys(close, fd);
	return r;
}

const struct command commands_net[] = {
	{"ifup", 2, "IF IP/PREFIX [GATEWAY]", cmd_ifup},
	{"ifdown", 1, "IF", cmd_ifdown},
	{"ifinfo", 1, "IF", cmd_ifinfo},
	{"ping", 1, "IP [COUNT]", cmd_ping},
	{"tcp-send", 4, "IP PORT BYTES SEED", cmd_tcp_send},
	{"tcp-recv", 2, "IP PORT", cmd_tcp_recv},
	{"tcp-serve", 1, "PORT", cmd_tcp_serve},
	{0},
};
