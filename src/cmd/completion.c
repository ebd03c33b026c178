/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weft completion: what a shell completes, made of the table of commands and of the schema. The
 * words are in the script, so that completing starts no process.
 */
#include <string.h>
#include <unistd.h>

#include "base/compiler.h"
#include "base/strbuf.h"
#include "cmd/command.h"
#include "cmd/commands.h"
#include "schema/describe.h"

/* What of a path a key on the command line needs: bash cuts words at '=' by itself. */
static void add_path(const char *path, const struct schema_property *property, void *data)
{
	if (strcmp(path, SCHEMA_EXTENSION_NAME))
		strbuf_printf(data, " %s", path);
}

/* Only what --set can say: nothing below a device type, whose devices have names of their own. */
static void add_settable(const char *path, const struct schema_property *property, void *data)
{
	if (property && !(property->flags & SCHEMA_DOCUMENT) &&
	    strncmp(path, "devices", strlen("devices")) && strncmp(path, "vars.", strlen("vars.")))
		strbuf_printf(data, " %s=", path);
}

/* Puts @text between single quotes of a shell. */
static void put_quoted(struct strbuf *out, const char *text)
{
	strbuf_putc(out, '\'');
	for (; *text; text++) {
		if (*text == '\'')
			strbuf_puts(out, "'\\''");
		else
			strbuf_putc(out, *text);
	}
	strbuf_putc(out, '\'');
}

static bool is_list_of_words(const char *argument)
{
	return argument && strchr(argument, '|');
}

/* "text|json" as the words of a shell. */
static void put_choices(struct strbuf *out, const char *argument)
{
	for (; *argument; argument++)
		strbuf_putc(out, *argument == '|' ? ' ' : *argument);
}

/* What the word after an option is completed with. */
static void put_argument(struct strbuf *out, const struct command *command,
			 const struct option_spec *spec)
{
	strbuf_printf(out, "\t%s,--%s) ", command->name, spec->name);
	if (is_list_of_words(spec->argument)) {
		strbuf_puts(out, "offers='");
		put_choices(out, spec->argument);
		strbuf_puts(out, "' ;;\n");
	} else if (!strcmp(spec->argument, "NAME")) {
		strbuf_puts(out, "_weft_machines ;;\n");
	} else if (!strcmp(spec->argument, "KEY=VALUE")) {
		strbuf_puts(out, "offers=$_weft_settable; nospace=1 ;;\n");
	} else {
		strbuf_puts(out, "files=1 ;;\n");
	}
	if (spec->id < 128)
		strbuf_printf(out, "\t%s,-%c) _weft_argument %s --%s ;;\n", command->name, spec->id,
			      command->name, spec->name);
}

static void put_command_words(struct strbuf *out, const struct command *command)
{
	strbuf_printf(out, "\t%s) offers='--help", command->name);
	for (const struct option_spec *spec = command->options; spec && spec->name; spec++)
		strbuf_printf(out, " --%s", spec->name);
	strbuf_puts(out, "' ;;\n");
}

/* What operands are: a path of the schema, a machine, one of some words, or files. */
static void put_operands(struct strbuf *out, const struct command *command)
{
	if (!strcmp(command->operands, "[PATH]")) {
		strbuf_printf(out, "\t%s) offers=$_weft_paths ;;\n", command->name);
	} else if (is_list_of_words(command->operands)) {
		strbuf_printf(out, "\t%s) offers='", command->name);
		put_choices(out, command->operands);
		strbuf_puts(out, "' ;;\n");
	} else if (!strncmp(command->operands, "[NAME", strlen("[NAME"))) {
		strbuf_printf(out, "\t%s) _weft_machines ;;\n", command->name);
	} else if (command->operands[0]) {
		strbuf_printf(out, "\t%s) files=1 ;;\n", command->name);
	}
}

/* Those that have a state directory; listing it starts no process. */
static const char machines[] =
	"'\n\n_weft_machines() {\n"
	"\tlocal state=${XDG_STATE_HOME:-$HOME/.local/state}/weft machine\n"
	"\t[[ $EUID == 0 && -z ${XDG_STATE_HOME-} ]] && state=/var/lib/weft\n"
	"\toffers=\n"
	"\tfor machine in \"$state\"/*/lock; do\n"
	"\t\t[[ -e $machine ]] || continue\n"
	"\t\tmachine=${machine%/lock}\n"
	"\t\toffers+=\" ${machine##*/}\"\n"
	"\tdone\n"
	"}\n\n";

/* What both shells share: functions that set offers, files and nospace. */
static void put_words(struct strbuf *out)
{
	strbuf_puts(out, "_weft_commands='");
	for (size_t i = 0; commands[i]; i++)
		strbuf_printf(out, "%s%s", i ? " " : "", commands[i]->name);
	strbuf_puts(out, "'\n_weft_paths='");
	schema_each_path(add_path, out);
	strbuf_puts(out, "'\n_weft_settable='");
	schema_each_path(add_settable, out);
	strbuf_puts(out, machines);
	strbuf_puts(out, "# The argument of an option: COMMAND OPTION.\n"
			 "_weft_argument() {\n\tcase $1,$2 in\n");
	for (size_t i = 0; commands[i]; i++)
		for (const struct option_spec *spec = commands[i]->options; spec && spec->name;
		     spec++)
			if (spec->argument)
				put_argument(out, commands[i], spec);
	strbuf_puts(out, "\t*) return 1 ;;\n\tesac\n}\n\n_weft_options() {\n\tcase $1 in\n");
	for (size_t i = 0; commands[i]; i++)
		put_command_words(out, commands[i]);
	strbuf_puts(out, "\tesac\n}\n\n_weft_operands() {\n\tcase $1 in\n");
	for (size_t i = 0; commands[i]; i++)
		put_operands(out, commands[i]);
	strbuf_puts(out, "\tesac\n}\n\n");
}

