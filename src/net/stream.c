/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames over a stream socket, as passt and others speak: the length of the frame in 4 bytes,
 * big-endian, then the frame. The peer is hostile too: a length out of range ends the connection,
 * since nothing that follows it can be told apart.
 *
 * What comes is read in bulk into a buffer and parsed there; what goes is sent from the guest's
 * memory, and only the rest of a frame that the socket cuts in two is kept.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/iov.h"
#include "base/log.h"
#include "net/internal.h"

#define LENGTH     4u
#define MAX_FRAME  (NET_MAX_FRAME - NET_HEADER)
#define MAX_PIECES 1022u /* the kernel takes 1024, and one is ours */

struct net_stream {
	struct net_base base;
	bool gone; /* the peer, or its sanity */
	size_t in_start, in_end, out_start, out_end;
	unsigned char out[LENGTH + MAX_FRAME]; /* the rest of one frame */
	unsigned char in[LENGTH + MAX_FRAME];
};

static struct net_stream *to_stream(struct net_backend *backend)
{
	return container_of(backend, struct net_stream, base.backend);
}

static int lose(struct net_stream *stream, const char *why)
{
	if (!stream->gone)
		log_warn("the network backend is gone: %s", why);
	stream->gone = true;
	shutdown(stream->base.fds[0], SHUT_RDWR);
	return -EPIPE;
}

/* Sends what is left of the last frame. Return: 0, -EAGAIN, -EPIPE. */
static int send_rest(struct net_stream *stream)
{
	while (stream->out_start < stream->out_end) {
		ssize_t n = send(stream->base.fds[0], stream->out + stream->out_start,
				 stream->out_end - stream->out_start, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? -EAGAIN : lose(stream, strerror(errno));
		stream->out_start += (size_t)n;
	}
	return 0;
}

static ssize_t stream_send(struct net_backend *backend, unsigned queue, const struct iovec *iov,
			   unsigned n_iov)
{
	struct net_stream *stream = to_stream(backend);
	struct iovec pieces[1 + MAX_PIECES], *frame = pieces + 1;
	unsigned n = MIN(n_iov, MAX_PIECES);
	struct msghdr msg = {.msg_iov = pieces};
	size_t length;
	uint32_t head;
	ssize_t sent;
	int r;

	if (stream->gone)
		return -EPIPE;
	r = send_rest(stream);
	if (r < 0)
		return r;
	memcpy(frame, iov, n * sizeof(*iov));
	iov_skip(&frame, &n, NET_HEADER);
	length = (size_t)iov_length(frame, n);
	if (n_iov > MAX_PIECES || length < ETH_HLEN || length > MAX_FRAME)
		return -EMSGSIZE;
	head = htonl((uint32_t)length);
	*--frame = (struct iovec){&head, sizeof(head)};
	msg.msg_iov = frame;
	msg.msg_iovlen = n + 1;
	do
		sent = sendmsg(stream->base.fds[0], &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	if (sent < 0)
		return errno == EAGAIN ? -EAGAIN : lose(stream, strerror(errno));
	stream->out_start = 0;
	stream->out_end = iov_read(frame, n + 1, (uint64_t)sent, stream->out, sizeof(stream->out));
	return (ssize_t)(length + NET_HEADER);
}

static bool stream_flush(struct net_backend *backend, unsigned queue)
{
	struct net_stream *stream = to_stream(backend);

	return !stream->gone && send_rest(stream) == -EAGAIN;
}

/* The length of the first frame of the buffer when all of it is there, 0 when not, or -EPIPE. */
static ssize_t first_frame(struct net_stream *stream)
{
	size_t have = stream->in_end - stream->in_start;
	uint32_t length;

	if (have < LENGTH)
		return 0;
	memcpy(&length, stream->in + stream->in_start, LENGTH);
	length = ntohl(length);
	if (length < ETH_HLEN || length > MAX_FRAME)
		return lose(stream, "it sent a frame of an impossible length");
	return have - LENGTH < length ? 0 : (ssize_t)length;
}

static bool stream_has_frames(struct net_backend *backend, unsigned queue)
{
	struct net_stream *stream = to_stream(backend);

	return !stream->gone && first_frame(stream) != 0;
}

/* Reads as much as the buffer has room for. Return: 0, -EAGAIN, -EPIPE. */
static int fill(struct net_stream *stream)
{
	ssize_t n;

	memmove(stream->in, stream->in + stream->in_start, stream->in_end - stream->in_start);
	stream->in_end -= stream->in_start;
	stream->in_start = 0;
	do
		n = recv(stream->base.fds[0], stream->in + stream->in_end,
			 sizeof(stream->in) - stream->in_end, MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n == 0)
		return lose(stream, "it closed the connection");
	if (n < 0)
		return errno == EAGAIN ? -EAGAIN : lose(stream, strerror(errno));
	stream->in_end += (size_t)n;
	return 0;
}

static ssize_t stream_receive(struct net_backend *backend, unsigned queue, const struct iovec *iov,
			      unsigned n_iov)
{
	static const unsigned char header[NET_HEADER];
	struct net_stream *stream = to_stream(backend);
	ssize_t length;

	if (stream->gone)
		return -EPIPE;
	while ((length = first_frame(stream)) == 0) {
		int r = fill(stream);

		if (r < 0)
			return r;
	}
	if (length < 0)
		return length;
	iov_write(iov, n_iov, 0, header, sizeof(header));
	iov_write(iov, n_iov, NET_HEADER, stream->in + stream->in_start + LENGTH, (size_t)length);
	stream->in_start += LENGTH + (size_t)length;
	return length + NET_HEADER;
}

static void stream_close(struct net_backend *backend)
{
	struct net_stream *stream = to_stream(backend);

	fd_close(stream->base.fds[0]);
	free(stream);
}

static const struct net_backend_ops stream_ops = {
	.send = stream_send,
	.receive = stream_receive,
	.has_frames = stream_has_frames,
	.flush = stream_flush,
	.close = stream_close,
};

int net_stream_create(int fd, struct net_backend **ret)
{
	struct net_stream *stream = malloc(sizeof(*stream));

	if (!stream) {
		fd_close(fd);
		return -ENOMEM;
	}
	/* Not the buffers: their pages come when they are used. */
	memset(stream, 0, offsetof(struct net_stream, out));
	stream->base.fds[0] = fd;
	stream->base.backend.ops = &stream_ops;
	stream->base.backend.n_queues = 1;
	*ret = &stream->base.backend;
	return 0;
}
