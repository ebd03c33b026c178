/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weft fmt: descriptions in their canonical layout. A file is written only when its new text is
 * known to mean the same.
 */
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/diag-render.h"
#include "base/file.h"
#include "base/log.h"
#include "base/sha256.h"
#include "base/source.h"
#include "base/strbuf.h"
#include "cmd/command.h"
#include "cmd/commands.h"
#include "cmd/files.h"
#include "document/node.h"
#include "graph/generation.h"
#include "schema/format.h"

struct formatting {
	bool check;
	struct strbuf out;
	size_t n_changed, n_failed, n_unwritten;
};

/* Whether both are the same machine, or none. They stand in one directory: so do their relative
 * paths. */
static bool same_machine(const char *a, const char *b)
{
	cleanup_generation struct generation *first = generation_load(a, NULL, NULL);
	cleanup_generation struct generation *second = generation_load(b, NULL, NULL);

	if (!first->graph || !second->graph)
		return !first->graph && !second->graph;
	return memcmp(first->graph->hash, second->graph->hash, SHA256_SIZE) == 0;
}

/* Puts the new text in the place of the file. */
static void replace(struct formatting *f, const char *path, const struct strbuf *text)
{
	struct file_draft *draft;
	int r = file_draft_create(path, text->text, text->size, &draft);

	if (r >= 0 && !same_machine(file_draft_target(draft), file_draft_path(draft))) {
		file_draft_discard(draft);
		log_error("%s: laid out anew it would be another machine: it stays as it is; "
			  "please report this",
			  path);
		f->n_failed++;
		return;
	}
	if (r >= 0)
		r = file_draft_commit(draft);
	if (r < 0) {
		log_error("%s cannot be written: %s", path, strerror(-r));
		f->n_unwritten++;
	}
}

static void format_file(struct formatting *f, const char *path)
{
	cleanup_arena struct arena *arena = arena_create();
	struct diag_list *diags = diag_list_create(arena);
	cleanup_strbuf struct strbuf text = STRBUF_INIT;
	bool stream = strcmp(path, "-") == 0, same;
	struct source *source;
	int r = source_read(arena, path, DOCUMENT_MAX_FILE, &source);

	if (r < 0)
		diag_add(diags, "E0101", DIAG_ERROR,
			 (struct span){.source = source_from_text(arena, path, "", 0)},
			 "the file cannot be read: %s", source_strerror(r));
	else
		r = format_source(arena, source, diags, &text);
	diag_print(diags, STDERR_FILENO);
	if (r < 0) {
		f->n_failed++;
		return;
	}
	same = text.size == source->size &&
	       (!text.size || memcmp(text.text, source->text, text.size) == 0);
	f->n_changed += !same;
	if (stream && !f->check)
		strbuf_add(&f->out, text.text ? text.text : "", text.size);
	else if (!same)
		strbuf_printf(&f->out, "%s\n", source->name);
	if (!same && !stream && !f->check)
		replace(f, path, &text);
}

static int finish(struct formatting *f)
{
	int r = strbuf_write(&f->out, STDOUT_FILENO);

	strbuf_fini(&f->out);
	if (r < 0)
		log_error("cannot write the result: %s", strerror(-r));
	if (f->n_failed)
		return EXIT_INVALID;
	if (r < 0 || f->n_unwritten)
		return EXIT_HOST;
	return f->check && f->n_changed ? EXIT_PENDING : EXIT_DONE;
}

static int format_all(struct formatting *f, const struct options *options)
{
	static char *const standard_input[] = {(char *)"-"};
	cleanup_arena struct arena *arena = arena_create();
	struct diag_list *diags = diag_list_create(arena);
	struct file_list list;

	if (options->n_operands)
		files_expand(arena, options->operands, options->n_operands, NULL, 0, diags, &list);
	else
		files_expand(arena, standard_input, 1, NULL, 0, diags, &list);
	diag_print(diags, STDERR_FILENO);
	f->n_failed += diag_errors(diags);
	for (size_t i = 0; i < list.n; i++)
		format_file(f, list.items[i].path);
	return finish(f);
}

static int run(const struct command *command, int argc, char **argv)
{
	struct formatting f = {0};
	struct options options;
	int option;

	options_init(&options, command, argc, argv);
	while ((option = options_next(&options)) > 0)
		f.check = true;
	return option < 0 ? options.exit : format_all(&f, &options);
}

static const struct option_spec option_specs[] = {
	{'c', "check", NULL, "write nothing; list the files that are not laid out so"},
	{0},
};

const struct command command_fmt = {
	.name = "fmt",
	.operands = "[FILE-OR-DIR…]",
	.summary = "give descriptions their canonical layout",
	.details = "Keys stand in the order of the schema, two spaces indent a level, comments "
		   "stay with what\n"
		   "they belong to, and what the author named keeps its order. A file that changes "
		   "is named, and\n"
		   "replaced at once; it keeps mode and owner, and a symbolic link stays one. What "
		   "it means never\n"
		   "changes: the new text is read and compared first. Without FILE, or with -, "
		   "standard input\n"
		   "goes to standard output.\n\n"
		   "The exit status is 0, 1 when a file cannot be read as YAML, 2 when --check "
		   "found a file\n"
		   "that is not laid out so, and 5 when a file cannot be written.",
	.options = option_specs,
	.run = run,
};
