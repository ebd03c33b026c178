/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weft graph: the device graph of a description, for people to look at.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/diag-render.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "cmd/command.h"
#include "cmd/commands.h"
#include "cmd/overrides.h"
#include "graph/dot.h"
#include "graph/generation.h"

extern char **environ;

/* Writes the DOT text through Graphviz's dot, which draws on our standard output. */
static int draw_svg(struct strbuf *dot)
{
	char *const argv[] = {(char *)"dot", (char *)"-Tsvg", NULL};
	posix_spawn_file_actions_t actions;
	int ends[2], status, r;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[0], STDIN_FILENO);
	r = -posix_spawnp(&pid, "dot", &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(ends[0]);
	if (r == 0)
		strbuf_write(dot, ends[1]);
	close(ends[1]);
	if (r < 0)
		return r;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EIO;
}

static int print_graph(const struct graph *graph, bool svg)
{
	cleanup_strbuf struct strbuf dot = STRBUF_INIT;
	int r;

	graph_to_dot(graph, &dot);
	r = svg ? draw_svg(&dot) : strbuf_write(&dot, STDOUT_FILENO);
	if (r == -ENOENT)
		log_error("dot is not installed: install graphviz, or take --format dot");
	else if (r < 0)
		log_error("the graph could not be written: %s", strerror(-r));
	return r < 0 ? EXIT_HOST : EXIT_DONE;
}

static int run(const struct command *command, int argc, char **argv)
{
	static const char *const formats[] = {"dot", "svg"};
	cleanup_generation struct generation *generation = NULL;
	struct overrides overrides = {0};
	struct options options;
	const char *file;
	int option, format = 0;

	options_init(&options, command, argc, argv);
	while ((option = options_next(&options)) > 0) {
		switch (option) {
		case 's':
		case 'D':
			if (overrides_add(&overrides, &options, option))
				return EXIT_USAGE;
			break;
		case 'f':
			format = option_choice(&options, formats, ARRAY_SIZE(formats));
			if (format < 0)
				return EXIT_USAGE;
			break;
		}
	}
	if (option < 0)
		return options.exit;
	file = options_file(&options);
	if (!file)
		return EXIT_USAGE;
	generation = generation_load(file, &overrides.document, NULL);
	diag_print(generation->diags, STDERR_FILENO);
	return generation->graph ? print_graph(generation->graph, format == 1) : EXIT_INVALID;
}

static const struct option_spec option_specs[] = {
	OVERRIDES_OPTION,
	{'f', "format", "dot|svg", "Graphviz text, or a picture drawn by Graphviz (dot)"},
	{0},
};

const struct command command_graph = {
	.name = "graph",
	.operands = "FILE",
	.summary = "print the device graph of a description",
	.details = "Every node with the slot, interrupts and addresses it is given.",
	.options = option_specs,
	.run = run,
};
