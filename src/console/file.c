/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file sink: output only, appended or from the start. A FIFO or a device works too.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "console/sink.h"

#define FLAGS (O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)

struct file_sink {
	struct sink sink;
	int fd;
	bool created; /* and not started yet: nobody asked for an empty file */
};

static int file_open(struct sink *sink, struct sink_error *error)
{
	struct file_sink *file = container_of(sink, struct file_sink, sink);
	struct port *port;

	file->fd = open(sink->spec.path, FLAGS);
	if (file->fd < 0 && errno == ENOENT) {
		/* What a guest prints may be secret: the owner's alone, unless the file is there
		 * already. */
		file->fd = open(sink->spec.path, FLAGS | O_CREAT | O_EXCL, 0600);
		file->created = file->fd >= 0;
	}
	if (file->fd < 0)
		return sink_fail(error, errno, "cannot open '%s': %s", sink->spec.path,
				 errno == ENXIO ? "nobody reads this pipe" : strerror(errno));
	return port_create(sink, -1, file->fd, false, &port);
}

static void file_start(struct sink *sink)
{
	struct file_sink *file = container_of(sink, struct file_sink, sink);
	struct stat st;

	file->created = false;
	if (sink->spec.append || fstat(file->fd, &st) < 0 || !S_ISREG(st.st_mode))
		return;
	if (ftruncate(file->fd, 0) < 0)
		log_warn("%s: cannot empty '%s': %s", console_id(sink->console), sink->spec.path,
			 strerror(errno));
}

static void file_close(struct sink *sink)
{
	struct file_sink *file = container_of(sink, struct file_sink, sink);

	file->fd = fd_close(file->fd);
	if (file->created)
		unlink(sink->spec.path);
}

static void file_hangup(struct port *port, bool write)
{
	struct sink *sink = port->sink;

	log_warn("%s: cannot write '%s': %s: there will be no more output in it",
		 console_id(sink->console), sink->spec.path, strerror(errno));
	port_destroy(port);
}

const struct sink_ops sink_file_ops = {
	.size = sizeof(struct file_sink),
	.open = file_open,
	.start = file_start,
	.close = file_close,
	.hangup = file_hangup,
};
