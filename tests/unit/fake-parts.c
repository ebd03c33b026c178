/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "tests/unit/fake-parts.h"

static bool fails(struct fake_world *w)
{
	return ++w->calls == w->fail_at;
}

static bool overlap(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size)
{
	return a_size && b_size && a < b + b_size && b < a + a_size;
}

static const char *places_clash(const struct graph_node *a, const struct graph_node *b)
{
	if (a->pci_slot > 0 && a->pci_slot == b->pci_slot)
		return "PCI slot";
	if (a->nvdimm_slot >= 0 && a->nvdimm_slot == b->nvdimm_slot)
		return "NVDIMM slot";
	if (overlap(a->gsi_base, a->n_gsis, b->gsi_base, b->n_gsis))
		return "GSI";
	if (overlap(a->memory_slot_base, a->n_memory_slots, b->memory_slot_base, b->n_memory_slots))
		return "memory slot";
	if (overlap(a->memory.base, a->memory.size, b->memory.base, b->memory.size))
		return "memory";
	for (unsigned i = 0; i < DEVICE_MAX_BARS; i++)
		for (unsigned j = 0; j < DEVICE_MAX_BARS; j++)
			if (overlap(a->bars[i].base, a->bars[i].size, b->bars[j].base,
				    b->bars[j].size))
				return "BAR";
	return NULL;
}

/* Things of the host whose key begins with one of these cannot change while a device runs. */
static bool is_firm(const char *key)
{
	return strncmp(key, "write:/srv", 10) == 0 || strncmp(key, "tap:", 4) == 0 ||
	       strncmp(key, "mac:", 4) == 0;
}

/* Whether both have a thing of the host that is @firm, or one that is not. */
static bool hosts_clash(const struct graph_node *a, const struct graph_node *b, bool firm)
{
	cleanup_arena struct arena *arena = arena_create();
	struct device_needs x = {0}, y = {0};

	if (a->type->needs)
		a->type->needs(a, &x, arena);
	if (b->type->needs)
		b->type->needs(b, &y, arena);
	for (unsigned i = 0; i < x.n_exclusive; i++)
		for (unsigned j = 0; j < y.n_exclusive; j++)
			if (strcmp(x.exclusive[i].key, y.exclusive[j].key) == 0 &&
			    is_firm(x.exclusive[i].key) == firm)
				return true;
	return false;
}

void fake_world_check(struct fake_world *w)
{
	for (unsigned i = 0; i < w->n_parts; i++) {
		if (w->parts[i]->prepared)
			w->clash = "prepared and neither done nor cancelled";
		for (unsigned j = 0; w->parts[i]->live->type && j < i; j++)
			if (w->parts[j]->live->type &&
			    hosts_clash(w->parts[i]->live, w->parts[j]->live, false))
				w->clash = "output";
	}
}

unsigned fake_world_leaving(const struct fake_world *w)
{
	unsigned n = 0;

	for (unsigned i = 0; i < w->n_parts; i++)
		n += w->parts[i]->leaving;
	return n;
}

static int fake_prepare(void *context, const struct graph_node *node, void **ret_object,
			struct diag_list *diags)
{
	struct fake_world *w = context;
	struct fake *fake;

	if (fails(w)) {
		diag_add(diags, "E0899", DIAG_ERROR, node->span, "%s: prepare", node->path);
		return -EIO;
	}
	for (unsigned i = 0; node->type && i < w->n_parts; i++) {
		const struct graph_node *other = w->parts[i]->base;

		if (!other->type)
			continue;
		if (places_clash(node, other))
			w->clash = places_clash(node, other);
		if (hosts_clash(node, other, true))
			w->clash = "thing of the host";
	}
	invariant(w->n_parts < FAKE_MAX_PARTS);
	fake = calloc(1, sizeof(*fake));
	fake->base = fake->live = node;
	w->parts[w->n_parts++] = fake;
	*ret_object = fake;
	return 0;
}

static int fake_commit(void *context, void *object, struct diag_list *diags)
{
	struct fake_world *w = context;
	struct fake *fake = object;

	if (fails(w))
		return -EIO;
	fake->committed = true;
	w->n_committed++;
	return 0;
}

static int fake_prepare_update(void *context, void *object, const struct graph_node *to,
			       struct diag_list *diags)
{
	struct fake_world *w = context;
	struct fake *fake = object;

	if (fails(w))
		return -EIO;
	fake->prepared = true;
	return 0;
}

static void fake_cancel_update(void *context, void *object)
{
	struct fake *fake = object;

	fake->prepared = false;
}

static int fake_update(void *context, void *object, const struct graph_node *to,
		       struct diag_list *diags)
{
	struct fake_world *w = context;
	struct fake *fake = object;

	if (fails(w) || (w->undo_fails && w->fail_at && w->calls > w->fail_at))
		return -EIO;
	fake->live = to;
	fake->prepared = false;
	return 0;
}

static int fake_request_removal(void *context, void *object)
{
	struct fake_world *w = context;
	struct fake *fake = object;

	if (fails(w))
		return -EIO;
	if (fake->leaving)
		w->clash = "second request";
	fake->leaving = true;
	return 0;
}

static void fake_cancel_removal(void *context, void *object)
{
	struct fake *fake = object;

	fake->leaving = false;
}

static void fake_destroy(void *context, void *object)
{
	struct fake_world *w = context;
	struct fake *fake = object;

	for (unsigned i = 0; i < w->n_parts; i++)
		if (w->parts[i] == fake)
			w->parts[i] = w->parts[--w->n_parts];
	w->n_committed -= fake->committed;
	free(fake);
}

const struct part_ops fake_part_ops = {
	.prepare = fake_prepare,
	.commit = fake_commit,
	.prepare_update = fake_prepare_update,
	.cancel_update = fake_cancel_update,
	.update = fake_update,
	.request_removal = fake_request_removal,
	.cancel_removal = fake_cancel_removal,
	.destroy = fake_destroy,
};
