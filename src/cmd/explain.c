/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weft explain: what a key of a description means, by its path.
 */
#include <string.h>
#include <unistd.h>

#include "base/compiler.h"
#include "base/strbuf.h"
#include "base/suggest.h"
#include "cmd/command.h"
#include "cmd/commands.h"
#include "schema/describe.h"

#define MAX_NAMES 64
#define WIDTH     80
#define COLUMN    18 /* of the texts beside keys */

/* Text in lines of WIDTH columns, each indented. */
static void put_wrapped(struct strbuf *out, const char *text, size_t indent)
{
	size_t column = indent;

	strbuf_fill(out, ' ', indent);
	while (*text) {
		size_t size = strcspn(text, " ");

		if (column > indent && column + 1 + size > WIDTH) {
			strbuf_putc(out, '\n');
			strbuf_fill(out, ' ', indent);
			column = indent;
		} else if (column > indent) {
			strbuf_putc(out, ' ');
			column++;
		}
		strbuf_add(out, text, size);
		column += size;
		text += size;
		text += strspn(text, " ");
	}
	strbuf_putc(out, '\n');
}

static const char *description_of(const struct schema_place *place)
{
	return schema_text(place->property ? place->property->description
					   : place->type->description);
}

/* The first sentence beside the name. */
static void put_child(struct strbuf *out, const char *name, const char *text)
{
	cleanup_strbuf struct strbuf line = STRBUF_INIT, wrapped = STRBUF_INIT;
	const char *end = text ? strstr(text, ". ") : NULL;

	strbuf_add(&line, text ? text : "",
		   end ? (size_t)(end + 1 - text) : strlen(text ? text : ""));
	strbuf_printf(out, "  %-*s", COLUMN - 2, name);
	if (strlen(name) >= COLUMN - 2) {
		strbuf_putc(out, '\n');
		strbuf_fill(out, ' ', COLUMN);
	}
	put_wrapped(&wrapped, line.text, COLUMN);
	strbuf_puts(out, wrapped.text + COLUMN);
}

static void put_children(struct strbuf *out, const struct schema_type *type)
{
	const char *names[MAX_NAMES];
	size_t n = schema_place_names(type, names, MAX_NAMES);

	if (n)
		strbuf_puts(out, "\n");
	for (size_t i = 0; i < n; i++) {
		struct schema_place child;

		if (!schema_place_step(type, names[i], &child) ||
		    (child.property && child.property->change == SCHEMA_CHANGE_NONE))
			continue;
		put_child(out, names[i], description_of(&child));
	}
}

static void put_facts(struct strbuf *out, const struct schema_property *p)
{
	const char *text = schema_text(p->default_text);

	if (p->flags & SCHEMA_REQUIRED)
		strbuf_puts(out, "  required\n");
	else if (text && strcmp(text, "{}") && strcmp(text, "[]"))
		strbuf_printf(out, "  default: %s\n", text);
	if (p->change != SCHEMA_CHANGE_NONE)
		strbuf_printf(out, "  an edit %s (%s)\n", schema_change_words(p->change),
			      schema_change_name(p->change));
	if (p->since)
		strbuf_printf(out, "  since version %s\n", schema_text(p->since));
	if (p->deprecated)
		strbuf_printf(out, "  deprecated: %s\n", schema_text(p->deprecated));
}

static void explain(struct strbuf *out, const char *path, const struct schema_place *place)
{
	const struct schema_property *p = place->property;
	const char *description = description_of(place);

	strbuf_printf(out, "%s: ", *path ? path : "a description");
	schema_describe_type(place->type, out);
	strbuf_putc(out, '\n');
	if (p)
		put_facts(out, p);
	if (description) {
		strbuf_putc(out, '\n');
		put_wrapped(out, description, 2);
	}
	if (p && p->example)
		strbuf_printf(out, "\n  example: %s: %s\n", schema_text(p->name),
			      schema_text(p->example));
	put_children(out, place->type);
}

static int unknown_path(const struct command *command, const char *unknown,
			const struct schema_place *place)
{
	const char *names[MAX_NAMES], *near;
	size_t n = schema_place_names(place->parent, names, MAX_NAMES),
	       size = strcspn(unknown, ".");
	size_t known_here = n;
	cleanup_strbuf struct strbuf word = STRBUF_INIT, known = STRBUF_INIT;

	strbuf_add(&word, unknown, MIN(size, (size_t)64));
	if (schema_is_left_out(word.text))
		return usage_error(command, "this weft was built without the device type '%s'",
				   word.text);
	/* A path may begin with a device type. */
	if (place->parent == schema_type(schema_root))
		n += schema_device_names(names + n, MAX_NAMES - n);
	near = suggest(word.text, names, n);
	if (near)
		return usage_error(command, "there is no '%s'; did you mean '%s'?", word.text,
				   near);
	if (!n)
		return usage_error(command, "there is no '%s': nothing is below this key",
				   word.text);
	for (size_t i = 0; i < known_here; i++)
		strbuf_printf(&known, "%s%s", i ? ", " : "", names[i]);
	return usage_error(command, "there is no '%s'; there are: %s", word.text, known.text);
}

static int run(const struct command *command, int argc, char **argv)
{
	cleanup_strbuf struct strbuf out = STRBUF_INIT;
	struct schema_place place;
	struct options options;
	const char *path, *unknown;
	int option;

	options_init(&options, command, argc, argv);
	while ((option = options_next(&options)) > 0)
		;
	if (option < 0)
		return options.exit;
	if (options.n_operands > 1)
		return usage_error(command, "only one path at a time");
	path = options.n_operands ? options.operands[0] : "";
	if (!schema_place_find(path, &place, &unknown))
		return unknown_path(command, unknown, &place);
	explain(&out, path, &place);
	return strbuf_write(&out, STDOUT_FILENO) < 0 ? EXIT_HOST : EXIT_DONE;
}

const struct command command_explain = {
	.name = "explain",
	.operands = "[PATH]",
	.summary = "tell what a key of a description means",
	.details =
		"PATH has dots between its keys, as in memory.size. Of devices it names the type, as in\n"
		"devices.virtio-blk.path or virtio-blk.path. Without PATH it tells the keys at the top.",
	.run = run,
};