static const char bash_end[] =
	"_weft() {\n"
	"\tlocal offers= files= nospace= line=${COMP_LINE:0:COMP_POINT} current previous command typed\n"
	"\t# bash cuts words at = and :, what is typed is cut at spaces only.\n"
	"\tcurrent=${line##*[[:space:]]}\n"
	"\tread -ra typed <<<\"${line%\"$current\"}\"\n"
	"\tcommand=${typed[1]-}\n"
	"\tprevious=${typed[-1]-}\n"
	"\tif [[ ${#typed[@]} -lt 2 ]]; then\n"
	"\t\toffers=\"$_weft_commands --help --version\"\n"
	"\telif ! _weft_argument \"$command\" \"$previous\"; then\n"
	"\t\tif [[ $current == -* ]]; then\n"
	"\t\t\t_weft_options \"$command\"\n"
	"\t\telse\n"
	"\t\t\t_weft_operands \"$command\"\n"
	"\t\tfi\n"
	"\tfi\n"
	"\tif [[ $files ]]; then\n"
	"\t\tcompopt -o filenames 2>/dev/null\n"
	"\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$current\")\n"
	"\telse\n"
	"\t\t[[ $nospace ]] && compopt -o nospace 2>/dev/null\n"
	"\t\tmapfile -t COMPREPLY < <(compgen -W \"$offers\" -- \"$current\")\n"
	"\tfi\n"
	"}\n"
	"complete -F _weft weft\n";

static const char zsh_end[] =
	"_weft() {\n"
	"\tlocal words_typed=(\"${words[@]}\") offers= files= nospace=\n"
	"\tlocal command=${words_typed[2]} previous=${words_typed[CURRENT-1]}\n"
	"\tif (( CURRENT == 2 )); then\n"
	"\t\t_weft_describe\n"
	"\t\treturn\n"
	"\tfi\n"
	"\tif ! _weft_argument \"$command\" \"$previous\"; then\n"
	"\t\tif [[ ${words_typed[CURRENT]} == -* ]]; then\n"
	"\t\t\t_weft_options \"$command\"\n"
	"\t\telse\n"
	"\t\t\t_weft_operands \"$command\"\n"
	"\t\tfi\n"
	"\tfi\n"
	"\tif [[ -n $files ]]; then\n"
	"\t\t_files\n"
	"\telif [[ -n $nospace ]]; then\n"
	"\t\tcompadd -S '' -- ${=offers}\n"
	"\telse\n"
	"\t\tcompadd -- ${=offers}\n"
	"\tfi\n"
	"}\n\n"
	"if [[ $funcstack[1] == _weft ]]; then\n\t_weft \"$@\"\nelse\n\tcompdef _weft weft\nfi\n";

static void put_zsh_commands(struct strbuf *out)
{
	strbuf_puts(out, "_weft_describe() {\n\tlocal -a all=(\n");
	for (size_t i = 0; commands[i]; i++) {
		cleanup_strbuf struct strbuf line = STRBUF_INIT;

		strbuf_printf(&line, "%s:%s", commands[i]->name, commands[i]->summary);
		strbuf_puts(out, "\t\t");
		put_quoted(out, line.text);
		strbuf_putc(out, '\n');
	}
	strbuf_puts(out, "\t)\n\t_describe -t commands command all\n}\n\n");
}

static int run(const struct command *command, int argc, char **argv)
{
	cleanup_strbuf struct strbuf out = STRBUF_INIT;
	struct options options;
	const char *shell;
	int option;

	options_init(&options, command, argc, argv);
	while ((option = options_next(&options)) > 0)
		;
	if (option < 0)
		return options.exit;
	shell = options.n_operands == 1 ? options.operands[0] : "";
	if (!strcmp(shell, "bash")) {
		strbuf_puts(&out, "# bash completion of weft, made by: weft completion bash\n");
		put_words(&out);
		strbuf_puts(&out, bash_end);
	} else if (!strcmp(shell, "zsh")) {
		strbuf_puts(&out, "#compdef weft\n# Made by: weft completion zsh\n");
		put_words(&out);
		put_zsh_commands(&out);
		strbuf_puts(&out, zsh_end);
	} else {
		return usage_error(command, "the shell is bash or zsh");
	}
	return strbuf_write(&out, STDOUT_FILENO) < 0 ? EXIT_HOST : EXIT_DONE;
}

const struct command command_completion = {
	.name = "completion",
	.operands = "bash|zsh",
	.summary = "print a script that makes a shell complete weft's commands and keys",
	.details =
		"For bash: source <(weft completion bash). For zsh: a file _weft in a folder of fpath.\n"
		"make install puts both where the shells look.",
	.run = run,
};
