/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weft init: a first description, from options or from a few questions. What is written is valid,
 * laid out as weft fmt does, and says in comments what a beginner asks.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/diag-render.h"
#include "base/file.h"
#include "base/label.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "base/units.h"
#include "cmd/command.h"
#include "cmd/commands.h"
#include "document/quote.h"
#include "graph/generation.h"

#define MAX_DISKS 16

struct answers {
	struct arena *arena;
	const char *file; /* where to; "-" is standard output */
	const char *name, *kernel, *firmware, *initramfs, *cmdline;
	const char *disks[MAX_DISKS];
	size_t n_disks;
	uint64_t memory, cpus;
	const char *net; /* "user", "tap", "tap:NAME" or "none" */
	bool any, force;
};

/* Takes @text into @ret, or says why not. */
static bool take_memory(const char *text, uint64_t *ret, struct unit_error *error)
{
	return size_parse(text, ret, error) == 0;
}

static bool take_cpus(const char *text, uint64_t *ret, struct unit_error *error)
{
	bool negative;

	if (integer_parse(text, &negative, ret, error) < 0)
		return false;
	snprintf(error->message, sizeof(error->message), "a machine has at least one CPU");
	error->hint[0] = '\0';
	return !negative && *ret > 0;
}

static bool is_net(const char *text)
{
	return !strcmp(text, "user") || !strcmp(text, "none") || !strcmp(text, "tap") ||
	       (!strncmp(text, "tap:", strlen("tap:")) && text[strlen("tap:")] &&
		!strpbrk(text, " \t\r\n"));
}

/* A path as the file says it: what the user meant from here must be found from there. */
static const char *path_from_file(const struct answers *a, const char *path)
{
	cleanup_free char *cwd = NULL;

	if (*path == '/' || !a->file || !strchr(a->file, '/'))
		return path;
	cwd = getcwd(NULL, 0);
	return cwd ? arena_printf(a->arena, "%s/%s", cwd, path) : path;
}

static void put_pair(struct strbuf *out, const char *key, const char *value)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT;

	if (!value)
		return;
	quote_variables(&text, value);
	strbuf_printf(out, "  %s: ", key);
	quote_put(out, text.size ? text.text : "");
	strbuf_putc(out, '\n');
}

static void put_head(struct strbuf *out, const struct answers *a)
{
	const char *file = strcmp(a->file, "-") ? a->file : "FILE";
	char memory[UNITS_TEXT_MAX];

	strbuf_puts(out, "# A virtual machine.\n");
	strbuf_printf(out,
		      "#   weft validate --host %s\n#       tells what is wrong with this file, or "
		      "with this host\n",
		      file);
	strbuf_printf(out,
		      "#   weft run %s\n#       starts it; edits of this file then reach the "
		      "running machine\n",
		      file);
	strbuf_puts(out, "#   weft explain memory\n#       tells what a key means, and which "
			 "others there are; man weft.yaml tells all\n");
	strbuf_puts(out, "version: 1\nname: ");
	quote_put(out, a->name);
	strbuf_printf(out, "\ncpus: { count: %" PRIu64 " }\nmemory: { size: %s }\n\n", a->cpus,
		      size_format(a->memory, memory));
}

static const char *kernel_cmdline(const struct answers *a)
{
	if (a->cmdline || a->firmware)
		return a->cmdline;
	/* Without an initramfs the kernel has to find its root file system by itself. */
	return a->n_disks && !a->initramfs ? "console=ttyS0 root=/dev/vda rw" : "console=ttyS0";
}

static void put_boot(struct strbuf *out, const struct answers *a)
{
	strbuf_puts(out, "# What the guest starts with. Paths are relative to this file.\nboot:\n");
	put_pair(out, "kernel", a->kernel ? path_from_file(a, a->kernel) : NULL);
	put_pair(out, "firmware", a->firmware ? path_from_file(a, a->firmware) : NULL);
	put_pair(out, "initramfs", a->initramfs ? path_from_file(a, a->initramfs) : NULL);
	put_pair(out, "cmdline", kernel_cmdline(a));
	strbuf_putc(out, '\n');
}

static void put_disks(struct strbuf *out, const struct answers *a)
{
	for (size_t i = 0; i < a->n_disks; i++) {
		cleanup_strbuf struct strbuf path = STRBUF_INIT;

		quote_variables(&path, path_from_file(a, a->disks[i]));
		if (i == 0)
			strbuf_puts(out, "  # Disks: /dev/vda, /dev/vdb … in Linux. An empty one: "
					 "truncate -s 10G FILE\n");
		strbuf_printf(out,
			      i ? "  disk%zu: { type: virtio-blk, path: "
				: "  disk: { type: virtio-blk, path: ",
			      i + 1);
		quote_put(out, path.size ? path.text : "");
		strbuf_puts(out, " }\n");
	}
}

