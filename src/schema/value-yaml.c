/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values back to YAML and JSON. Values of an object are sorted by name; people read them in the
 * order of the schema.
 */
#include <jansson.h>
#include <string.h>

#include "base/compiler.h"
#include "base/source.h"
#include "base/strbuf.h"
#include "base/utf8.h"
#include "document/node.h"
#include "document/quote.h"
#include "schema/value-yaml.h"
#include "schema/value.h"

#define INDENT        2
#define ORIGIN_COLUMN 40

struct writer {
	struct strbuf *out;
	size_t line; /* where the current line begins */
	bool origins;
};

static bool is_scalar(const struct value *value)
{
	return value->type->kind < SCHEMA_ARRAY;
}

static bool is_list(const struct value *value)
{
	return value->type->kind == SCHEMA_ARRAY;
}

/*
 * A default of what needs another key beside it, which is not there, cannot be written down:
 * `protocol` of a machine that starts with a firmware.
 */
static bool is_sayable(const struct value *object, const struct value *child)
{
	const struct schema_type *type =
		object->variant ? schema_type(object->variant->type) : object->type;

	for (size_t i = 0; !child->written && i < type->groups.n; i++) {
		const struct schema_group *group = &schema_groups[type->groups.first + i];

		if (!group->key || strcmp(schema_text(group->key), child->name) != 0)
			continue;
		for (size_t j = 0; j < group->keys.n; j++)
			if (!value_child(object,
					 schema_text(schema_group_keys[group->keys.first + j])))
				return false;
	}
	return true;
}

/* The child that follows @previous (NULL: the first); NULL when there is none. */
static const struct value *next_child(const struct value *value, size_t *at)
{
	const struct value *next = NULL;
	size_t order = *at;

	/* Of lists and maps as they are; of the few properties of an object the next in the schema.
	 */
	if (is_list(value) || value->type->kind == SCHEMA_MAP)
		return *at < value->n ? value->children[(*at)++] : NULL;
	for (size_t i = 0; i < value->n; i++) {
		const struct value *child = value->children[i];

		if (child->property->order >= order && is_sayable(value, child) &&
		    (!next || child->property->order < next->property->order))
			next = child;
	}
	if (next)
		*at = next->property->order + 1U;
	return next;
}

#define for_each_child(value, child, at) for (size_t at = 0; ((child) = next_child(value, &at));)

/* What the command line said is shown whole; of a file, the line. */
static void put_place(struct strbuf *out, const struct span *span)
{
	if (!span->source)
		return;
	if (!span->source->inode && span->source->name[0] == '-')
		strbuf_printf(out, "%s %s", span->source->name, span->source->text);
	else
		strbuf_printf(out, "%s:%u", span->source->name, span->line);
}

static void put_comment(struct strbuf *out, const struct value *value)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT;

	if (!value->written) {
		strbuf_puts(out, "default");
		return;
	}
	put_place(&text, &value->span);
	if (value->origin && value->origin->span.source) {
		strbuf_puts(&text, ", from ");
		put_place(&text, &value->origin->span);
	}
	/* Names of files may hold what would end the comment. */
	for (size_t at = 0; at < text.size;) {
		uint32_t c = 0;
		size_t size = utf8_decode(text.text + at, text.size - at, &c);

		if (!size || utf8_is_control(c))
			strbuf_putc(out, '?');
		else
			strbuf_add(out, text.text + at, size);
		at += size ? size : 1;
	}
}

static void end_line(struct writer *w, const struct value *value)
{
	size_t width = w->out->size - w->line;

	if (w->origins) {
		strbuf_fill(w->out, ' ', width + 2 < ORIGIN_COLUMN ? ORIGIN_COLUMN - width : 2);
		strbuf_puts(w->out, "# ");
		put_comment(w->out, value);
	}
	strbuf_putc(w->out, '\n');
	w->line = w->out->size;
}

static void put_word(struct strbuf *out, const char *word)
{
	static const char *const booleans[] = {"on", "off", "yes", "no", "true", "false"};

	/* Booleans to readers of YAML 1.1, which these words of a schema are not. */
	for (size_t i = 0; i < ARRAY_SIZE(booleans); i++)
		if (!strcmp(word, booleans[i])) {
			strbuf_printf(out, "\"%s\"", word);
			return;
		}
	strbuf_puts(out, word);
}

static void put_scalar(struct strbuf *out, const struct value *value)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT;

	switch (value->type->kind) {
	case SCHEMA_STRING:
	case SCHEMA_PATH:
		quote_variables(&text, value->string);
		quote_put(out, text.size ? text.text : "");
		break;
	case SCHEMA_ENUM:
		put_word(out, value_word(value));
		break;
	default:
		value_print(value, out);
		break;
	}
}

