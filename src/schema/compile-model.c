/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From schema trees to types: follows references, recognises the shapes that weft's dialect of JSON
 * Schema allows (CONTRIBUTING.md lists what becomes of each) and refuses all others.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <string.h>

#include "schema/compile.h"
#include "schema/compile-scalar.h"

#define MAX_REFERENCES 8

static struct type *build_type(struct model *model, struct yml *schema, const char *tag);

static const char *c_name(const char *name, int (*letter)(int))
{
	char *copy = arena_strdup(compile_arena, name);

	for (char *c = copy; *c; c++)
		*c = isalnum((unsigned char)*c) ? (char)letter((unsigned char)*c) : '_';
	return copy;
}

const char *c_lower(const char *name)
{
	return c_name(name, tolower);
}

const char *c_upper(const char *name)
{
	return c_name(name, toupper);
}

struct yml *model_file(struct model *model, const char *name)
{
	struct yml *root;

	for (size_t i = 0; i < model->n_files; i++)
		if (!strcmp(model->files[i].name, name))
			return model->files[i].root;
	root = yml_read(model->directory, name);
	if (model->n_files == 0 || IS_POWER_OF_2(model->n_files))
		model->files = compile_grow(model->files, model->n_files, sizeof(*model->files));
	model->files[model->n_files].name = arena_strdup(compile_arena, name);
	model->files[model->n_files++].root = root;
	lint_schema(root);
	return root;
}

/* "../units.yaml" as said in "devices/virtio-rng.yaml": one level of folders is all there is. */
static const char *file_of_reference(const struct yml *ref, size_t length)
{
	const char *name = arena_strndup(compile_arena, ref->text, length);

	if (!length)
		return ref->file;
	if (!strchr(ref->file, '/'))
		return name;
	if (!strncmp(name, "../", 3))
		return name + 3;
	return arena_printf(compile_arena, "%.*s/%s", (int)(strchr(ref->file, '/') - ref->file),
			    ref->file, name);
}

struct yml *schema_resolve(struct model *model, const struct yml *ref)
{
	static const char defs[] = "#/$defs/";
	size_t length = strcspn(ref->text, "#");
	struct yml *root = model_file(model, file_of_reference(ref, length));

	if (!ref->text[length])
		return root;
	if (!strncmp(ref->text + length, defs, strlen(defs))) {
		struct yml *found =
			yml_get(yml_get(root, "$defs"), ref->text + length + strlen(defs));

		if (found)
			return found;
	}
	yml_error(ref,
		  "$ref '%s' leads nowhere; it is FILE.yaml, FILE.yaml#/$defs/NAME or #/$defs/NAME",
		  ref->text);
	compile_die("gave up");
}

struct yml *schema_key(struct model *model, struct yml *schema, const char *key)
{
	for (int depth = 0; schema; depth++) {
		struct yml *value = yml_get(schema, key);
		struct yml *ref = yml_get(schema, "$ref");

		if (value)
			return value;
		if (depth == MAX_REFERENCES) {
			yml_error(schema, "a chain of $ref without an end");
			return NULL;
		}
		schema = ref ? schema_resolve(model, ref) : NULL;
	}
	return NULL;
}

static const char *key_text(struct model *model, struct yml *schema, const char *key)
{
	const struct yml *value = schema_key(model, schema, key);

	return value ? value->text : NULL;
}

/* Where the shape is: the end of the chain of references. */
static struct yml *shape_of(struct model *model, struct yml *schema)
{
	struct yml *ref;

	for (int depth = 0; depth < MAX_REFERENCES; depth++) {
		if (yml_get(schema, "enum") || !(ref = yml_get(schema, "$ref")))
			return schema;
		schema = schema_resolve(model, ref);
	}
	return schema;
}

