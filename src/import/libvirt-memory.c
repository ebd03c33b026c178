/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory of libvirt: how much, what holds it, DIMMs and persistent memory.
 */
#include <string.h>

#include "base/units.h"
#include "import/libvirt-internal.h"

static bool is_model(const struct item *memory, const char *model)
{
	return item_is(item_attribute(memory, "model"), model);
}

static bool is_persistent(const struct item *memory)
{
	return is_model(memory, "nvdimm") || is_model(memory, "virtio-pmem");
}

static struct item *size_of(struct item *memory, const char *name)
{
	return item_find(item_find(memory, "target"), name);
}

/* <memory> counts all of it, persistent memory and what virtio-mem may get, too. */
static void count_devices(struct libvirt *l, uint64_t *persistent, uint64_t *later)
{
	for (struct item *memory = item_find(l->devices, "memory"); memory;
	     memory = item_again(memory)) {
		uint64_t size, requested;

		if (!libvirt_size(l, size_of(memory, "size"), KiB, &size))
			continue;
		if (is_persistent(memory))
			*persistent = map_add(*persistent, size);
		else if (is_model(memory, "virtio-mem") &&
			 libvirt_size(l, size_of(memory, "requested"), KiB, &requested))
			*later = map_add(*later, size - MIN(requested, size));
	}
}

static uint64_t take_away(uint64_t from, uint64_t what)
{
	return what < from ? from - what : from;
}

static void map_amount(struct libvirt *l, struct draft_block *block)
{
	struct item *memory = item_find(l->root, "memory");
	struct item *current = item_find(l->root, "currentMemory");
	struct item *max = item_find(l->root, "maxMemory");
	uint64_t total, now, limit, persistent = 0, later = 0, size;

	count_devices(l, &persistent, &later);
	item_ignore_named(memory, "dumpCore");
	item_ignore_named(max, "slots");
	if (!libvirt_size(l, memory, KiB, &total))
		return;
	total = take_away(total, persistent);
	size = take_away(total, later);
	if (libvirt_size(l, current, KiB, &now) && now && take_away(now, persistent) < size)
		size = take_away(now, persistent);
	if (size < total)
		draft_remark(l->draft, block, DRAFT_NOTE, memory,
			     "memory.size is what the guest has now; an edit gives it more, up to "
			     "memory.max");
	limit = total;
	if (libvirt_size(l, max, KiB, &now) && now > limit)
		limit = now;
	map_memory_to(l->draft, block, "size", memory, size);
	if (ALIGN_UP(limit, MiB) > ALIGN_UP(size, MiB))
		map_memory_to(l->draft, block, "max", max ? max : memory, limit);
}

static void map_hugepages(struct libvirt *l, struct draft_block *block, struct item *backing)
{
	struct item *pages = item_find(backing, "hugepages"), *page = item_find(pages, "page");
	uint64_t size = 2 * MiB;
	char text[UNITS_TEXT_MAX];

	if (!pages)
		return;
	pages->taken = true;
	if (page)
		libvirt_scaled(l, item_take_item(page, "size"), item_take_item(page, "unit"), KiB,
			       &size);
	draft_put(block, NULL, "hugepages", pages, size_format(size, text));
}

static void map_backing(struct libvirt *l, struct draft_block *block)
{
	struct item *backing = item_find(l->root, "memoryBacking");
	const struct item *access = item_take_item(item_find(backing, "access"), "mode");
	const struct item *allocation = item_take_item(item_find(backing, "allocation"), "mode");
	struct item *locked = item_find(backing, "locked");

	map_hugepages(l, block, backing);
	if (item_is(access, "shared"))
		draft_put_switch(block, NULL, "shared", access, true);
	if (item_is(allocation, "immediate"))
		draft_put_switch(block, NULL, "prefault", allocation, true);
	item_ignore_named(item_find(backing, "allocation"), "threads");
	item_ignore_named(backing, "nosharepages");
	item_ignore_named(backing, "source");
	item_ignore_named(backing, "discard");
	if (locked) {
		locked->taken = true;
		draft_put_switch(block, NULL, "prefault", locked, true);
		draft_remark(l->draft, block, DRAFT_CHANGED, locked,
			     "memory is taken from the host at the start, and not locked in it");
	}
}

void libvirt_map_memory(struct libvirt *l)
{
	struct draft_block *block = draft_section(l->draft, "memory");

	map_amount(l, block);
	map_backing(l, block);
}

static void map_nvdimm(struct libvirt *l, struct item *memory, uint64_t size)
{
	const struct item *path = item_take_item(item_find(memory, "source"), "path");
	struct item *label = item_find(size_of(memory, "label"), "size");
	struct item *read_only = size_of(memory, "readonly");
	struct draft_block *block;
	uint64_t labels;

	block = draft_device(l->draft, is_model(memory, "nvdimm") ? "nvdimm" : "virtio-pmem",
			     "pmem0", memory);
	if (path)
		draft_put_string(block, NULL, "path", path, path->text);
	if (libvirt_size(l, label, KiB, &labels)) {
		/* QEMU's size counts the labels, at the end of the file; weft's does not. */
		draft_put_size(block, NULL, "label-size", label, labels);
		size = take_away(size, labels) & ~(2 * MiB - 1);
		draft_remark(l->draft, block, DRAFT_CHANGED, label,
			     "the labels follow the memory here, and are at the end of the file "
			     "there: the guest finds no namespaces of before");
	}
	if (path)
		map_pmem_size(l->draft, block, path, size);
	if (read_only) {
		read_only->taken = true;
		draft_put_switch(block, NULL, "read-only", read_only, true);
	}
}

void libvirt_map_memory_device(struct libvirt *l, struct item *memory)
{
	struct draft_block *block = draft_section(l->draft, "memory");
	uint64_t size = 0;

	libvirt_size(l, size_of(memory, "size"), KiB, &size);
	if (is_persistent(memory)) {
		item_take(memory, "model");
		map_nvdimm(l, memory, size);
	} else if (is_model(memory, "virtio-mem")) {
		draft_put(block, NULL, "hotplug", memory, "virtio-mem");
		item_ignore(memory);
	} else if (is_model(memory, "dimm")) {
		item_ignore(memory); /* memory.size counts it */
	} else {
		draft_unmapped(l->draft, block, memory, "weft has DIMMs and virtio-mem");
		item_ignore(memory);
	}
}