/* [a, b], when no item is more than a scalar. */
static bool put_flow(struct writer *w, const struct value *list)
{
	for (size_t i = 0; i < list->n; i++)
		if (!is_scalar(list->children[i]))
			return false;
	strbuf_puts(w->out, " [");
	for (size_t i = 0; i < list->n; i++) {
		strbuf_puts(w->out, i ? ", " : "");
		put_scalar(w->out, list->children[i]);
	}
	strbuf_putc(w->out, ']');
	return true;
}

static void put_block(struct writer *w, const struct value *value, size_t indent);

/* What stands after "key:" or "-", with the end of the line. */
static void put_value(struct writer *w, const struct value *value, size_t indent)
{
	if (is_scalar(value)) {
		strbuf_putc(w->out, ' ');
		put_scalar(w->out, value);
		end_line(w, value);
	} else if (!value->n) {
		strbuf_puts(w->out, is_list(value) ? " []" : " {}");
		end_line(w, value);
	} else if (is_list(value) && put_flow(w, value)) {
		end_line(w, value);
	} else {
		strbuf_putc(w->out, '\n');
		w->line = w->out->size;
		put_block(w, value, indent + INDENT);
	}
}

static void put_block(struct writer *w, const struct value *value, size_t indent)
{
	const struct value *child;

	for_each_child(value, child, at)
	{
		size_t start = w->out->size;

		if (is_list(value) && !is_scalar(child) && !is_list(child) && child->n) {
			put_block(w, child, indent + INDENT);
			w->out->text[start + indent] = '-'; /* before the first key */
			continue;
		}
		strbuf_fill(w->out, ' ', indent);
		if (is_list(value)) {
			strbuf_putc(w->out, '-');
		} else {
			quote_put(w->out, child->name);
			strbuf_putc(w->out, ':');
		}
		put_value(w, child, indent);
	}
}

void value_yaml(const struct value *root, bool origins, struct strbuf *out)
{
	struct writer w = {.out = out, .line = out->size, .origins = origins};

	put_block(&w, root, 0);
}

static json_t *scalar_json(const struct value *value)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT;
	json_t *string;

	switch (value->type->kind) {
	case SCHEMA_BOOLEAN:
	case SCHEMA_SWITCH:
		return json_boolean(value->boolean);
	case SCHEMA_INTEGER:
		return json_integer((json_int_t)value->number);
	case SCHEMA_STRING:
	case SCHEMA_PATH:
		quote_variables(&text, value->string);
		break;
	case SCHEMA_ENUM:
		if (!strcmp(value_word(value), "null"))
			return json_null();
		strbuf_puts(&text, value_word(value));
		break;
	default:
		value_print(value, &text);
		if (text.text[0] == '"')
			return json_stringn(text.text + 1, text.size - 2);
		break;
	}
	/* The path of a file need not be UTF-8. */
	string = json_stringn(text.text ? text.text : "", text.size);
	return string ? string : json_null();
}

json_t *value_json(const struct value *root)
{
	const struct value *child;
	json_t *json;

	if (is_scalar(root))
		return scalar_json(root);
	json = is_list(root) ? json_array() : json_object();
	for_each_child(root, child, at)
	{
		if (is_list(root))
			json_array_append_new(json, value_json(child));
		else
			json_object_set_new(json, child->name, value_json(child));
	}
	return json;
}

static json_t *origin_json(const struct value *value)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT;
	const struct source *source = value->span.source;
	json_t *json = json_object();

	if (!value->written) {
		json_object_set_new(json, "default", json_true());
		return json;
	}
	if (source) {
		json_object_set_new(json, "file", json_string(source->name));
		json_object_set_new(json, "line", json_integer(value->span.line));
		json_object_set_new(json, "column", json_integer(value->span.column));
	}
	if (value->origin) {
		put_place(&text, &value->origin->span);
		json_object_set_new(json, "from",
				    json_stringn(text.text ? text.text : "", text.size));
	}
	return json;
}

static void add_origins(json_t *json, const struct value *value, const char *path)
{
	const struct value *child;
	size_t i = 0;

	if (is_scalar(value) || !value->n) {
		json_object_set_new(json, path, origin_json(value));
		return;
	}
	for_each_child(value, child, at)
	{
		cleanup_strbuf struct strbuf below = STRBUF_INIT;

		strbuf_printf(&below, "%s%s", path, *path ? "." : "");
		if (is_list(value))
			strbuf_printf(&below, "%zu", i++);
		else
			strbuf_puts(&below, child->name);
		add_origins(json, child, below.text);
	}
}

json_t *value_json_origins(const struct value *root)
{
	json_t *json = json_object();

	add_origins(json, root, "");
	return json;
}