/* The prefix of C names of what is in a file: "virtio_rng", "config_cpus". */
static const char *file_prefix(const char *file)
{
	const char *slash = strchr(file, '/');
	const char *stem = slash ? slash + 1 : file;
	size_t length = strcspn(stem, ".");

	return arena_printf(compile_arena, "%s%s", slash ? "" : "config_",
			    c_lower(arena_strndup(compile_arena, stem, length)));
}

/* The C tag of a shape: what it asks for, what its file or definition is called, or where it
 * stands. */
static const char *shape_tag(struct model *model, const struct yml *shape, const char *tag)
{
	const struct yml *root = model_file(model, shape->file);
	const struct yml *defs = yml_get(root, "$defs");

	if (yml_text(shape, "x-struct"))
		return yml_text(shape, "x-struct");
	if (shape == root)
		return file_prefix(shape->file);
	for (size_t i = 0; defs && i < defs->n; i++)
		if (defs->values[i] == shape)
			return arena_printf(compile_arena, "%s_%s", file_prefix(shape->file),
					    c_lower(defs->keys[i]->text));
	return tag;
}

static uint64_t limit(struct model *model, struct yml *schema, const char *key, uint64_t otherwise)
{
	const struct yml *value = schema_key(model, schema, key);
	uint64_t number;

	if (!value)
		return otherwise;
	if (value->kind != YML_INT || !scalar_integer(value->text, &number)) {
		yml_error(value, "%s is an integer", key);
		return otherwise;
	}
	return number;
}

static void read_limits(struct model *model, struct type *type)
{
	struct yml *schema = type->schema;

	if (schema_key(model, schema, "minimum"))
		type->flags |= SCHEMA_HAS_MIN;
	if (schema_key(model, schema, "maximum"))
		type->flags |= SCHEMA_HAS_MAX;
	type->min = limit(model, schema, "minimum", 0);
	type->max = limit(model, schema, "maximum", UINT64_MAX);
	if (type->flags & SCHEMA_HAS_MIN && (int64_t)type->min < 0 &&
	    yml_text(type->schema, "minimum")[0] == '-')
		type->flags |= SCHEMA_SIGNED;
	if (type->flags & SCHEMA_SIGNED && !(type->flags & SCHEMA_HAS_MAX))
		type->max = INT64_MAX;
	type->multiple = limit(model, schema, "multipleOf", 0);
	type->min_length = limit(model, schema, "minLength", 0);
	type->max_length = limit(model, schema, "maxLength", 0);
	type->min_items = limit(model, schema, "minItems", 0);
	type->max_items = limit(model, schema, "maxItems", 0);
	type->pattern = schema_key(model, schema, "pattern");
	type->pattern_hint = schema_key(model, schema, "x-pattern-hint");
	if (type->pattern && !type->pattern_hint)
		yml_error(type->pattern, "a pattern needs an x-pattern-hint that says it in words");
}

static bool unit_kind(const struct yml *unit, enum schema_kind *ret)
{
	static const struct {
		const char *name;
		enum schema_kind kind;
	} units[] = {
		{"size", SCHEMA_SIZE},        {"duration", SCHEMA_DURATION}, {"rate", SCHEMA_RATE},
		{"path", SCHEMA_PATH},        {"mac", SCHEMA_MAC},           {"uuid", SCHEMA_UUID},
		{"cpulist", SCHEMA_CPU_LIST}, {"switch", SCHEMA_SWITCH},
	};

	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (!strcmp(unit->text, units[i].name)) {
			*ret = units[i].kind;
			return true;
		}
	yml_error(unit, "unknown x-unit '%s'", unit->text);
	return false;
}

static void build_words(struct type *type, const struct yml *words)
{
	size_t n = 0;

	for (size_t i = 0; i < words->n; i++) {
		const char *word =
			words->values[i]->kind == YML_NULL ? "null" : words->values[i]->text;

		PUSH(type->words, n, word);
	}
	type->n_words = n;
	if (type->kind == SCHEMA_INTEGER) {
		type->numbers = arena_new_array(compile_arena, n, uint64_t);
		for (size_t i = 0; i < n; i++)
			if (!scalar_integer(type->words[i], &type->numbers[i]))
				yml_error(words->values[i], "not an integer");
	}
}

