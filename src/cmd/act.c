/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weft confirm, pause, resume, power-button, reboot, stop, kill: one request each, which the
 * machine does or refuses.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"
#include "cmd/commands.h"
#include "cmd/remote.h"
#include "control/client.h"

enum {
	OPTION_FORCE = 'f',
	OPTION_NO_WAIT = 'n',
};

static int ignore(const char *data, size_t size, void *opaque)
{
	return 0;
}

/* The events end with the machine. One that is gone already is what was wanted. */
static int wait_for_end(const char *name)
{
	cleanup_strbuf struct strbuf why = STRBUF_INIT;
	struct client_reply reply = {0};

	(void)!client_stream(name, "/v1/events", ignore, NULL, &reply, &why);
	json_decref(reply.json);
	return EXIT_DONE;
}

static int act(const struct command *command, const char *name, bool force, bool wait)
{
	char path[64];
	json_t *answer;
	int r;

	snprintf(path, sizeof(path), "/v1/%s", command->name);
	r = remote_call(command, name, "POST", path,
			force ? json_pack("{s:b}", "force", true) : NULL, &answer);
	if (!answer)
		return r;
	json_decref(answer);
	return wait ? wait_for_end(name) : r;
}

static int run(const struct command *command, int argc, char **argv)
{
	bool ends = strcmp(command->name, "stop") == 0 || strcmp(command->name, "kill") == 0;
	char name[MACHINE_NAME_SIZE];
	struct options options;
	bool force = false;
	int option, r;

	options_init(&options, command, argc, argv);
	while ((option = options_next(&options)) > 0) {
		if (option == OPTION_FORCE)
			force = true;
		else
			ends = false;
	}
	if (option < 0)
		return options.exit;
	r = remote_operand(command, &options, name);
	return r ? r : act(command, name, force, ends);
}

static const struct option_spec reboot_options[] = {
	{OPTION_FORCE, "force", NULL, "reset at once, without asking the guest"},
	{0},
};

static const struct option_spec end_options[] = {
	{OPTION_NO_WAIT, "no-wait", NULL, "do not wait for the end"},
	{0},
};

const struct command command_confirm = {
	.name = "confirm",
	.operands = "[NAME]",
	.summary = "keep what 'weft apply --confirm-timeout' did",
	.run = run,
};

const struct command command_pause = {
	.name = "pause",
	.operands = "[NAME]",
	.summary = "stop the guest's CPUs and devices until 'weft resume'",
	.run = run,
};

const struct command command_resume = {
	.name = "resume",
	.operands = "[NAME]",
	.summary = "let a paused guest go on",
	.run = run,
};

const struct command command_power_button = {
	.name = "power-button",
	.operands = "[NAME]",
	.summary = "press the power button of a machine",
	.details = "What the guest does about it is its own affair; 'weft stop' insists.",
	.run = run,
};

const struct command command_reboot = {
	.name = "reboot",
	.operands = "[NAME]",
	.summary = "power the guest off and start it with the newest description",
	.details = "The guest is asked by the power button, and has lifecycle.power-off-timeout to "
		   "follow.\n"
		   "Edits that wait for a restart take effect.",
	.options = reboot_options,
	.run = run,
};

const struct command command_stop = {
	.name = "stop",
	.operands = "[NAME]",
	.summary = "power a machine off, by force after lifecycle.power-off-timeout",
	.options = end_options,
	.run = run,
};

const struct command command_kill = {
	.name = "kill",
	.operands = "[NAME]",
	.summary = "end a machine at once",
	.options = end_options,
	.run = run,
};
