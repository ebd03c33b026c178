/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weft console: the terminal becomes the console of a guest, from its last output on. Ctrl-]
 * leaves; the machine is not touched by that.
 */
#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "cmd/commands.h"
#include "cmd/remote.h"
#include "control/client.h"

#define LEAVE 0x1d /* Ctrl-] */

/* --- The terminal. --- */

static struct termios before;
static bool raw;

/* Also from a signal's handler: tcsetattr() may be called there. */
static void restore(void)
{
	if (raw)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
	raw = false;
}

static void on_signal(int signal)
{
	restore();
	_exit(128 + signal);
}

static void set_raw(void)
{
	struct termios settings;

	if (tcgetattr(STDIN_FILENO, &before) < 0)
		return;
	settings = before;
	cfmakeraw(&settings);
	raw = tcsetattr(STDIN_FILENO, TCSADRAIN, &settings) == 0;
	signal(SIGTERM, on_signal);
	signal(SIGHUP, on_signal);
}

/* --- Bytes. --- */

static int write_all(int fd, const char *data, size_t size)
{
	while (size) {
		ssize_t n = write(fd, data, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		size -= (size_t)n;
	}
	return 0;
}

/* Return: 1 to go on, 0 at the end of what was typed, negative: the console is gone. */
static int from_terminal(int console)
{
	char data[512], *leave = NULL;
	ssize_t n = read(STDIN_FILENO, data, sizeof(data));

	if (n <= 0)
		return n < 0 && errno == EINTR;
	/* Only a person can mean the key: what comes from a file is the guest's, every byte of it.
	 */
	if (raw)
		leave = memchr(data, LEAVE, (size_t)n);
	if (write_all(console, data, (size_t)(leave ? leave - data : n)) < 0)
		return -EPIPE;
	return !leave;
}

static int from_console(int console)
{
	char data[4096];
	ssize_t n = read(console, data, sizeof(data));

	if (n < 0 && errno == EINTR)
		return 1;
	if (n <= 0)
		return -EPIPE;
	return write_all(STDOUT_FILENO, data, (size_t)n) < 0 ? -EPIPE : 1;
}

/* Until somebody leaves. A file as input may end; what the guest says then still comes. */
static int talk(int console)
{
	struct pollfd fds[] = {
		{.fd = console, .events = POLLIN},
		{.fd = STDIN_FILENO, .events = POLLIN},
	};

	for (;;) {
		int r = 1;

		if (poll(fds, ARRAY_SIZE(fds), -1) < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		if (fds[0].revents)
			r = from_console(console);
		if (r > 0 && fds[1].revents)
			r = from_terminal(console);
		if (r < 0 || (r == 0 && raw))
			return r;
		if (r == 0)
			fds[1].fd = -1;
	}
}

/* --- Which device. --- */

/* The only device that can be a console, by its type. */
static int choose(const struct command *command, const char *name, char *ret_id, size_t size)
{
	cleanup_strbuf struct strbuf list = STRBUF_INIT;
	json_t *status, *device;
	const char *id;
	size_t n = 0;
	int r = remote_call(command, name, "GET", "/v1/status", NULL, &status);

	if (!status)
		return r;
	json_object_foreach(json_object_get(status, "devices"), id, device)
	{
		const char *type = json_text(device, "type");

		if (strcmp(type, "serial") && strcmp(type, "virtio-console"))
			continue;
		strbuf_printf(&list, "%s%s", n++ ? ", " : "", id);
		snprintf(ret_id, size, "%s", id);
	}
	json_decref(status);
	if (n == 1)
		return 0;
	return n ? usage_error(command, "which device? There are %s", list.text)
		 : usage_error(command, "'%s' has no serial port and no console", name);
}

static int connect_console(const struct command *command, const char *name, const char *id)
{
	cleanup_strbuf struct strbuf why = STRBUF_INIT, first = STRBUF_INIT;
	struct client_reply reply = {0};
	cleanup_fd int fd = -1;

	if (client_attach(name, id, &fd, &first, &reply, &why) < 0)
		return remote_unreachable(command, &why);
	if (reply.json)
		return remote_refused(command, reply.status, reply.json);
	signal(SIGPIPE, SIG_IGN); /* a console that hangs up is an end like any other */
	if (isatty(STDIN_FILENO)) {
		log_warn("this is '%s' of '%s'; Ctrl-] leaves", id, name);
		set_raw();
	}
	if (first.size && strbuf_write(&first, STDOUT_FILENO) < 0)
		return EXIT_HOST;
	talk(fd);
	restore();
	return EXIT_DONE;
}

static int run(const struct command *command, int argc, char **argv)
{
	char name[MACHINE_NAME_SIZE], id[MACHINE_NAME_SIZE];
	struct options options;
	int r;

	options_init(&options, command, argc, argv);
	if (options_next(&options) < 0)
		return options.exit;
	if (options.n_operands > 2)
		return usage_error(command, "one device of one machine at a time");
	r = remote_machine(command, options.n_operands ? options.operands[0] : NULL, name);
	if (r)
		return r;
	if (options.n_operands == 2)
		r = snprintf(id, sizeof(id), "%s", options.operands[1]) < (int)sizeof(id)
			    ? 0
			    : usage_error(command, "'%s' is not a device", options.operands[1]);
	else
		r = choose(command, name, id, sizeof(id));
	return r ? r : connect_console(command, name, id);
}

const struct command command_console = {
	.name = "console",
	.operands = "[NAME [DEVICE]]",
	.summary = "be at the console of a guest; Ctrl-] leaves",
	.details = "The last 64 KiB of its output come first. DEVICE is a serial port or a "
		   "virtio-console, and\n"
		   "may be left out when there is one.",
	.run = run,
};