static void build_groups(struct type *type, const struct yml *shape)
{
	const struct yml *one_of = yml_get(shape, "oneOf");
	const struct yml *needs = yml_get(shape, "dependentRequired");
	struct group group = {0};

	for (size_t i = 0; one_of && i < one_of->n; i++) {
		const struct yml *keys = yml_get(one_of->values[i], "required");

		if (!keys || keys->n != 1 || one_of->values[i]->n != 1) {
			yml_error(one_of->values[i],
				  "beside properties, oneOf lists {required: [KEY]}");
			return;
		}
		PUSH(group.keys, group.n, keys->values[0]->text);
	}
	if (group.n)
		PUSH(type->groups, type->n_groups, group);
	for (size_t i = 0; needs && i < needs->n; i++) {
		const struct yml *keys = needs->values[i];

		group = (struct group){.key = needs->keys[i]->text};
		for (size_t j = 0; j < keys->n; j++)
			PUSH(group.keys, group.n, keys->values[j]->text);
		PUSH(type->groups, type->n_groups, group);
	}
}

static enum schema_change change_of(const struct yml *change)
{
	static const char *const names[] = {
		[SCHEMA_CHANGE_LIVE] = "live",
		[SCHEMA_CHANGE_REPLUG] = "replug",
		[SCHEMA_CHANGE_RESTART] = "restart",
		[SCHEMA_CHANGE_FIXED] = "fixed",
	};

	for (enum schema_change i = SCHEMA_CHANGE_LIVE; i < ARRAY_SIZE(names); i++)
		if (change && !strcmp(change->text, names[i]))
			return i;
	if (change)
		yml_error(change, "x-change is live, replug, restart or fixed");
	return SCHEMA_CHANGE_NONE;
}

static enum schema_access access_of(const struct yml *access)
{
	static const char *const names[] = {
		[SCHEMA_ACCESS_READ] = "read",
		[SCHEMA_ACCESS_WRITE] = "write",
		[SCHEMA_ACCESS_MAKE] = "make",
	};

	for (enum schema_access i = SCHEMA_ACCESS_READ; access && i < ARRAY_SIZE(names); i++)
		if (!strcmp(access->text, names[i]))
			return i;
	if (access)
		yml_error(access, "x-access is read, write or make");
	return SCHEMA_ACCESS_READ;
}

static bool is_required(const struct yml *shape, const char *key)
{
	const struct yml *required = yml_get(shape, "required");

	for (size_t i = 0; required && i < required->n; i++)
		if (!strcmp(required->values[i]->text, key))
			return true;
	return false;
}

static bool is_scalar(const struct type *type)
{
	return type->kind < SCHEMA_ARRAY;
}

static void build_property(struct model *model, struct type *type, const char *name,
			   struct yml *schema, bool required, const char *prefix)
{
	struct property p = {
		.name = name,
		.c_name = c_lower(name),
		.schema = schema,
		.required = required,
		.discriminator = yml_get(schema, "const") != NULL ||
				 (!strcmp(name, "type") && !yml_get(schema, "x-change")),
		.document = yml_get(schema, "x-document") != NULL,
		.change = change_of(yml_get(schema, "x-change")),
		.access = access_of(yml_get(schema, "x-access")),
		.default_value = schema_key(model, schema, "default"),
	};
	size_t first = model->n_types;
	bool by_pointer;

	p.type =
		build_type(model, p.schema, arena_printf(compile_arena, "%s_%s", prefix, p.c_name));
	by_pointer = p.type->kind == SCHEMA_OBJECT || p.type->kind == SCHEMA_UNION;
	p.pointer = by_pointer && !p.required && !p.default_value;
	p.has_member = is_scalar(p.type) && p.type->kind != SCHEMA_STRING &&
		       p.type->kind != SCHEMA_PATH && !p.required && !p.default_value;
	if (p.default_value)
		check_default(p.default_value, p.type);
	for (size_t i = first; p.document && i < model->n_types; i++)
		model->types[i]->document = true;
	PUSH(type->properties, type->n_properties, p);
}

