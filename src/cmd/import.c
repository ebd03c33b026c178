/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weft import: a description from what another program calls a machine.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/diag-render.h"
#include "base/file.h"
#include "base/log.h"
#include "base/source.h"
#include "base/strbuf.h"
#include "cmd/command.h"
#include "cmd/commands.h"
#include "import/import.h"

struct importing {
	struct import_options options;
	const char *output; /* a file; NULL or "-": standard output */
	bool from, force;
};

static int write_description(const struct importing *i, struct strbuf *text)
{
	int r;

	if (!i->output || !strcmp(i->output, "-")) {
		r = strbuf_write(text, STDOUT_FILENO);
		if (r < 0)
			log_error("cannot write the result: %s", strerror(-r));
		return r < 0 ? EXIT_HOST : EXIT_DONE;
	}
	r = file_create(i->output, text->text, text->size, i->force);
	if (r == -EEXIST) {
		log_error("%s is there already; --force replaces it", i->output);
		return EXIT_USAGE;
	}
	if (r < 0) {
		log_error("%s cannot be written: %s", i->output, strerror(-r));
		return EXIT_HOST;
	}
	return EXIT_DONE;
}

static void cannot_read(struct arena *arena, struct diag_list *diags, const char *path, int r)
{
	struct span span = {.source = source_from_text(arena, path, "", 0)};
	struct diag *diag;

	if (r == SOURCE_TOO_LARGE) {
		diag_add(diags, "E0503", DIAG_ERROR, span,
			 "the file is larger than %d KiB: no machine needs that",
			 IMPORT_MAX_FILE / 1024);
		return;
	}
	diag = diag_add(diags, "E0101", DIAG_ERROR, span, "the file cannot be read: %s",
			source_strerror(r));
	if (r == SOURCE_NOT_REGULAR)
		diag_hint(diags, diag,
			  "only files are read; to read from a pipe, write - and give it as "
			  "standard input");
}

/* How much of it there is to look at. */
static int conclude(const struct source *source, size_t n)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT;

	if (!n)
		return EXIT_DONE;
	strbuf_printf(&text,
		      "%s: %zu %s not mapped, or not as before; the description tells of it in "
		      "comments\n",
		      source->name, n, n == 1 ? "thing is" : "things are");
	return strbuf_write(&text, STDERR_FILENO) < 0 ? EXIT_HOST : EXIT_PENDING;
}

static int import_file(const struct importing *i, const char *path)
{
	cleanup_arena struct arena *arena = arena_create();
	cleanup_strbuf struct strbuf text = STRBUF_INIT;
	struct diag_list *diags = diag_list_create(arena);
	struct source *source;
	int exit, r = source_read(arena, path, IMPORT_MAX_FILE, &source);

	if (r < 0)
		cannot_read(arena, diags, path, r);
	else
		r = import_source(arena, source, &i->options, diags, &text);
	diag_print(diags, STDERR_FILENO);
	if (r < 0)
		return r == -ENOPKG ? EXIT_HOST : EXIT_INVALID;
	exit = write_description(i, &text);
	return exit == EXIT_DONE ? conclude(source, diag_warnings(diags)) : exit;
}

enum {
	OPTION_FROM = 256,
	OPTION_FORCE,
};

static int take_option(struct importing *i, const struct options *options, int option)
{
	static const char *const words[] = {
		[IMPORT_LIBVIRT] = "libvirt",
		[IMPORT_CLOUD_HYPERVISOR] = "cloud-hypervisor",
		[IMPORT_FIRECRACKER] = "firecracker",
	};
	int choice;

	switch (option) {
	case OPTION_FROM:
		choice = option_choice(options, words, 3);
		if (choice < 0)
			return EXIT_USAGE;
		i->options.from = (enum import_from)choice;
		i->from = true;
		break;
	case 'n':
		i->options.name = options->value;
		break;
	case 'o':
		i->output = options->value;
		break;
	case OPTION_FORCE:
		i->force = true;
		break;
	}
	return 0;
}

static int run(const struct command *command, int argc, char **argv)
{
	struct importing i = {0};
	struct options options;
	const char *file;
	int option;

	options_init(&options, command, argc, argv);
	while ((option = options_next(&options)) > 0)
		if (take_option(&i, &options, option))
			return EXIT_USAGE;
	if (option < 0)
		return options.exit;
	if (!i.from)
		return usage_error(command, "what the file is from is missing: --from libvirt, "
					    "cloud-hypervisor or firecracker");
	file = options_file(&options);
	if (!file)
		return EXIT_USAGE;
	return import_file(&i, file);
}

static const struct option_spec option_specs[] = {
	{OPTION_FROM, "from", "libvirt|cloud-hypervisor|firecracker", "what wrote FILE"},
	{'n', "name", "NAME", "the name of the machine (that of the source, or of FILE)"},
	{'o', "output", "FILE", "where to write the description (standard output)"},
	{OPTION_FORCE, "force", NULL, "replace the output when it is there"},
	{0},
};

const struct command command_import = {
	.name = "import",
	.operands = "FILE",
	.summary = "write the description of a machine that another program ran",
	.details =
		"FILE is what virsh dumpxml prints; the JSON that Cloud Hypervisor takes "
		"(vm.create) or "
		"tells\n(vm.info), or a script with its command line; or the JSON of Firecracker's "
		"--config-file. With\n- it is standard input.\n\n"
		"The description is valid and laid out as weft fmt does. What has no counterpart "
		"in "
		"weft, what is\nmapped with a difference, and what weft would refuse is listed "
		"with its "
		"place in FILE, and stands\nas a comment in the description. A machine that starts "
		"its "
		"disk by BIOS or UEFI gets a kernel\nREPLACE-ME-vmlinuz, to be replaced by its "
		"own. "
		"Relative paths stay as they are: they are meant\nfrom the description on.\n\n"
		"The exit status is 0 when all is mapped, 2 when something is not, 1 when FILE is "
		"no "
		"such\nmachine, 5 when a file cannot be written, and 64 when it is there already.",
	.options = option_specs,
	.run = run,
};
