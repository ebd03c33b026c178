/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Variables. A variable is declared under `vars:` with its value, or with a map of `type`,
 * `default` and `description`; the command line gives another value. Values may use variables,
 * within a depth that no circle outlives.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/source.h"
#include "base/strbuf.h"
#include "base/suggest.h"
#include "base/units.h"
#include "document/include.h"
#include "document/load.h"
#include "document/vars.h"

#define MAX_VARS   256
#define MAX_DEPTH  8
#define MAX_STEPS  100000 /* variables replaced in all: values may use values */
#define MAX_FAULTS 100    /* told; what is shared by aliases would be told again and again */

struct variable {
	const char *name;
	const char *type;         /* one of variable_types, or NULL: any */
	const struct node *value; /* a scalar, or NULL when it has none */
	struct span declared;
};

struct vars {
	struct arena *arena;
	struct diag_list *diags;
	struct variable items[MAX_VARS];
	size_t n;
	size_t bytes; /* of all that was substituted */
	size_t steps, faults;
};

static const char *const variable_types[] = {
	"string", "integer", "boolean", "size", "duration",
};

static struct variable *find(struct vars *vars, const char *name)
{
	for (size_t i = 0; i < vars->n; i++)
		if (strcmp(vars->items[i].name, name) == 0)
			return &vars->items[i];
	return NULL;
}

static struct diag *fault(struct vars *vars, const char *code, struct span span, const char *fmt,
			  ...) printf_like(4, 5);
