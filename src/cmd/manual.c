/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weft(1), made from the table of commands. What stands before and after it is here.
 */
#include <string.h>

#include "base/roff.h"
#include "base/strbuf.h"
#include "cmd/command.h"
#include "cmd/manual.h"

static const char head[] =
	".\\\" Made from the table of commands by weft \\-\\-manual.\n"
	".TH WEFT 1 \"\" \"weft\" \"User commands\"\n"
	".SH NAME\nweft \\- run virtual machines from YAML files\n"
	".SH SYNOPSIS\n.B weft\n.I COMMAND\n.RI [ OPTION …]\n"
	".RI [ OPERAND …]\n"
	".SH DESCRIPTION\n"
	"A machine is described by a file, see\n.BR weft.yaml (5).\n"
	".B weft run\nboots it and stays until it ends, and keeps the running machine equal to the "
	"file: what\n"
	"an edit can change while the guest runs it changes, and what it cannot it says.\n"
	"The other commands look at descriptions, or ask a running machine over the socket in its "
	"state\n"
	"directory; only its owner is answered.\n"
	".SH COMMANDS\n";

static const struct {
	int code;
	const char *meaning;
} exit_codes[] = {
	{EXIT_DONE, "Done, or there was nothing to do."},
	{EXIT_INVALID, "A description is invalid."},
	{EXIT_PENDING, "There are changes, or a restart is pending."},
	{EXIT_ROLLED_BACK, "It failed, and everything is as before."},
	{EXIT_DEGRADED, "It failed, and could not be undone as a whole."},
	{EXIT_HOST, "The host: no KVM, no permission, an input or output error."},
	{EXIT_UNREACHABLE, "The machine cannot be reached."},
	{EXIT_USAGE, "The command line is wrong."},
};

static const char tail[] =
	".SH FILES\n"
	".TP\n.I $XDG_STATE_HOME/weft/NAME\n"
	"The state directory of a machine; without that variable\n.I /var/lib/weft/NAME\nfor root "
	"and\n"
	".I ~/.local/state/weft/NAME\nfor others.\n"
	"It holds the last description that was carried out\n.RI ( last\\-good.yaml ),\n"
	"the places that devices were given\n.RI ( state.yaml ),\n"
	"what was applied\n.RI ( history.ndjson ),\nand the control interface\n.RI ( control.sock "
	"),\n"
	"which speaks HTTP;\n.B weft schema \\-\\-format openapi\ndescribes it.\n"
	".SH ENVIRONMENT\n"
	".TP\n.B NO_COLOR\nDiagnostics have no colours.\n"
	".SH SIGNALS\n.B weft run\n"
	"presses the power button at SIGTERM and SIGINT, and ends at the second one;\n"
	"at SIGHUP it looks at the description again.\n"
	".SH SEE ALSO\n.BR weft.yaml (5)\n";

/* Lines in the table are as long as on a terminal; roff fills paragraphs anew. */
static void put_details(struct strbuf *out, const char *details)
{
	while (*details) {
		cleanup_strbuf struct strbuf text = STRBUF_INIT;

		for (; *details && strncmp(details, "\n\n", 2) != 0; details++)
			strbuf_putc(&text, *details == '\n' ? ' ' : *details);
		strbuf_puts(out, ".PP\n");
		roff_put_sentences(out, text.text);
		while (*details == '\n')
			details++;
	}
}

static void put_option(struct strbuf *out, const struct option_spec *spec)
{
	strbuf_puts(out, ".TP\n.B ");
	if (spec->id < 128)
		strbuf_printf(out, "\\-%c, ", spec->id);
	strbuf_puts(out, "\\-\\-");
	roff_put_text(out, spec->name);
	if (spec->argument) {
		strbuf_putc(out, ' ');
		roff_put_text(out, spec->argument);
	}
	strbuf_putc(out, '\n');
	roff_put_sentences(out, spec->help);
}

static void put_command(struct strbuf *out, const struct command *command)
{
	strbuf_puts(out, ".SS weft ");
	roff_put_text(out, command->name);
	if (command->options)
		strbuf_puts(out, " [OPTION…]");
	if (command->operands[0]) {
		strbuf_putc(out, ' ');
		roff_put_text(out, command->operands);
	}
	strbuf_putc(out, '\n');
	/* The summary is a sentence but for its first letter and its full stop. */
	strbuf_putc(out, (char)(command->summary[0] - 'a' + 'A'));
	roff_put_text(out, command->summary + 1);
	strbuf_puts(out, ".\n");
	if (command->details)
		put_details(out, command->details);
	for (const struct option_spec *spec = command->options; spec && spec->name; spec++)
		put_option(out, spec);
}

void manual_put(struct strbuf *out)
{
	strbuf_puts(out, head);
	for (size_t i = 0; commands[i]; i++)
		put_command(out, commands[i]);
	strbuf_puts(out, ".SH EXIT STATUS\n");
	for (size_t i = 0; i < ARRAY_SIZE(exit_codes); i++)
		strbuf_printf(out, ".TP\n.B %d\n%s\n", exit_codes[i].code, exit_codes[i].meaning);
	strbuf_puts(out, tail);
}