static void build_object(struct model *model, struct type *type, const struct yml *shape,
			 const char *prefix)
{
	const struct yml *properties = yml_get(shape, "properties");
	const struct yml *required = yml_get(shape, "required");
	const struct yml *more = yml_get(shape, "additionalProperties");
	struct yml *extensions = yml_get(yml_get(shape, "patternProperties"), "^x-");

	type->kind = SCHEMA_OBJECT;
	if (!more || more->kind != YML_BOOL || strcmp(more->text, "false"))
		yml_error(shape, "an object with properties says additionalProperties: false");
	for (size_t i = 0; properties && i < properties->n; i++)
		build_property(model, type, properties->keys[i]->text, properties->values[i],
			       is_required(shape, properties->keys[i]->text), prefix);
	if (extensions) {
		type->flags |= SCHEMA_EXTENSIONS;
		build_property(model, type, SCHEMA_EXTENSION_NAME, extensions, false, prefix);
	}
	for (size_t i = 0; required && i < required->n; i++)
		if (!yml_get(properties, required->values[i]->text))
			yml_error(required->values[i], "'%s' is required and no property",
				  required->values[i]->text);
	build_groups(type, shape);
}

static void build_variant(struct model *model, struct type *type, struct yml *alternative)
{
	struct yml *shape = shape_of(model, alternative);
	const struct yml *word = yml_get(yml_get(shape, "properties"), "type");
	const struct yml *words = yml_get(word, "enum");
	struct yml *constant = yml_get(word, "const");
	const struct yml single = {.kind = YML_LIST, .n = 1, .values = &constant};
	struct variant variant = {0};

	if (constant)
		words = &single;
	if (!words || !is_required(shape, "type")) {
		yml_error(
			shape,
			"a variant requires its type and says it: properties: {type: {const: WORD}}");
		return;
	}
	for (size_t i = 0; i < words->n; i++) {
		variant.name = words->values[i]->kind == YML_NULL ? "null" : words->values[i]->text;
		variant.c_name = c_lower(variant.name);
		variant.member = false;
		if (i == 0) {
			variant.type = arena_new(compile_arena, struct type);
			variant.type->schema = variant.type->target = shape;
			variant.type->c_tag =
				arena_printf(compile_arena, "%s_%s", type->c_tag, variant.c_name);
			build_object(model, variant.type, shape, variant.type->c_tag);
			variant.member = variant.type->n_properties > 1;
			PUSH(model->types, model->n_types, variant.type);
		}
		PUSH(type->variants, type->n_variants, variant);
	}
}

static void build_union(struct model *model, struct type *type, const struct yml *one_of)
{
	type->kind = SCHEMA_UNION;
	for (size_t i = 0; i < one_of->n; i++)
		if (!yml_get(one_of->values[i], "enum"))
			build_variant(model, type, one_of->values[i]);
	for (size_t i = 0; i < one_of->n; i++) {
		const struct yml *words = yml_get(one_of->values[i], "enum");

		for (size_t j = 0; words && j < words->n; j++) {
			const char *word = words->values[j]->kind == YML_NULL
						   ? "null"
						   : words->values[j]->text;
			struct variant *v = type->variants;

			while (v < type->variants + type->n_variants && strcmp(v->name, word))
				v++;
			if (v == type->variants + type->n_variants)
				yml_error(words->values[j], "'%s' is the type of no variant", word);
			else
				v->shorthand = true;
		}
	}
}

/* One of several kinds, or of all: what only the document stage understands. */
static bool is_any_value(const struct yml *schema)
{
	const struct yml *type = yml_get(schema, "type");

	return !yml_get(schema, "enum") &&
	       (type ? type->kind == YML_LIST : yml_get(schema, "x-document") != NULL);
}

