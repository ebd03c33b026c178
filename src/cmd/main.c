/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weft COMMAND …: finds the command and runs it. Commands are in one file each.
 */
#include <config.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/compiler.h"
#include "base/strbuf.h"
#include "base/suggest.h"
#include "cmd/command.h"
#include "cmd/commands.h"
#include "cmd/manual.h"

const struct command *const commands[] = {
	&command_run,        &command_validate,
	&command_show,       &command_fmt,
	&command_init,       &command_import,
	&command_plan,       &command_apply,
	&command_confirm,    &command_status,
	&command_events,     &command_history,
	&command_list,       &command_console,
	&command_logs,       &command_pause,
	&command_resume,     &command_power_button,
	&command_reboot,     &command_stop,
	&command_kill,       &command_explain,
	&command_graph,      &command_schema,
	&command_completion, NULL,
};

static int print_help(void)
{
	cleanup_strbuf struct strbuf out = STRBUF_INIT;

	strbuf_puts(&out,
		    "Usage: weft COMMAND [OPTION…] …\n\n"
		    "Runs virtual machines from YAML files, and keeps each equal to its file.\n\n"
		    "Commands:\n");
	for (size_t i = 0; commands[i]; i++)
		strbuf_printf(&out, "  %-14s %s\n", commands[i]->name, commands[i]->summary);
	strbuf_puts(&out, "\n'weft COMMAND --help' tells more about one of them.\n");
	return strbuf_write(&out, STDOUT_FILENO) < 0 ? EXIT_HOST : EXIT_DONE;
}

static int unknown_command(const char *name)
{
	const char *names[ARRAY_SIZE(commands)], *near;

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		names[i] = commands[i] ? commands[i]->name : NULL;
	near = suggest(name, names, ARRAY_SIZE(names));
	if (near)
		return usage_error(NULL, "there is no command '%s'; did you mean '%s'?", name,
				   near);
	return usage_error(NULL, "there is no command '%s'", name);
}

/* A file that is opened as descriptor 0 to 2 would get what is meant for the terminal. */
static void fill_standard_descriptors(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0)
			_exit(EXIT_HOST);
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : NULL;

	fill_standard_descriptors();

	if (!name)
		return usage_error(NULL, "a command is missing");
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0)
		return print_help();
	if (strcmp(name, "--version") == 0) {
		static const char version[] = "weft " PACKAGE_VERSION "\n";

		return write(STDOUT_FILENO, version, strlen(version)) < 0 ? EXIT_HOST : EXIT_DONE;
	}
	if (strcmp(name, "--manual") == 0) {
		cleanup_strbuf struct strbuf out = STRBUF_INIT;

		manual_put(&out);
		return strbuf_write(&out, STDOUT_FILENO) < 0 ? EXIT_HOST : EXIT_DONE;
	}
	for (size_t i = 0; commands[i]; i++)
		if (strcmp(name, commands[i]->name) == 0)
			return commands[i]->run(commands[i], argc - 1, argv + 1);
	return unknown_command(name);
}
