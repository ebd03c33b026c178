/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the backends share, and the addresses of devices.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/sha256.h"
#include "net/internal.h"

int net_backend_fd(const struct net_backend *backend, unsigned queue)
{
	return container_of(backend, struct net_base, backend)->fds[queue];
}

struct net_backend *net_backend_close(struct net_backend *backend)
{
	struct net_passt *passt;

	if (!backend)
		return NULL;
	passt = backend->passt;
	backend->ops->close(backend);
	net_passt_stop(passt);
	return NULL;
}

void net_derive_mac(const char *machine, const char *device, uint8_t ret_mac[6])
{
	uint8_t digest[SHA256_SIZE];
	struct sha256 hash;

	/* With the NUL between them, so that "a" + "bc" is not "ab" + "c". */
	sha256_init(&hash);
	sha256_update(&hash, "weft mac", sizeof("weft mac"));
	sha256_update(&hash, machine, strlen(machine) + 1);
	sha256_update(&hash, device, strlen(device));
	sha256_final(&hash, digest);
	memcpy(ret_mac, digest, 6);
	ret_mac[0] = (uint8_t)((ret_mac[0] | 0x02) & ~0x01);
}

int net_fail(struct net_failure *failure, int error, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(failure->message, sizeof(failure->message), fmt, ap);
	va_end(ap);
	failure->hint[0] = '\0';
	return error;
}

void net_hint(struct net_failure *failure, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(failure->hint, sizeof(failure->hint), fmt, ap);
	va_end(ap);
}
