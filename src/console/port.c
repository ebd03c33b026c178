/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A port: bytes between a descriptor and a console. Output is read out of the console's ring at the
 * port's own position, so that a slow reader costs no memory; input stops when the guest's buffer
 * is full, so that what was typed waits in the kernel and is not lost.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/fd.h"
#include "base/log.h"
#include "console/sink.h"
#include "loop/loop.h"

#define CHUNK 4096

static ssize_t port_send(struct port *port, const void *buf, size_t len)
{
	ssize_t n;

	do
		n = port->is_socket ? send(port->out, buf, len, MSG_NOSIGNAL | MSG_DONTWAIT)
				    : write(port->out, buf, len);
	while (n < 0 && errno == EINTR);
	return n;
}

static void say_lost(struct port *port)
{
	if (port->lost_said)
		return;
	port->lost_said = true;
	log_warn("%s: an output is too slow and loses bytes (said once)",
		 console_id(port->sink->console));
}

/* Return: 1 all is written, 0 it would block, negative: the other end is gone. */
static int write_out(struct port *port)
{
	struct console *console = port->sink->console;
	uint8_t buf[CHUNK];

	/* A bound: the guest may write on as fast as this does. */
	for (size_t sent = 0; sent < CONSOLE_RING_SIZE;) {
		uint64_t before = port->position;
		size_t len = console_peek(console, &port->position, buf, sizeof(buf));
		ssize_t n;

		/* A new port starts wherever the ring does. */
		if (port->position != before && before != 0)
			say_lost(port);
		if (len == 0)
			return 1;
		n = port_send(port, buf, len);
		if (n < 0)
			return errno == EAGAIN ? 0 : -errno;
		port->position += (uint64_t)n;
		sent += (size_t)n;
	}
	return 0;
}

static void on_writable(int fd, unsigned events, void *opaque)
{
	port_flush(opaque);
}

void port_flush(struct port *port)
{
	struct sink *sink = port->sink;
	int r;

	if (port->out < 0)
		return;
	r = write_out(port);
	if (r == 0 && !port->out_source)
		r = loop_add_fd(console_loop(sink->console), port->out, LOOP_WRITE, on_writable,
				port, &port->out_source);
	else if (port->out_source)
		r = MIN(r, loop_source_set_events(port->out_source, r == 0 ? LOOP_WRITE : 0));
	/* A file cannot be watched and does not block: the guest wrote on, and rang for the rest.
	 */
	if (r < 0 && r != -EPERM) {
		errno = -r;
		sink->ops->hangup(port, true);
	}
}

/* Return: false when reading must stop, for now or for ever; the port may be gone then. */
static bool read_in(struct port *port)
{
	struct sink *sink = port->sink;
	struct console *console = sink->console;
	uint8_t buf[512];
	size_t room = console_input_room(console);
	ssize_t n;

	if (room == 0 || (sink->ops->may_read && !sink->ops->may_read(sink))) {
		if (port->in_source)
			loop_source_set_events(port->in_source, 0);
		return false;
	}
	errno = 0;
	n = read(port->in, buf, MIN(room, sizeof(buf)));
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {
		sink->ops->hangup(port, false);
		return false;
	}
	if (sink->ops->active)
		sink->ops->active(sink);
	if (sink->ops->filter)
		n = (ssize_t)sink->ops->filter(sink, buf, (size_t)n);
	console_input(console, buf, (size_t)n);
	return true;
}

static void on_readable(int fd, unsigned events, void *opaque)
{
	read_in(opaque);
}

void port_resume(struct port *port)
{
	if (port->in < 0)
		return;
	if (port->in_source)
		loop_source_set_events(port->in_source, LOOP_READ);
	else if (port->polls_in)
		while (read_in(port))
			;
}

void port_end_input(struct port *port)
{
	port->in_source = loop_source_remove(port->in_source);
	port->polls_in = false;
	port->in = -1;
}

int port_create(struct sink *sink, int in, int out, bool is_socket, struct port **ret)
{
	struct port *port = calloc(1, sizeof(*port));
	int r = 0;

	if (!port)
		return -ENOMEM;
	port->sink = sink;
	port->in = in;
	port->out = out;
	port->is_socket = is_socket;
	if (in >= 0)
		r = loop_add_fd(console_loop(sink->console), in, LOOP_READ, on_readable, port,
				&port->in_source);
	if (r == -EPERM) {
		port->polls_in = true;
		r = 0;
	}
	if (r < 0) {
		free(port);
		return r;
	}
	list_add_tail(&sink->ports, &port->link);
	*ret = port;
	return 0;
}

struct port *port_destroy(struct port *port)
{
	if (!port)
		return NULL;
	loop_source_remove(port->in_source);
	loop_source_remove(port->out_source);
	list_del(&port->link);
	if (port->owns_out)
		fd_close(port->out);
	free(port);
	return NULL;
}

static int64_t nanoseconds_until(uint64_t deadline)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)(deadline - (uint64_t)now.tv_sec * 1000000000ULL - (uint64_t)now.tv_nsec);
}

void port_drain(struct port *port, uint64_t deadline)
{
	if (port->out < 0)
		return;
	while (write_out(port) == 0) {
		struct pollfd pfd = {.fd = port->out, .events = POLLOUT};
		int64_t left = nanoseconds_until(deadline);

		if (left <= 0 || poll(&pfd, 1, (int)(left / 1000000) + 1) <= 0) {
			say_lost(port);
			return;
		}
	}
}