static void put_net(struct strbuf *out, const struct answers *a)
{
	if (!strcmp(a->net, "user")) {
		strbuf_puts(out, "  # The network of this host, without privileges; needs the "
				 "program passt. To reach a port of the\n"
				 "  # guest from here, add to the braces: forward: [\"8080:80\"]\n"
				 "  net: { type: virtio-net, backend: { type: user } }\n");
	} else if (strcmp(a->net, "none")) {
		const char *name = a->net[strlen("tap")] ? a->net + strlen("tap:") : "tap0";

		strbuf_printf(
			out,
			"  # A tap, made once by: sudo ip tuntap add dev %s mode tap user $USER\n"
			"  net: { type: virtio-net, backend: { type: tap, name: ",
			name);
		quote_put(out, name);
		strbuf_puts(out, " } }\n");
	}
}

static void put_description(struct strbuf *out, const struct answers *a)
{
	put_head(out, a);
	put_boot(out, a);
	strbuf_puts(out,
		    "# Each device has a name of your choice; its type says what it is.\ndevices:\n"
		    "  # The guest's console (ttyS0), on the terminal that weft runs on. Ctrl-] x "
		    "ends the machine.\n"
		    "  serial: { type: serial, output: terminal }\n");
	put_disks(out, a);
	put_net(out, a);
	strbuf_puts(out, "  # Random numbers, without which a guest may start slowly.\n  rng: { "
			 "type: virtio-rng }\n");
}

/* One line from the terminal; the default when it is empty, NULL at the end of the input. */
static const char *ask(struct answers *a, const char *question, const char *fallback)
{
	char line[4200];

	printf("%s%s%s%s: ", question, *fallback ? " [" : "", fallback, *fallback ? "]" : "");
	fflush(stdout);
	if (!fgets(line, sizeof(line), stdin))
		return NULL;
	line[strcspn(line, "\n")] = '\0';
	return *line ? arena_strdup(a->arena, line) : fallback;
}

/* Asks until the answer is a number that @take takes. */
static bool ask_number(struct answers *a, const char *question, const char *fallback,
		       bool (*take)(const char *, uint64_t *, struct unit_error *), uint64_t *ret)
{
	struct unit_error error;
	const char *answer;

	while ((answer = ask(a, question, fallback))) {
		if (take(answer, ret, &error))
			return true;
		printf("%s%s%s\n", error.message, error.hint[0] ? "; " : "", error.hint);
	}
	return false;
}

static bool ask_all(struct answers *a)
{
	const char *answer;

	puts("A few questions; an empty answer takes what is in brackets.");
	if (!(a->name = ask(a, "Name of the machine", a->name)))
		return false;
	do {
		if (!(a->kernel = ask(a, "Kernel, a vmlinux or bzImage", "vmlinuz")))
			return false;
		if (access(a->kernel, R_OK) < 0)
			printf("(%s: %s; weft run will need it)\n", a->kernel, strerror(errno));
	} while (!*a->kernel);
	if (!(answer = ask(a, "Initramfs, if there is one", "")))
		return false;
	a->initramfs = *answer ? answer : NULL;
	if (!(answer = ask(a, "Disk image, if there is one", "")))
		return false;
	if (*answer)
		a->disks[a->n_disks++] = answer;
	if (!ask_number(a, "Memory", "512MiB", take_memory, &a->memory) ||
	    !ask_number(a, "CPUs", "1", take_cpus, &a->cpus))
		return false;
	do
		if (!(a->net = ask(a, "Network: user, tap or none", "user")))
			return false;
	while (!is_net(a->net));
	return true;
}

static int write_description(const struct answers *a)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT;
	cleanup_generation struct generation *generation = NULL;
	int r;

	put_description(&text, a);
	generation = generation_parse(a->file, text.text, text.size);
	diag_print(generation->diags, STDERR_FILENO);
	if (!generation->graph) {
		log_error("nothing is written");
		return EXIT_INVALID;
	}
	if (!strcmp(a->file, "-"))
		r = strbuf_write(&text, STDOUT_FILENO);
	else
		r = file_create(a->file, text.text, text.size, a->force);
	if (r == -EEXIST) {
		log_error("%s is there already; --force replaces it", a->file);
		return EXIT_USAGE;
	}
	if (r < 0) {
		log_error("%s cannot be written: %s", a->file, strerror(-r));
		return EXIT_HOST;
	}
	if (strcmp(a->file, "-"))
		printf("%s is written. Next: weft validate --host %s, then weft run %s\n", a->file,
		       a->file, a->file);
	return EXIT_DONE;
}

/* "vms/Web 1.yaml" gives "web-1", so that a name need not be said twice. */
static const char *name_of_file(const struct answers *a)
{
	const char *name =
		a->file && strcmp(a->file, "-") ? label_from_path(a->arena, a->file) : NULL;

	return name ? name : "machine";
}

