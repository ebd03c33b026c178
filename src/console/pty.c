/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pty sink. The kernel does not say when somebody opens the other end, it only says when all
 * have left; so while nobody is there the slave's inode is watched, and nothing runs. Every reader
 * begins with the ring: what an earlier one left unread is thrown away.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>

#include "base/fd.h"
#include "base/log.h"
#include "console/sink.h"
#include "loop/loop.h"

struct pty_sink {
	struct sink sink;
	int master;
	int watch; /* inotify */
	struct loop_source *watch_source;
	char name[64];   /* of the slave */
	char *link_made; /* the link under the name it has before the start, or NULL */
	bool linked;
};

static struct pty_sink *of(struct sink *sink)
{
	return container_of(sink, struct pty_sink, sink);
}

static void look_at_window(struct sink *sink)
{
	struct winsize size;

	if (console_wants_size(sink->console) && ioctl(of(sink)->master, TIOCGWINSZ, &size) == 0)
		console_set_size(sink->console, size.ws_col, size.ws_row);
}

/* Somebody opened the slave, perhaps: the master says whether they are there. */
static void greet_reader(struct pty_sink *pty)
{
	struct pollfd pfd = {.fd = pty->master};
	struct port *port;

	if (!list_empty(&pty->sink.ports) || poll(&pfd, 1, 0) != 0)
		return;
	if (port_create(&pty->sink, pty->master, pty->master, false, &port) < 0)
		return;
	look_at_window(&pty->sink);
	port_flush(port);
}

static void on_watch(int fd, unsigned events, void *opaque)
{
	char buf[4096];

	/* What happened does not matter, only that something did. */
	while (read(fd, buf, sizeof(buf)) > 0)
		;
	greet_reader(opaque);
}

static int open_master(struct pty_sink *pty)
{
	struct termios termios;
	int slave;

	pty->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	if (pty->master < 0 || grantpt(pty->master) < 0 || unlockpt(pty->master) < 0)
		return -errno;
	if (ptsname_r(pty->master, pty->name, sizeof(pty->name)) != 0)
		return -errno;
	if (tcgetattr(pty->master, &termios) < 0)
		return -errno;
	cfmakeraw(&termios);
	if (tcsetattr(pty->master, TCSANOW, &termios) < 0)
		return -errno;
	/* Only after the first close does the master tell whether anybody is there. */
	slave = open(pty->name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0)
		return -errno;
	close(slave);
	return 0;
}

/* Beside its place. */
static int make_link(struct pty_sink *pty, struct sink_error *error)
{
	const char *link = pty->sink.spec.path;
	cleanup_free char *tmp = NULL;
	struct stat st;

	if (lstat(link, &st) == 0 && !S_ISLNK(st.st_mode))
		return sink_fail(error, EEXIST, "'%s' exists and is not a symbolic link", link);
	if (asprintf(&tmp, "%s.%d", link, (int)getpid()) < 0)
		return sink_fail(error, ENOMEM, "cannot make the link '%s'", link);
	unlink(tmp);
	if (symlink(pty->name, tmp) < 0)
		return sink_fail(error, errno, "cannot make the link '%s': %s", link,
				 strerror(errno));
	pty->link_made = TAKE_PTR(tmp);
	return 0;
}

/* Whoever follows the link finds the old one or the new one. */
static void put_link(struct pty_sink *pty)
{
	cleanup_free char *tmp = TAKE_PTR(pty->link_made);

	if (!tmp)
		return;
	pty->linked = rename(tmp, pty->sink.spec.path) == 0;
	if (pty->linked)
		return;
	log_warn("%s: cannot make the link '%s': %s", console_id(pty->sink.console),
		 pty->sink.spec.path, strerror(errno));
	unlink(tmp);
}

static bool has_link(const struct pty_sink *pty)
{
	char target[sizeof(pty->name)];
	ssize_t n = readlink(pty->sink.spec.path, target, sizeof(target));

	return n == (ssize_t)strlen(pty->name) && memcmp(target, pty->name, (size_t)n) == 0;
}

static void pty_regain(struct sink *sink)
{
	struct sink_error error;

	if (has_link(of(sink)))
		return;
	if (make_link(of(sink), &error) < 0)
		log_warn("%s: %s", console_id(sink->console), error.message);
	put_link(of(sink));
}

static int pty_open(struct sink *sink, struct sink_error *error)
{
	struct pty_sink *pty = of(sink);
	int r;

	pty->watch = -1;
	r = open_master(pty);
	if (r < 0)
		return sink_fail(error, -r, "cannot make a pty: %s", strerror(-r));
	pty->watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (pty->watch < 0 || inotify_add_watch(pty->watch, pty->name, IN_OPEN) < 0)
		return sink_fail(error, errno, "cannot watch the pty %s: %s", pty->name,
				 strerror(errno));
	r = loop_add_fd(console_loop(sink->console), pty->watch, LOOP_READ, on_watch, pty,
			&pty->watch_source);
	if (r < 0)
		return sink_fail(error, -r, "cannot watch the pty %s: %s", pty->name, strerror(-r));
	return sink->spec.path ? make_link(pty, error) : 0;
}

static void pty_start(struct sink *sink)
{
	put_link(of(sink));
	/* Its user must know the name, whatever the level of the log. */
	dprintf(STDERR_FILENO, "weft: %s: %s\n", console_id(sink->console), of(sink)->name);
	greet_reader(of(sink));
}

static void pty_close(struct sink *sink)
{
	struct pty_sink *pty = of(sink);

	pty->watch_source = loop_source_remove(pty->watch_source);
	pty->watch = fd_close(pty->watch);
	if (pty->link_made)
		unlink(pty->link_made);
	free(pty->link_made);
	if (pty->linked && has_link(pty))
		unlink(sink->spec.path);
	pty->master = fd_close(pty->master);
}

static void pty_hangup(struct port *port, bool write)
{
	struct pty_sink *pty = of(port->sink);

	port_destroy(port);
	tcflush(pty->master, TCIOFLUSH);
	/* The next reader may have come in between. */
	greet_reader(pty);
}

const struct sink_ops sink_pty_ops = {
	.size = sizeof(struct pty_sink),
	.open = pty_open,
	.start = pty_start,
	.close = pty_close,
	.regain = pty_regain,
	.active = look_at_window,
	.hangup = pty_hangup,
};
