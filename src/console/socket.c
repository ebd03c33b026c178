/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The unix socket sink: every peer sees the ring and then what is new, and may type. The socket is
 * its owner's alone; one that a dead process left behind is replaced, one that answers is not.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "console/sink.h"
#include "loop/loop.h"

#define MAX_PEERS 16

struct socket_sink {
	struct sink sink;
	int fd;
	bool bound;
	char *bound_as;   /* the name it has before the start, beside its place; NULL: its own */
	struct stat made; /* the file that is ours to remove */
	struct loop_source *source;
	unsigned n_peers;
};

static struct socket_sink *of(struct sink *sink)
{
	return container_of(sink, struct socket_sink, sink);
}

static void drop_peer(struct port *port)
{
	of(port->sink)->n_peers--;
	port_destroy(port);
}

/* A peer that only listens stays: its place is taken when others need it. */
static struct port *find_silent_peer(struct socket_sink *sock)
{
	struct port *port;

	list_for_each (port, &sock->sink.ports, link)
		if (port->in < 0)
			return port;
	return NULL;
}

static void on_peer(int listener, unsigned events, void *opaque)
{
	struct socket_sink *sock = opaque;
	cleanup_fd int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct port *port;

	if (fd < 0)
		return;
	if (sock->n_peers == MAX_PEERS && (port = find_silent_peer(sock)))
		drop_peer(port);
	if (sock->n_peers == MAX_PEERS) {
		log_info("%s: a peer was refused: there are %u", console_id(sock->sink.console),
			 MAX_PEERS);
		return;
	}
	if (port_create(&sock->sink, fd, fd, true, &port) < 0)
		return;
	TAKE_FD(fd);
	port->owns_out = true;
	sock->n_peers++;
	port_flush(port);
}

/* Whether a process listens at @address; an error is taken for yes. */
static bool somebody_answers(const struct sockaddr_un *address)
{
	cleanup_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	return fd < 0 || connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ||
	       errno != ECONNREFUSED;
}

static int bind_socket(struct socket_sink *sock, const char *path, struct sink_error *error)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct stat st;

	if (strlen(path) >= sizeof(address.sun_path))
		return sink_fail(error, ENAMETOOLONG,
				 "the path of a socket has at most %zu bytes, this one has %zu",
				 sizeof(address.sun_path) - 1, strlen(path));
	memcpy(address.sun_path, path, strlen(path) + 1);
	if (bind(sock->fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return 0;
	if (errno != EADDRINUSE)
		return sink_fail(error, errno, "cannot make the socket '%s': %s", path,
				 strerror(errno));
	if (lstat(path, &st) == 0 && !S_ISSOCK(st.st_mode))
		return sink_fail(error, EEXIST, "'%s' exists and is not a socket", path);
	if (somebody_answers(&address)) {
		sink_hint(error, "is the machine running already?");
		return sink_fail(error, EADDRINUSE, "another process listens at '%s'", path);
	}
	unlink(path);
	if (bind(sock->fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return sink_fail(error, errno, "cannot replace the socket '%s': %s", path,
				 strerror(errno));
	return 0;
}

/* Where another console listens, and will not when this one starts, it has another name until then.
 */
static int bind_or_wait(struct socket_sink *sock, struct sink_error *error)
{
	const char *path = sock->sink.spec.path;

	if (console_find_rival(sock->sink.console, &sock->sink.spec)) {
		if (asprintf(&sock->bound_as, "%s.%d", path, (int)getpid()) < 0) {
			sock->bound_as = NULL;
			return sink_fail(error, ENOMEM, "cannot make the socket '%s'", path);
		}
		path = sock->bound_as;
	}
	return bind_socket(sock, path, error);
}

static int start_to_listen(struct socket_sink *sock, struct sink_error *error)
{
	struct sink *sink = &sock->sink;
	int r;

	sock->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (sock->fd < 0)
		return sink_fail(error, errno, "cannot make a socket: %s", strerror(errno));
	/* bind() takes the mode of the descriptor: the file is never open to others. */
	if (fchmod(sock->fd, 0600) < 0)
		return sink_fail(error, errno, "cannot protect a socket: %s", strerror(errno));
	r = bind_or_wait(sock, error);
	if (r < 0)
		return r;
	sock->bound = stat(sock->bound_as ? sock->bound_as : sink->spec.path, &sock->made) == 0;
	if (listen(sock->fd, MAX_PEERS) < 0)
		return sink_fail(error, errno, "cannot listen at '%s': %s", sink->spec.path,
				 strerror(errno));
	return loop_add_fd(console_loop(sink->console), sock->fd, LOOP_READ, on_peer, sock,
			   &sock->source);
}

static int socket_open(struct sink *sink, struct sink_error *error)
{
	return start_to_listen(of(sink), error);
}

/* Who connects finds the other console's or this one. */
static void socket_start(struct sink *sink)
{
	cleanup_free char *name = TAKE_PTR(of(sink)->bound_as);

	if (!name || rename(name, sink->spec.path) == 0)
		return;
	log_warn("%s: cannot make the socket '%s': %s", console_id(sink->console), sink->spec.path,
		 strerror(errno));
	unlink(name);
}

static bool has_name(const struct socket_sink *sock, const char *name)
{
	struct stat st;

	return sock->bound && stat(name, &st) == 0 && st.st_dev == sock->made.st_dev &&
	       st.st_ino == sock->made.st_ino;
}

static void stop_to_listen(struct socket_sink *sock)
{
	cleanup_free char *waiting = TAKE_PTR(sock->bound_as);
	const char *name = waiting ? waiting : sock->sink.spec.path;

	sock->source = loop_source_remove(sock->source);
	sock->fd = fd_close(sock->fd);
	if (has_name(sock, name))
		unlink(name);
	sock->bound = false;
}

static void socket_close(struct sink *sink)
{
	stop_to_listen(of(sink));
}

/* A socket whose name was taken cannot be named again: another one listens, for the same peers. */
static void socket_regain(struct sink *sink)
{
	struct socket_sink *sock = of(sink);
	struct sink_error error;

	if (has_name(sock, sink->spec.path))
		return;
	stop_to_listen(sock);
	if (start_to_listen(sock, &error) < 0)
		log_warn("%s: %s", console_id(sink->console), error.message);
}

static void socket_hangup(struct port *port, bool write)
{
	struct pollfd pfd = {.fd = port->out};

	/* The end of what a peer types is not the end of what it reads: printf … | nc -U. */
	if (!write && errno == 0 && poll(&pfd, 1, 0) == 0)
		port_end_input(port);
	else
		drop_peer(port);
}

const struct sink_ops sink_socket_ops = {
	.size = sizeof(struct socket_sink),
	.open = socket_open,
	.start = socket_start,
	.close = socket_close,
	.regain = socket_regain,
	.hangup = socket_hangup,
};
