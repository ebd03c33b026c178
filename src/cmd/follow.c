/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weft events and weft logs: what a machine tells as it comes.
 */
#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <unistd.h>

#include "base/strbuf.h"
#include "cmd/commands.h"
#include "cmd/remote.h"
#include "control/client.h"

static int copy(const char *data, size_t size, void *opaque)
{
	while (size) {
		ssize_t n = write(STDOUT_FILENO, data, size);

		if (n < 0 && errno != EINTR)
			return -errno;
		data += MAX(n, 0);
		size -= (size_t)MAX(n, 0);
	}
	return 0;
}

static int follow(const struct command *command, const char *name, const char *path)
{
	cleanup_strbuf struct strbuf why = STRBUF_INIT;
	struct client_reply reply = {0};
	int r = client_stream(name, path, copy, NULL, &reply, &why);

	if (reply.json)
		return remote_refused(command, reply.status, reply.json);
	/* Whoever reads the output has enough of it. */
	if (r == -EPIPE)
		return EXIT_DONE;
	return r < 0 ? remote_unreachable(command, &why) : EXIT_DONE;
}

static int run_events(const struct command *command, int argc, char **argv)
{
	char name[MACHINE_NAME_SIZE];
	struct options options;
	int r;

	options_init(&options, command, argc, argv);
	if (options_next(&options) < 0)
		return options.exit;
	r = remote_operand(command, &options, name);
	return r ? r : follow(command, name, "/v1/events");
}

static int run_logs(const struct command *command, int argc, char **argv)
{
	const char *path = "/v1/logs";
	char name[MACHINE_NAME_SIZE];
	struct options options;
	int option, r;

	options_init(&options, command, argc, argv);
	while ((option = options_next(&options)) > 0)
		path = "/v1/logs?follow=1";
	if (option < 0)
		return options.exit;
	r = remote_operand(command, &options, name);
	return r ? r : follow(command, name, path);
}

static const struct option_spec logs_options[] = {
	{'f', "follow", NULL, "go on with new lines as they come"},
	{0},
};

const struct command command_events = {
	.name = "events",
	.operands = "[NAME]",
	.summary = "tell what happens to a machine as it happens, a JSON object a line",
	.details = "The first line is the status as it is now; the last comes when the machine "
		   "ends. A reader\n"
		   "that does not keep up is dropped, with a line of type 'dropped'.",
	.run = run_events,
};

const struct command command_logs = {
	.name = "logs",
	.operands = "[NAME]",
	.summary = "show the newest lines of a machine's own log",
	.details = "It keeps the last 64 KiB in memory, whatever 'weft run' prints of it. What the "
		   "guest says is\n"
		   "on its console: 'weft console'.",
	.options = logs_options,
	.run = run_logs,
};
