/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Places in the schema, and types in words.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/compiler.h"
#include "base/strbuf.h"
#include "base/units.h"
#include "schema/describe.h"

#define MAX_DEPTH 16

static const struct schema_variant *variant_of(const struct schema_type *type, size_t n)
{
	return &schema_variants[type->parts.first + n];
}

static bool has_variants(const struct schema_type *type)
{
	return type->kind == SCHEMA_UNION || type->kind == SCHEMA_DEVICES;
}

/* Lists and maps are what their items are. */
static const struct schema_type *inside(const struct schema_type *type)
{
	while (type->kind == SCHEMA_ARRAY || type->kind == SCHEMA_MAP)
		type = schema_type(type->items);
	return type;
}

const struct schema_property *schema_property_in_order(const struct schema_type *type, size_t n)
{
	for (size_t i = 0; i < type->parts.n; i++)
		if (schema_properties[type->parts.first + i].order == n)
			return &schema_properties[type->parts.first + i];
	return NULL;
}

static const struct schema_type *devices_type(void)
{
	const struct schema_property *p = schema_property_find(schema_type(schema_root), "devices");

	return p ? inside(schema_type(p->type)) : NULL;
}

bool schema_place_step(const struct schema_type *type, const char *name, struct schema_place *ret)
{
	const struct schema_variant *variant;
	const struct schema_property *p;

	type = inside(type);
	variant = schema_variant_find(type, name);
	p = schema_property_find(type, name);
	if (!p && type->flags & SCHEMA_EXTENSIONS && !strncmp(name, "x-", 2))
		p = schema_property_find(type, SCHEMA_EXTENSION_NAME);
	if (variant)
		*ret = (struct schema_place){.type = schema_type(variant->type)};
	else if (p)
		*ret = (struct schema_place){.type = schema_type(p->type), .property = p};
	else
		return false;
	return true;
}

bool schema_place_find(const char *path, struct schema_place *ret, const char **ret_unknown)
{
	struct schema_place place = {.type = schema_type(schema_root)}, devices = place;
	char name[64];

	devices.type = devices_type();
	for (bool first = true; *path; first = false) {
		size_t size = strcspn(path, ".");

		snprintf(name, sizeof(name), "%.*s", (int)MIN(size, sizeof(name) - 1), path);
		if (size >= sizeof(name) ||
		    (!schema_place_step(place.type, name, &place) &&
		     !(first && devices.type && schema_place_step(devices.type, name, &devices)))) {
			*ret = place;
			ret->parent = inside(place.type);
			*ret_unknown = path;
			return false;
		}
		if (first && devices.type != devices_type())
			place = devices;
		path += size;
		path += *path == '.';
	}
	*ret = place;
	return true;
}

size_t schema_place_names(const struct schema_type *type, const char **names, size_t max)
{
	size_t n = 0;

	type = inside(type);
	for (size_t i = 0; i < type->parts.n && n < max; i++) {
		if (has_variants(type))
			names[n++] = schema_text(variant_of(type, i)->name);
		else if (type->kind == SCHEMA_OBJECT)
			names[n++] = schema_text(schema_property_in_order(type, i)->name);
	}
	return n;
}

size_t schema_device_names(const char **names, size_t max)
{
	const struct schema_type *devices = devices_type();

	return devices ? schema_place_names(devices, names, max) : 0;
}

static void describe_words(const struct schema_type *type, struct strbuf *out)
{
	for (size_t i = 0; i < type->parts.n; i++)
		strbuf_printf(out, "%s%s",
			      i == 0                  ? ""
			      : i + 1 < type->parts.n ? ", "
						      : " or ",
			      schema_text(schema_words[type->parts.first + i].name));
}

static char *format_number(uint64_t number, char *buffer)
{
	snprintf(buffer, UNITS_TEXT_MAX, "%" PRIu64, number);
	return buffer;
}

static char *format_signed(uint64_t number, char *buffer)
{
	snprintf(buffer, UNITS_TEXT_MAX, "%" PRId64, (int64_t)number);
	return buffer;
}

static void describe_range(const struct schema_type *type, char *(*format)(uint64_t, char *),
			   struct strbuf *out)
{
	char min[UNITS_TEXT_MAX], max[UNITS_TEXT_MAX];
	bool has_min = type->flags & SCHEMA_HAS_MIN && (type->min || type->flags & SCHEMA_SIGNED);
	bool has_max = type->flags & SCHEMA_HAS_MAX;

	if (has_max)
		strbuf_printf(out, ", %s to %s", format(type->min, min), format(type->max, max));
	else if (has_min)
		strbuf_printf(out, ", at least %s", format(type->min, min));
	if (type->multiple > 1)
		strbuf_printf(out, ", a multiple of %s", format(type->multiple, min));
}

