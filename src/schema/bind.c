/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values into structs: every property's type and offset are in the tables, so one function fills
 * all.
 */
#include <string.h>

#include "base/arena.h"
#include "base/compiler.h"
#include "schema/bind.h"
#include "schema/config.h"
#include "schema/value.h"

/* What every list and map is in C. */
struct bound_list {
	size_t n;
	void *items;
};

static void bind_value(struct arena *arena, const struct value *value, void *to);

static size_t scalar_size(const struct schema_type *type)
{
	switch (type->kind) {
	case SCHEMA_BOOLEAN:
	case SCHEMA_SWITCH:
		return sizeof(bool);
	case SCHEMA_ENUM:
		return sizeof(unsigned);
	case SCHEMA_STRING:
	case SCHEMA_PATH:
		return sizeof(const char *);
	case SCHEMA_MAC:
		return sizeof(struct mac_address);
	case SCHEMA_UUID:
		return sizeof(struct uuid);
	case SCHEMA_CPU_LIST:
		return sizeof(struct cpu_list);
	default:
		return sizeof(uint64_t);
	}
}

static void bind_scalar(const struct value *value, void *to)
{
	const void *from = &value->number;

	switch (value->type->kind) {
	case SCHEMA_BOOLEAN:
	case SCHEMA_SWITCH:
		from = &value->boolean;
		break;
	case SCHEMA_ENUM:
		from = &value->word;
		break;
	case SCHEMA_STRING:
	case SCHEMA_PATH:
		from = &value->string;
		break;
	case SCHEMA_MAC:
		from = &value->mac;
		break;
	case SCHEMA_UUID:
		from = &value->uuid;
		break;
	case SCHEMA_CPU_LIST:
		from = value->cpus;
		break;
	default:
		break;
	}
	memcpy(to, from, scalar_size(value->type));
}

static void bind_members(struct arena *arena, const struct value *value, char *to)
{
	for (size_t i = 0; i < value->n; i++) {
		const struct value *child = value->children[i];
		const struct schema_property *p = child->property;

		if (p->flags & SCHEMA_DISCRIMINATOR)
			continue;
		if (p->flags & SCHEMA_HAS_MEMBER)
			*(bool *)(to + p->has_offset) = true;
		if (p->flags & SCHEMA_POINTER) {
			void *object = arena_alloc(arena, child->type->struct_size);

			memcpy(to + p->offset, &object, sizeof(object));
			bind_value(arena, child, object);
		} else {
			bind_value(arena, child, to + p->offset);
		}
	}
}

static void bind_list(struct arena *arena, const struct value *value, void *to)
{
	const struct schema_type *type = value->type;
	struct bound_list list = {.n = value->n};
	char *items = arena_array(arena, value->n, type->struct_size);

	list.items = value->n ? items : NULL;
	for (size_t i = 0; i < value->n; i++) {
		char *item = items + i * type->struct_size;

		if (type->kind == SCHEMA_MAP)
			memcpy(item, &value->children[i]->name, sizeof(const char *));
		bind_value(arena, value->children[i], item + type->payload);
	}
	memcpy(to, &list, sizeof(list));
}

static void bind_union(struct arena *arena, const struct value *value, char *to)
{
	const struct schema_variant *first = &schema_variants[value->type->parts.first];
	unsigned number = (unsigned)(value->variant - first);

	memcpy(to, &number, sizeof(number));
	bind_members(arena, value, to + value->type->payload);
}

static void bind_device(struct arena *arena, const struct value *value, void *to)
{
	struct config_device device = {.type = schema_text(value->variant->name)};
	void *config = arena_alloc(arena, schema_type(value->variant->type)->struct_size);

	bind_members(arena, value, config);
	device.config = config;
	memcpy(to, &device, sizeof(device));
	/* A device's own struct is what its place stands for. */
	((struct value *)value)->bound = config;
}

static void bind_value(struct arena *arena, const struct value *value, void *to)
{
	/* The tree is this generation's and not shown to anyone before it is bound. */
	((struct value *)value)->bound = to;
	switch (value->type->kind) {
	case SCHEMA_OBJECT:
		bind_members(arena, value, to);
		break;
	case SCHEMA_ARRAY:
	case SCHEMA_MAP:
		bind_list(arena, value, to);
		break;
	case SCHEMA_UNION:
		bind_union(arena, value, to);
		break;
	case SCHEMA_DEVICES:
		bind_device(arena, value, to);
		break;
	default:
		bind_scalar(value, to);
		break;
	}
}

const struct config_machine *schema_bind(struct arena *arena, const struct value *root)
{
	struct config_machine *machine = arena_new(arena, struct config_machine);

	invariant(root->type == schema_type(schema_root));
	bind_value(arena, root, machine);
	return machine;
}