static int complete(const struct command *command, struct answers *a, const struct options *options)
{
	bool terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);

	if (options->n_operands > 1)
		return usage_error(command, "one file at a time");
	a->file = options->n_operands ? options->operands[0] : NULL;
	if (a->file && strpbrk(a->file, "\r\n")) /* it stands in a comment */
		return usage_error(command, "the name of a file cannot have several lines");
	if (a->kernel && a->firmware)
		return usage_error(command, "--kernel and --firmware cannot be together");
	if (a->firmware && (a->initramfs || a->cmdline))
		return usage_error(command, "--initramfs and --cmdline belong to a --kernel");
	if (!a->name)
		a->name = name_of_file(a);
	if (!a->any && terminal) {
		if (!ask_all(a)) {
			putchar('\n');
			return usage_error(command, "not all was answered: nothing is written");
		}
	} else if (!a->kernel && !a->firmware) {
		return usage_error(
			command,
			"what the guest starts with is missing: --kernel FILE or --firmware FILE");
	}
	if (!a->file)
		a->file = arena_printf(a->arena, "%s.yaml", a->name);
	return write_description(a);
}

enum {
	OPTION_KERNEL = 256,
	OPTION_FIRMWARE,
	OPTION_INITRAMFS,
	OPTION_CMDLINE,
	OPTION_DISK,
	OPTION_NET,
	OPTION_FORCE,
};

static int take_number(const struct options *options,
		       bool (*take)(const char *, uint64_t *, struct unit_error *), uint64_t *ret)
{
	struct unit_error error;

	if (take(options->value, ret, &error))
		return 0;
	return usage_error(options->command, "%s%s%s", error.message, error.hint[0] ? "; " : "",
			   error.hint);
}

static int take_option(struct answers *a, const struct options *options, int option)
{
	a->any |= option != OPTION_FORCE;
	switch (option) {
	case 'n':
		a->name = options->value;
		break;
	case OPTION_KERNEL:
		a->kernel = options->value;
		break;
	case OPTION_FIRMWARE:
		a->firmware = options->value;
		break;
	case OPTION_INITRAMFS:
		a->initramfs = options->value;
		break;
	case OPTION_CMDLINE:
		a->cmdline = options->value;
		break;
	case OPTION_DISK:
		if (a->n_disks == MAX_DISKS)
			return usage_error(options->command, "more than %d --disk", MAX_DISKS);
		a->disks[a->n_disks++] = options->value;
		break;
	case 'm':
		return take_number(options, take_memory, &a->memory);
	case 'c':
		return take_number(options, take_cpus, &a->cpus);
	case OPTION_NET:
		if (!is_net(options->value))
			return usage_error(options->command,
					   "'%s' is not user, tap, tap:NAME or none",
					   options->value);
		a->net = options->value;
		break;
	case OPTION_FORCE:
		a->force = true;
		break;
	}
	return 0;
}

static int run(const struct command *command, int argc, char **argv)
{
	cleanup_arena struct arena *arena = arena_create();
	struct answers a = {.arena = arena, .memory = 512 * MiB, .cpus = 1, .net = "user"};
	struct options options;
	int option;

	options_init(&options, command, argc, argv);
	while ((option = options_next(&options)) > 0)
		if (take_option(&a, &options, option))
			return EXIT_USAGE;
	return option < 0 ? options.exit : complete(command, &a, &options);
}

static const struct option_spec option_specs[] = {
	{'n', "name", "NAME", "the name of the machine (that of FILE)"},
	{OPTION_KERNEL, "kernel", "FILE", "the kernel to start, a vmlinux or bzImage"},
	{OPTION_INITRAMFS, "initramfs", "FILE", "its initial RAM file system"},
	{OPTION_CMDLINE, "cmdline", "TEXT",
	 "its command line (console=ttyS0, and root=/dev/vda with a disk alone)"},
	{OPTION_FIRMWARE, "firmware", "FILE", "a firmware to start, and no kernel"},
	{OPTION_DISK, "disk", "FILE", "a disk image; may be repeated"},
	{'m', "memory", "SIZE", "how much memory (512MiB)"},
	{'c', "cpus", "N", "how many CPUs (1)"},
	{OPTION_NET, "net", "user|tap|none",
	 "how the guest is connected, tap:NAME for a certain tap (user)"},
	{OPTION_FORCE, "force", NULL, "replace FILE when it is there"},
	{0},
};

const struct command command_init = {
	.name = "init",
	.operands = "[FILE]",
	.summary = "write a first description",
	.details = "On a terminal and without options it asks a few questions. Paths are meant "
		   "from where you\n"
		   "are. FILE is NAME.yaml when it is not given; - is standard output. What is "
		   "written is valid,\n"
		   "and has comments for those who begin; a file that is there is kept, but with "
		   "--force.\n\n"
		   "The exit status is 0, 1 when what was asked for is no valid description, 5 "
		   "when FILE cannot\n"
		   "be written, and 64 when FILE is there already.",
	.options = option_specs,
	.run = run,
};
