/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weft run: boots a description, and stays until the machine ends.
 */
#include "base/log.h"
#include "cmd/command.h"
#include "cmd/commands.h"
#include "cmd/overrides.h"
#include "control/server.h"
#include "reload/supervisor.h"

static int run(const struct command *command, int argc, char **argv)
{
	struct overrides overrides = {0};
	struct options options;
	const char *file;
	int option;

	options_init(&options, command, argc, argv);
	while ((option = options_next(&options)) > 0) {
		switch (option) {
		case 's':
		case 'D':
			if (overrides_add(&overrides, &options, option))
				return EXIT_USAGE;
			break;
		case 'v':
			if (log_level < LOG_DEBUG)
				log_level++;
			break;
		}
	}
	if (option < 0)
		return options.exit;
	file = options_file(&options);
	if (!file)
		return EXIT_USAGE;
	return supervisor_run(file, &overrides.document, &control_attendant);
}

static const struct option_spec option_specs[] = {
	OVERRIDES_OPTION,
	{'v', "verbose", NULL, "log more: -v what happens, -vv every step"},
	{0},
};

const struct command command_run = {
	.name = "run",
	.operands = "FILE",
	.summary = "run a machine until it powers off",
	.details =
		"SIGTERM and SIGINT press the power button; the machine is stopped by force after\n"
		"lifecycle.power-off-timeout, or at once by a second signal. A guest that resets is\n"
		"started again with the newest valid description. Root is not needed, but access to\n"
		"/dev/kvm is, and CAP_NET_ADMIN for a tap that does not exist yet.",
	.options = option_specs,
	.run = run,
};