static struct diag *fault(struct vars *vars, const char *code, struct span span, const char *fmt,
			  ...)
{
	char message[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	vars->faults++;
	return diag_add(vars->diags, code, DIAG_ERROR, span, "%s", message);
}

static bool is_name(const char *name, size_t size)
{
	return size > 0 && size < 64 &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") >=
		       size &&
	       !(name[0] >= '0' && name[0] <= '9') && name[0] != '-';
}

/* Whether a scalar is of a declared type; a unit's own words go into @error. */
static bool has_type(const struct node *value, const char *type, struct unit_error *error)
{
	uint64_t number;

	error->message[0] = error->hint[0] = '\0';
	if (strcmp(type, "string") == 0)
		return value->kind == NODE_STRING;
	if (strcmp(type, "integer") == 0)
		return value->kind == NODE_INT;
	if (strcmp(type, "boolean") == 0)
		return value->kind == NODE_BOOL;
	if (strcmp(type, "size") == 0)
		return size_parse(value->text, &number, error) == 0;
	return duration_parse(value->text, &number, error) == 0;
}

static void check_type(struct vars *vars, const struct variable *var)
{
	struct unit_error error;
	struct diag *diag;

	if (!var->type || !var->value || strstr(var->value->text, "${") ||
	    has_type(var->value, var->type, &error))
		return;
	diag = fault(vars, "E0124", var->value->span, "the variable '%s' is %s %s, not '%.64s'",
		     var->name, strchr("aeiou", var->type[0]) ? "an" : "a", var->type,
		     var->value->text);
	if (error.hint[0])
		diag_hint(vars->diags, diag, "%s", error.hint);
	else if (strcmp(var->type, "string") == 0)
		diag_hint(vars->diags, diag, "write '%s' in quotes", var->value->text);
	if (var->value->span.source != var->declared.source)
		diag_relate(vars->diags, diag, var->declared, "declared here");
}

/* `disk: { type: string, default: root.img, description: … }` */
static void declare_by_map(struct vars *vars, struct variable *var, const struct node *map)
{
	static const char *const keys[] = {"type", "default", "description"};

	for (uint32_t i = 0; i < map->n_entries; i++) {
		const struct node_entry *entry = &map->entries[i];
		const char *key = entry->key->text;
		struct diag *diag;

		if (strcmp(key, "default") == 0 && node_is_scalar(entry->value)) {
			var->value = entry->value;
		} else if (strcmp(key, "type") == 0 && entry->value->kind == NODE_STRING) {
			for (size_t t = 0; t < ARRAY_SIZE(variable_types); t++)
				if (strcmp(entry->value->text, variable_types[t]) == 0)
					var->type = variable_types[t];
			if (!var->type)
				diag_hint(
					vars->diags,
					fault(vars, "E0124", node_entry_span(entry),
					      "there is no type '%.64s' of variables",
					      entry->value->text),
					"the types are: string, integer, boolean, size and duration");
		} else if (strcmp(key, "description") == 0 && entry->value->kind != NODE_STRING) {
			diag_hint(vars->diags,
				  fault(vars, "E0124", node_entry_span(entry),
					"the description of '%s' takes a string, not %s", var->name,
					node_kind_name(entry->value->kind)),
				  "say in words what it is for");
		} else if (strcmp(key, "description") != 0) {
			const char *near = suggest(key, keys, ARRAY_SIZE(keys));

			diag = fault(vars, "E0124", entry->key->span,
				     "'%.64s' cannot be said of a variable like this", key);
			if (near)
				diag_hint(vars->diags, diag, "did you mean '%s'?", near);
			else
				diag_hint(vars->diags, diag,
					  "say { type: integer, default: 2 }, or the value alone");
		}
	}
}

static void declare(struct vars *vars, const struct node_entry *entry)
{
	struct variable *var = &vars->items[vars->n];

	*var = (struct variable){.name = entry->key->text, .declared = entry->key->span};
	if (!is_name(entry->key->text, entry->key->size)) {
		diag_hint(vars->diags,
			  fault(vars, "E0124", entry->key->span, "'%.64s' is no name of a variable",
				entry->key->text),
			  "use letters, digits, '-' and '_', beginning with a letter");
		return;
	}
	vars->n++;
	if (node_is_scalar(entry->value))
		var->value = entry->value->kind == NODE_NULL ? NULL : entry->value;
	else if (entry->value->kind == NODE_MAP)
		declare_by_map(vars, var, entry->value);
	else
		diag_hint(vars->diags,
			  fault(vars, "E0124", node_entry_span(entry),
				"the variable '%s' is a list", var->name),
			  "a variable is one value; to share a list, use an anchor");
}

static void declare_all(struct vars *vars, const struct node_entry *entry)
{
	const struct node *map = entry->value;

	if (map->kind == NODE_NULL)
		return;
	if (map->kind != NODE_MAP) {
		diag_hint(vars->diags,
			  fault(vars, "E0124", node_entry_span(entry), "'vars' takes a map, not %s",
				node_kind_name(map->kind)),
			  "for example vars: { disk: root.img }");
		return;
	}
	if (map->n_entries > MAX_VARS) {
		fault(vars, "E0119", node_entry_span(entry), "there are more than %d variables",
		      MAX_VARS);
		return;
	}
	for (uint32_t i = 0; i < map->n_entries; i++)
		declare(vars, &map->entries[i]);
}

/* "-D name=value" */
static void define(struct vars *vars, const char *text)
{
	struct source *source = source_from_text(vars->arena, "-D", text, strlen(text));
	const char *equals = strchr(source->text, '=');
	size_t size = equals ? (size_t)(equals - source->text) : source->size;
	struct load_origin origin = {.offset = size + 1, .column = (uint32_t)size + 1};
	struct span span = {source, 1, 1, 1, (uint32_t)size + 1};
	struct variable *var;
	size_t errors;

	if (!equals || !is_name(source->text, size)) {
		diag_hint(vars->diags,
			  fault(vars, "E0124", span,
				equals ? "this is no name of a variable"
				       : "a definition has no '=' and value"),
			  "write -D name=value");
		return;
	}
	var = find(vars, arena_strndup(vars->arena, source->text, size));
	if (!var) {
		diag_hint(vars->diags,
			  fault(vars, "E0123", span, "the description has no variable '%.*s'",
				(int)size, source->text),
			  "declare it under 'vars:' at the top of the description");
		return;
	}
	errors = diag_errors(vars->diags);
	var->value = load_tree(vars->arena, source, &origin, vars->diags);
	if (diag_errors(vars->diags) > errors) {
		vars->faults++;
	} else if (!var->value) { /* "name=" is the empty string */
		struct node *empty = arena_new(vars->arena, struct node);

		*empty = (struct node){
			.kind = NODE_STRING, .style = NODE_DOUBLE_QUOTED, .text = "", .span = span};
		node_weigh(empty);
		var->value = empty;
	} else if (!node_is_scalar(var->value)) {
		diag_hint(vars->diags, fault(vars, "E0124", span, "a variable is one value"),
			  "quote it: -D %.*s=\"'…'\"", (int)size, source->text);
		var->value = NULL;
	} else if (var->type && strcmp(var->type, "string") == 0) {
		struct node *string = (struct node *)var->value;

		string->kind = NODE_STRING; /* a shell takes quotes away */
		string->style = NODE_DOUBLE_QUOTED;
	}
}

/*
 * The place of "${name}" in the scalar that uses it; of the whole scalar when @name is not in its
 * text (but in a variable's), or when quotes and escapes make it hard to tell.
 */
static struct span reference_span(const struct node *use, const char *name, size_t size)
{
	struct span span = use->span;
	uint32_t quote = node_is_quoted(use);

	if (name < use->text || name > use->text + use->size || span.line != span.end_line ||
	    span.end_column - span.column != use->size + 2 * quote)
		return span;
	span.column += (uint32_t)(name - use->text) - 2 + quote;
	span.end_column = span.column + (uint32_t)size + 3;
	return span;
}

static void unknown_variable(struct vars *vars, const struct node *use, const char *name,
			     size_t size)
{
	const char *names[MAX_VARS], *near;
	struct diag *diag;

	for (size_t i = 0; i < vars->n; i++)
		names[i] = vars->items[i].name;
	near = suggest(arena_strndup(vars->arena, name, size), names, vars->n);
	diag = fault(vars, "E0123", reference_span(use, name, size), "there is no variable '%.*s'",
		     (int)MIN(size, (size_t)64), name);
	if (near)
		diag_hint(vars->diags, diag, "did you mean ${%s}?", near);
	else
		diag_hint(vars->diags, diag,
			  "declare it under 'vars:' at the top, or write $${ for a plain ${");
}

static bool expand(struct vars *vars, const struct node *use, const char *text, unsigned depth,
		   struct strbuf *out, const struct variable **ret_last);

/* Appends the value of the variable that @size bytes at @name call. */
static bool expand_name(struct vars *vars, const struct node *use, const char *name, size_t size,
			unsigned depth, struct strbuf *out, const struct variable **ret_last)
{
	const struct variable *var =
		is_name(name, size) ? find(vars, arena_strndup(vars->arena, name, size)) : NULL;
	const struct variable *inner;
	struct diag *diag;

	if (!var) {
		unknown_variable(vars, use, name, size);
		return false;
	}
	*ret_last = var;
	if (++vars->steps > MAX_STEPS) {
		fault(vars, "E0119", use->span, "more than %d variables are replaced", MAX_STEPS);
		vars->faults = MAX_FAULTS + 1;
		return false;
	}
	if (!var->value) {
		diag = fault(vars, "E0123", reference_span(use, name, size),
			     "the variable '%s' has no value", var->name);
		diag_hint(vars->diags, diag, "give it one with -D %s=VALUE, or a default",
			  var->name);
		diag_relate(vars->diags, diag, var->declared, "declared here");
		return false;
	}
	if (depth == MAX_DEPTH) {
		diag = fault(
			vars, "E0123", var->declared,
			"the value of '%s' leads back to itself, or through more than %d variables",
			var->name, MAX_DEPTH);
		diag_hint(vars->diags, diag, "write a value without ${%s}", var->name);
		return false;
	}
	return expand(vars, use, var->value->text, depth + 1, out, &inner);
}

/* Appends @text with its variables replaced. */
static bool expand(struct vars *vars, const struct node *use, const char *text, unsigned depth,
		   struct strbuf *out, const struct variable **ret_last)
{
	struct diag *diag;

	while (*text) {
		const char *dollar = strstr(text, "${"), *end;

		strbuf_add(out, text, dollar ? (size_t)(dollar - text) : strlen(text));
		if (out->size > DOCUMENT_MAX_SCALAR) {
			fault(vars, "E0119", use->span,
			      "with its variables, this text is longer than %d KiB",
			      DOCUMENT_MAX_SCALAR / 1024);
			return false;
		}
		if (!dollar)
			return true;
		if (dollar > text && dollar[-1] == '$') { /* "$${": one dollar is there already */
			strbuf_putc(out, '{');
			text = dollar + 2;
			continue;
		}
		end = strchr(dollar, '}');
		if (!end) {
			diag = fault(vars, "E0123", use->span, "a ${ has no closing brace");
			diag_hint(vars->diags, diag, "write ${name}, or $${ for a plain ${");
			return false;
		}
		if (!expand_name(vars, use, dollar + 2, (size_t)(end - dollar) - 2, depth, out,
				 ret_last))
			return false;
		text = end + 1;
	}
	return true;
}

static const struct node *substitute_scalar(struct vars *vars, const struct node *node)
{
	cleanup_strbuf struct strbuf out = STRBUF_INIT;
	const struct variable *last = NULL;
	struct node *result;
	bool whole;

	if (!strstr(node->text, "${") || !expand(vars, node, node->text, 0, &out, &last))
		return node;
	vars->bytes += out.size;
	if (vars->bytes > DOCUMENT_MAX_BYTES) {
		fault(vars, "E0119", node->span,
		      "with all variables, the texts are longer than %d MiB",
		      DOCUMENT_MAX_BYTES / 1024 / 1024);
		return node;
	}
	result = arena_new(vars->arena, struct node);
	*result = *node;
	result->text = arena_strndup(vars->arena, out.text ? out.text : "", out.size);
	result->size = (uint32_t)out.size;
	result->origin = last ? last->value : NULL;
	/* `${name}` alone is the value itself, whatever it is; in a longer text it is text. */
	whole = last && strcspn(node->text, "}") + 1 == node->size && node->text[0] == '$' &&
		node->text[1] == '{';
	if (whole)
		result->style = last->value->style;
	result->kind = NODE_STRING;
	if (!node_is_quoted(result))
		scalar_resolve(result, vars->diags);
	node_weigh(result);
	return result;
}

/* The tree below @node with its variables replaced; @node itself where there are none. */
static const struct node *substitute(struct vars *vars, const struct node *node)
{
	struct node_entry *entries = NULL;
	struct node *result;

	if (vars->faults > MAX_FAULTS)
		return node;
	if (node_is_scalar(node))
		return substitute_scalar(vars, node);
	for (uint32_t i = 0; i < node->n_entries; i++) {
		const struct node *value = substitute(vars, node->entries[i].value);

		if (value == node->entries[i].value)
			continue;
		if (!entries) {
			entries = arena_new_array(vars->arena, node->n_entries, struct node_entry);
			memcpy(entries, node->entries, node->n_entries * sizeof(*entries));
		}
		entries[i].value = value;
	}
	if (!entries)
		return node;
	result = arena_new(vars->arena, struct node);
	*result = *node; /* keys are the same: so is their order */
	result->entries = entries;
	if (node_weigh(result))
		fault(vars, "E0119", node->span,
		      "with all variables, the description is too large");
	return result;
}

struct node *vars_apply(struct arena *arena, struct node *root, const char *const *defines,
			size_t n_defines, struct diag_list *diags)
{
	struct vars *vars = arena_new(arena, struct vars);
	const struct node_entry *entry = node_take(arena, root, "vars");
	const struct node *result;

	vars->arena = arena;
	vars->diags = diags;
	if (entry)
		declare_all(vars, entry);
	for (size_t i = 0; i < n_defines; i++)
		define(vars, defines[i]);
	for (size_t i = 0; i < vars->n; i++)
		check_type(vars, &vars->items[i]);
	result = substitute(vars, root);
	return vars->faults ? NULL : (struct node *)result;
}
