/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forwards of ports as people write them, and as passt wants them.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "net/net.h"

/* A decimal number of 1 to 65535, and what follows it; NULL when there is none. */
static const char *port(const char *s, unsigned *ret)
{
	unsigned value = 0;
	const char *p;

	for (p = s; *p >= '0' && *p <= '9' && p - s < 5; p++)
		value = value * 10 + (unsigned)(*p - '0');
	if (p == s || value == 0 || value > 65535)
		return NULL;
	*ret = value;
	return p;
}

/* PORT or PORT-PORT. */
static const char *ports(const char *s, unsigned *ret_n)
{
	unsigned first, last;

	s = port(s, &first);
	if (!s)
		return NULL;
	last = first;
	if (*s == '-')
		s = port(s + 1, &last);
	if (!s || last < first)
		return NULL;
	*ret_n = last - first + 1;
	return s;
}

/* ADDRESS: before the ports, an IPv6 address in brackets. Return: what follows, NULL when it is
 * none. */
static const char *address(const char *s, char *ret, size_t size)
{
	const char *end = *s == '[' ? strchr(s, ']') : strchr(s, ':');
	unsigned char parsed[16];
	int family = *s == '[' ? AF_INET6 : AF_INET;
	size_t len;

	*ret = '\0';
	if (*s != '[' && strspn(s, "0123456789-") == strcspn(s, ":"))
		return s;
	if (!end)
		return NULL;
	s += *s == '[';
	len = (size_t)(end - s);
	if (len >= size)
		return NULL;
	memcpy(ret, s, len);
	ret[len] = '\0';
	end += *end == ']';
	return inet_pton(family, ret, parsed) == 1 && *end == ':' ? end + 1 : NULL;
}

bool net_passt_forward(const char *forward, char *ret_option, char *ret_argument, size_t size)
{
	char host[INET6_ADDRSTRLEN];
	unsigned n_host, n_guest;
	const char *s = forward, *rest;
	int n;

	*ret_option = 't';
	if (strncmp(s, "tcp:", 4) == 0 || strncmp(s, "udp:", 4) == 0) {
		*ret_option = *s;
		s += 4;
	}
	s = address(s, host, sizeof(host));
	rest = s ? ports(s, &n_host) : NULL;
	if (rest && *rest == ':') {
		rest = ports(rest + 1, &n_guest);
		if (n_guest != n_host)
			return false;
	}
	if (!rest || *rest)
		return false;
	n = snprintf(ret_argument, size, "%s%s%s", host, *host ? "/" : "", s);
	return n > 0 && (size_t)n < size;
}
