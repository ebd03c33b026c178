/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libcyaml reads and writes state.yaml: weft wrote it, so its simple view of YAML is enough; what a
 * person may have changed in it is checked as little as a corrupted disk is.
 */
#include <cyaml/cyaml.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/strbuf.h"
#include "machine/layout.h"
#include "reload/state-content.h"

struct slot {
	char *path; /* "devices.root" */
	uint8_t slot;
};

/* Persistent memory: a guest keeps what it knows of it by its number and its address. */
struct memory {
	char *path;
	uint8_t nvdimm; /* its handle, 0: it is none */
	uint64_t base, size;
};

struct state_file {
	uint64_t generation;
	char *hash;
	struct slot *slots;
	unsigned slots_count;
	struct memory *memory;
	unsigned memory_count;
};

static const cyaml_schema_field_t slot_fields[] = {
	CYAML_FIELD_STRING_PTR("device", CYAML_FLAG_POINTER, struct slot, path, 1, 128),
	CYAML_FIELD_UINT("slot", CYAML_FLAG_DEFAULT, struct slot, slot),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t slot_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct slot, slot_fields),
};

static const cyaml_schema_field_t memory_fields[] = {
	CYAML_FIELD_STRING_PTR("device", CYAML_FLAG_POINTER, struct memory, path, 1, 128),
	CYAML_FIELD_UINT("nvdimm", CYAML_FLAG_DEFAULT, struct memory, nvdimm),
	CYAML_FIELD_UINT("base", CYAML_FLAG_DEFAULT, struct memory, base),
	CYAML_FIELD_UINT("size", CYAML_FLAG_DEFAULT, struct memory, size),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t memory_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct memory, memory_fields),
};

static const cyaml_schema_field_t state_fields[] = {
	CYAML_FIELD_UINT("generation", CYAML_FLAG_DEFAULT, struct state_file, generation),
	CYAML_FIELD_STRING_PTR("hash", CYAML_FLAG_POINTER, struct state_file, hash, 64, 64),
	CYAML_FIELD_SEQUENCE("slots", CYAML_FLAG_POINTER, struct state_file, slots, &slot_schema, 0,
			     PCI_SLOTS),
	CYAML_FIELD_SEQUENCE("memory", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct state_file,
			     memory, &memory_schema, 0, PCI_SLOTS + NVDIMM_SLOTS),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t state_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct state_file, state_fields),
};

static const cyaml_config_t cyaml_config = {
	.mem_fn = cyaml_mem,
	.flags = CYAML_CFG_NO_ALIAS,
};

/* The pin of a device that may have one already. */
static struct graph_node *pin_for(struct graph_node *nodes, size_t *n, struct arena *arena,
				  const char *path)
{
	size_t i;

	for (i = 0; i < *n && strcmp(nodes[i].path, path) != 0; i++)
		;
	if (i == *n)
		nodes[(*n)++] = (struct graph_node){
			.path = arena_strdup(arena, path),
			.pci_slot = -1,
			.nvdimm_slot = -1,
		};
	return &nodes[i];
}

static void keep(struct state_content *content, const struct state_file *file)
{
	const size_t most = (size_t)file->slots_count + file->memory_count;
	struct arena *arena = arena_create();
	struct graph_node *nodes = arena_new_array(arena, most, struct graph_node);
	const struct graph_node **list = arena_new_array(arena, most, const struct graph_node *);
	size_t n = 0;

	for (unsigned i = 0; i < file->slots_count; i++)
		if (file->slots[i].slot < PCI_SLOTS)
			pin_for(nodes, &n, arena, file->slots[i].path)->pci_slot =
				file->slots[i].slot;
	for (unsigned i = 0; i < file->memory_count; i++) {
		const struct memory *memory = &file->memory[i];
		struct graph_node *node = pin_for(nodes, &n, arena, memory->path);

		node->memory = (struct graph_bar){memory->base, memory->size};
		if (memory->nvdimm <= NVDIMM_SLOTS)
			node->nvdimm_slot = memory->nvdimm - 1;
	}
	for (size_t i = 0; i < n; i++)
		list[i] = &nodes[i];
	*content = (struct state_content){
		.generation = file->generation,
		.pins = {.nodes = list, .n = n},
		.arena = arena,
	};
	snprintf(content->hash, sizeof(content->hash), "%s", file->hash);
}

int state_content_parse(const char *text, size_t size, struct state_content *ret,
			const char **ret_why)
{
	struct state_file *file = NULL;
	cyaml_err_t error;

	error = cyaml_load_data((const uint8_t *)text, size, &cyaml_config, &state_schema,
				(cyaml_data_t **)&file, NULL);
	if (error != CYAML_OK || !file) {
		*ret_why = size ? cyaml_strerror(error) : "it is empty";
		return -EINVAL;
	}
	keep(ret, file);
	cyaml_free(&cyaml_config, &state_schema, file, 0);
	return 0;
}

int state_content_print(const struct graph *graph, uint64_t generation, struct strbuf *text,
			struct state_content *ret)
{
	cleanup_arena struct arena *arena = arena_create();
	char hex[SHA256_HEX_SIZE];
	struct state_file file = {
		.generation = generation,
		.hash = sha256_hex(graph->hash, hex),
		.slots = arena_new_array(arena, graph->n_nodes, struct slot),
		.memory = arena_new_array(arena, graph->n_nodes, struct memory),
	};
	const struct graph_node *node;
	char *printed = NULL;
	size_t size, i;

	graph_for_each_node (graph, node, i) {
		if (node->pci_slot > 0)
			file.slots[file.slots_count++] =
				(struct slot){(char *)node->path, (uint8_t)node->pci_slot};
		/* That of virtio-mem, which no description names, follows from the machine's. */
		if (node->memory.size && node->value)
			file.memory[file.memory_count++] = (struct memory){
				(char *)node->path, (uint8_t)(node->nvdimm_slot + 1),
				node->memory.base, node->memory.size};
	}
	if (cyaml_save_data(&printed, &size, &cyaml_config, &state_schema, &file, 0) != CYAML_OK)
		return -EIO;
	strbuf_add(text, printed, size);
	cyaml_config.mem_fn(NULL, printed, 0);
	keep(ret, &file);
	return 0;
}

void state_content_fini(struct state_content *content)
{
	content->arena = arena_destroy(content->arena);
}