/* oneOf without properties: one item or a list of them, a value or a map, or a union by `type`. */
static void build_one_of(struct model *model, struct type *type, const struct yml *one_of)
{
	struct yml *list = one_of->n == 2 ? one_of->values[1] : NULL;

	if (yml_get(list, "properties") && is_any_value(one_of->values[0])) {
		build_object(model, type, list, type->c_tag);
		type->flags |= SCHEMA_SINGLE_OK;
		return;
	}
	if (!yml_is(list, "type", "array")) {
		build_union(model, type, one_of);
		return;
	}
	type->kind = SCHEMA_ARRAY;
	type->flags |= SCHEMA_SINGLE_OK;
	type->items = build_type(model, one_of->values[0],
				 arena_printf(compile_arena, "%s_item", type->c_tag));
	type->min_items = limit(model, one_of->values[1], "minItems", 0);
	type->max_items = limit(model, one_of->values[1], "maxItems", 0);
}

static void build_devices(struct model *model, struct type *type)
{
	type->kind = SCHEMA_DEVICES;
	type->c_tag = "config_device";
	for (size_t i = 0; i < model->n_devices; i++) {
		const char *file =
			arena_printf(compile_arena, "devices/%s.yaml", model->devices[i]);
		struct yml *root = model_file(model, file);
		const char *word = yml_text(yml_get(yml_get(root, "properties"), "type"), "const");
		struct type *device = arena_new(compile_arena, struct type);
		struct variant variant = {
			.name = model->devices[i],
			.c_name = c_lower(model->devices[i]),
			.type = device,
		};

		if (!word || strcmp(word, model->devices[i]))
			yml_error(root, "properties.type is {const: %s}, the name of the file",
				  model->devices[i]);
		device->schema = device->target = root;
		device->left_out = !model->built_in[i];
		device->doc_name = model->devices[i];
		device->c_tag = arena_printf(compile_arena, "%s_config", variant.c_name);
		build_object(model, device, root, variant.c_name);
		PUSH(model->types, model->n_types, device);
		PUSH(type->variants, type->n_variants, variant);
	}
}

static void build_map(struct model *model, struct type *type, const struct yml *shape)
{
	struct yml *names = yml_get(shape, "propertyNames");
	struct yml *values = yml_get(shape, "additionalProperties");

	type->kind = SCHEMA_MAP;
	type->max_items = limit(model, type->target, "maxProperties", 0);
	type->min_items = limit(model, type->target, "minProperties", 0);
	if (names) {
		type->pattern = schema_key(model, names, "pattern");
		type->pattern_hint = schema_key(model, names, "x-pattern-hint");
		type->max_length = limit(model, names, "maxLength", 0);
		type->min_length = limit(model, names, "minLength", 0);
		if (type->pattern && !type->pattern_hint)
			yml_error(names, "a pattern needs an x-pattern-hint that says it in words");
	}
	type->items =
		build_type(model, values, arena_printf(compile_arena, "%s_value", type->c_tag));
}

static void build_scalar(struct model *model, struct type *type, const struct yml *shape)
{
	const char *name = key_text(model, type->schema, "type");
	const struct yml *words = schema_key(model, type->schema, "enum");
	const struct yml *kind = schema_key(model, type->schema, "type");
	struct yml *constant = schema_key(model, type->schema, "const");
	const struct yml single = {.kind = YML_LIST, .n = 1, .values = &constant};

	if (constant)
		words = &single;
	if (constant && constant->kind == YML_INT)
		name = "integer";
	read_limits(model, type);
	if (name && !strcmp(name, "boolean"))
		type->kind = SCHEMA_BOOLEAN;
	else if (name && !strcmp(name, "integer"))
		type->kind = SCHEMA_INTEGER;
	else if (words)
		type->kind = SCHEMA_ENUM;
	else if (name && !strcmp(name, "string"))
		type->kind = SCHEMA_STRING;
	else
		yml_error(
			kind ? kind : shape,
			"no shape that weft knows: type is boolean, integer, string, array or object, "
			"or there is a oneOf, an enum or an x-unit");
	if (words)
		build_words(type, words);
}