static void describe_number(const struct schema_type *type, struct strbuf *out)
{
	if (type->kind == SCHEMA_INTEGER && type->parts.n == 1) {
		describe_words(type, out);
	} else if (type->kind == SCHEMA_INTEGER && type->parts.n) {
		strbuf_puts(out, "one of ");
		describe_words(type, out);
	} else if (type->kind == SCHEMA_INTEGER) {
		strbuf_puts(out, "integer");
		describe_range(type, type->flags & SCHEMA_SIGNED ? format_signed : format_number,
			       out);
	} else if (type->kind == SCHEMA_SIZE) {
		strbuf_puts(out, "size");
		describe_range(type, size_format, out);
	} else if (type->kind == SCHEMA_DURATION) {
		strbuf_puts(out, "duration");
		describe_range(type, duration_format, out);
	} else {
		strbuf_puts(out, "rate");
		describe_range(type, rate_format, out);
	}
}

static void describe_string(const struct schema_type *type, struct strbuf *out)
{
	strbuf_puts(out, type->kind == SCHEMA_PATH ? "path" : "string");
	if (type->pattern != SCHEMA_NONE)
		strbuf_printf(out, ", %s", schema_text(schema_patterns[type->pattern].hint));
	if (type->max_length)
		strbuf_printf(out, ", at most %u characters", type->max_length);
}

/* A union that words alone can say, or that takes a map. */
static void describe_union(const struct schema_type *type, struct strbuf *out)
{
	size_t n = 0;

	for (size_t i = 0; i < type->parts.n; i++)
		if (variant_of(type, i)->shorthand)
			strbuf_printf(out, "%s%s", n++ ? ", " : "",
				      schema_text(variant_of(type, i)->name));
	strbuf_puts(out, n ? " or a map with a type" : "map with a type");
}

void schema_describe_type(const struct schema_type *type, struct strbuf *out)
{
	switch (type->kind) {
	case SCHEMA_BOOLEAN:
		strbuf_puts(out, "true or false");
		break;
	case SCHEMA_SWITCH:
		strbuf_puts(out, "on or off");
		break;
	case SCHEMA_ENUM:
		describe_words(type, out);
		break;
	case SCHEMA_STRING:
	case SCHEMA_PATH:
		describe_string(type, out);
		break;
	case SCHEMA_MAC:
		strbuf_puts(out, "MAC address");
		break;
	case SCHEMA_UUID:
		strbuf_puts(out, "UUID");
		break;
	case SCHEMA_CPU_LIST:
		strbuf_puts(out, "list of CPUs");
		break;
	case SCHEMA_ARRAY:
		strbuf_puts(out, "list, each item: ");
		schema_describe_type(schema_type(type->items), out);
		if (type->flags & SCHEMA_SINGLE_OK)
			strbuf_puts(out, "; or one such item");
		break;
	case SCHEMA_OBJECT:
		strbuf_puts(out, type->flags & SCHEMA_SINGLE_OK ? "value, or map" : "map");
		break;
	case SCHEMA_VALUE:
		strbuf_puts(out, "any value");
		break;
	case SCHEMA_MAP:
		strbuf_puts(out, "map by name, each value: ");
		schema_describe_type(schema_type(type->items), out);
		break;
	case SCHEMA_UNION:
		describe_union(type, out);
		break;
	case SCHEMA_DEVICES:
		strbuf_puts(out, "map with a type");
		break;
	default:
		describe_number(type, out);
		break;
	}
}

const char *schema_change_name(enum schema_change change)
{
	static const char *const names[] = {
		[SCHEMA_CHANGE_NONE] = "",         [SCHEMA_CHANGE_LIVE] = "live",
		[SCHEMA_CHANGE_REPLUG] = "replug", [SCHEMA_CHANGE_RESTART] = "restart",
		[SCHEMA_CHANGE_FIXED] = "fixed",
	};

	return names[change];
}

const char *schema_change_words(enum schema_change change)
{
	static const char *const words[] = {
		[SCHEMA_CHANGE_NONE] = "",
		[SCHEMA_CHANGE_LIVE] = "is applied while the guest runs",
		[SCHEMA_CHANGE_REPLUG] = "takes the device out of the guest and puts it in again",
		[SCHEMA_CHANGE_RESTART] = "waits for a restart of the machine",
		[SCHEMA_CHANGE_FIXED] = "is refused: it would be another machine",
	};

	return words[change];
}

struct walk {
	void (*call)(const char *path, const struct schema_property *property, void *data);
	void *data;
};

static void walk_type(const struct walk *walk, const struct schema_type *type, const char *path,
		      unsigned depth)
{
	const char *names[64];
	size_t n = depth < MAX_DEPTH ? schema_place_names(type, names, ARRAY_SIZE(names)) : 0;

	for (size_t i = 0; i < n; i++) {
		cleanup_strbuf struct strbuf below = STRBUF_INIT;
		struct schema_place place;

		if (!schema_place_step(type, names[i], &place) ||
		    (place.property && place.property->change == SCHEMA_CHANGE_NONE))
			continue;
		strbuf_printf(&below, "%s%s%s", path, *path ? "." : "", names[i]);
		walk->call(below.text, place.property, walk->data);
		walk_type(walk, place.type, below.text, depth + 1);
	}
}

void schema_each_path(void (*call)(const char *path, const struct schema_property *property,
				   void *data),
		      void *data)
{
	const struct walk walk = {.call = call, .data = data};

	walk_type(&walk, schema_type(schema_root), "", 0);
}
