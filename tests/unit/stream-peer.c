/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

#include "net/net.h"
#include "tests/unit/cu-tap.h"
#include "tests/unit/stream-peer.h"

struct net_backend *stream_pair(int *ret_peer)
{
	struct net_backend *backend;
	int fds[2];

	CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	CU_ASSERT_EQUAL_FATAL(net_stream_create(fds[0], &backend), 0);
	*ret_peer = fds[1];
	return backend;
}

size_t put_frame(unsigned char *at, size_t len, unsigned char fill)
{
	uint32_t head = htonl((uint32_t)len);

	memcpy(at, &head, 4);
	memset(at + 4, fill, len);
	return len + 4;
}