static void build_shape(struct model *model, struct type *type, struct yml *shape)
{
	const struct yml *unit = schema_key(model, type->schema, "x-unit");
	struct yml *more = yml_get(shape, "additionalProperties");

	if (!unit && !yml_get(shape, "oneOf") && !more && is_any_value(shape)) {
		type->kind = SCHEMA_VALUE;
	} else if (unit) {
		if (unit_kind(unit, &type->kind))
			read_limits(model, type);
	} else if (yml_get(shape, "x-variants")) {
		build_devices(model, type);
	} else if (more && more->kind == YML_MAP && !yml_get(shape, "properties")) {
		build_map(model, type, shape);
	} else if (yml_get(shape, "properties")) {
		build_object(model, type, shape, type->c_tag);
	} else if (yml_get(shape, "oneOf")) {
		build_one_of(model, type, yml_get(shape, "oneOf"));
	} else if (yml_is(shape, "type", "array")) {
		read_limits(model, type);
		type->kind = SCHEMA_ARRAY;
		if (!yml_get(shape, "items")) {
			yml_error(shape, "an array says what its items are");
			return;
		}
		type->items = build_type(model, yml_get(shape, "items"),
					 arena_printf(compile_arena, "%s_item", type->c_tag));
	} else {
		build_scalar(model, type, shape);
	}
}

static struct type *build_type(struct model *model, struct yml *schema, const char *tag)
{
	struct yml *shape = shape_of(model, schema);
	struct type *type;

	/* A shape that is referred to is one type, with one struct or enum. */
	for (size_t i = 0; i < model->n_types; i++)
		if (model->types[i]->target == shape &&
		    (model->types[i]->kind >= SCHEMA_ARRAY || model->types[i]->kind == SCHEMA_ENUM))
			return model->types[i];
	if (shape->kind != YML_MAP)
		compile_die("%s:%u: a schema is a map", shape->file, shape->line);
	type = arena_new(compile_arena, struct type);
	type->schema = schema;
	type->target = shape;
	type->c_tag = shape_tag(model, shape, tag);
	build_shape(model, type, shape);
	if (type->kind >= SCHEMA_ARRAY)
		type->schema = shape;
	PUSH(model->types, model->n_types, type);
	return type;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Every schema in devices/; which of them are built in the caller says. */
static void find_devices(struct model *model, const char **built_in, size_t n_built_in)
{
	const char *path = arena_printf(compile_arena, "%s/devices", model->directory);
	struct dirent *entry;
	DIR *dir = opendir(path);

	if (!dir)
		compile_die("%s: %s", path, strerror(errno));
	while ((entry = readdir(dir))) {
		size_t length = strlen(entry->d_name);
		const char *name;

		if (length < 6 || entry->d_name[0] == '.' ||
		    strcmp(entry->d_name + length - 5, ".yaml"))
			continue;
		name = arena_strndup(compile_arena, entry->d_name, length - 5);
		PUSH(model->devices, model->n_devices, name);
	}
	closedir(dir);
	if (model->n_devices)
		qsort(model->devices, model->n_devices, sizeof(*model->devices), by_name);
	model->built_in = arena_new_array(compile_arena, model->n_devices + 1, bool);
	for (size_t i = 0; i < n_built_in; i++) {
		const char **found = bsearch(&built_in[i], model->devices, model->n_devices,
					     sizeof(*model->devices), by_name);

		if (!found)
			compile_die("device type %s has no %s/%s.yaml", built_in[i], path,
				    built_in[i]);
		model->built_in[found - model->devices] = true;
	}
}

void model_build(struct model *model, const char **built_in, size_t n_built_in)
{
	find_devices(model, built_in, n_built_in);
	model->root = build_type(model, model_file(model, "machine.yaml"), "config_machine");
}
