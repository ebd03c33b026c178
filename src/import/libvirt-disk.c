/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Disks of libvirt.
 */
#include <string.h>

#include "base/arena.h"
#include "import/libvirt-internal.h"

#define SERIAL_MAX 20 /* bytes that a virtio disk has for it */

static void map_driver(struct libvirt *l, struct draft_block *block, struct item *disk)
{
	struct item *driver = item_find(disk, "driver");
	const struct item *cache = item_take_item(driver, "cache");
	const struct item *io = item_take_item(driver, "io");
	const struct item *discard = item_take_item(driver, "discard");

	item_ignore_named(driver, "name");
	if (item_is(cache, "none") || item_is(cache, "directsync"))
		draft_put_switch(block, NULL, "direct", cache, true);
	if (item_is(cache, "unsafe"))
		draft_unmapped(l->draft, block, cache,
			       "weft never leaves out what a guest flushes");
	if (item_is(io, "io_uring") || item_is(io, "threads"))
		draft_put_string(block, NULL, "engine", io, io->text);
	if (item_is(discard, "ignore"))
		draft_put_switch(block, NULL, "discard", discard, false);
	map_number_to(l->draft, block, "queues", driver, "queues");
	map_number_to(l->draft, block, "queue-size", driver, "queue_size");
}

static uint64_t limit(struct libvirt *l, struct item *tune, const char *kind, const char *unit)
{
	static const char *const directions[] = {"total", "read", "write"};
	uint64_t least = 0, value;

	for (size_t i = 0; i < ARRAY_SIZE(directions); i++) {
		const char *name = arena_printf(l->arena, "%s_%s_%s", directions[i], kind, unit);
		const struct item *item = item_find(tune, name);

		if (!map_number(l->draft, tune, name, &value) || !value)
			continue;
		if (i && !least)
			draft_remark(l->draft, draft_block_of(l->draft, tune), DRAFT_CHANGED, item,
				     "weft has one limit for reading and writing, the lower one");
		least = least ? MIN(least, value) : value;
	}
	return least;
}

static void map_tune(struct libvirt *l, struct draft_block *block, struct item *disk)
{
	struct item *tune = item_find(disk, "iotune");
	uint64_t bandwidth, operations;

	if (!tune)
		return;
	bandwidth = limit(l, tune, "bytes", "sec");
	operations = limit(l, tune, "iops", "sec");
	map_rate(block, "rate", tune, bandwidth, operations, 1000000000);
}

static void map_serial(struct libvirt *l, struct draft_block *block, struct item *disk)
{
	const struct item *serial = item_take_item(disk, "serial");

	if (!serial)
		return;
	if (strlen(serial->text) > SERIAL_MAX)
		draft_remark(l->draft, block, DRAFT_NOTE, serial,
			     "a guest sees the first %d bytes of a serial number", SERIAL_MAX);
	draft_put_string(block, NULL, "serial", serial,
			 arena_strndup(l->arena, serial->text,
				       MIN(strlen(serial->text), (size_t)SERIAL_MAX)));
}

/* What the guest notices of another bus. */
static void remark_bus(struct libvirt *l, struct draft_block *block, const struct item *bus,
		       const struct item *device)
{
	if (item_is(device, "cdrom")) {
		draft_remark(
			l->draft, block, DRAFT_CHANGED, device,
			"this CD-ROM is a read-only virtio disk here: /dev/vdX and not /dev/sr0");
		return;
	}
	if (!bus || item_is(bus, "virtio"))
		return;
	draft_remark(l->draft, block, DRAFT_CHANGED, bus,
		     "this disk is a virtio disk here, and not one on %.20s", bus->text);
	draft_advise(l->draft, "the guest needs the driver virtio_blk, and must find its file "
			       "systems by UUID or label and not as /dev/sda");
}

static bool is_mappable(struct libvirt *l, struct item *disk, const struct item *path)
{
	const struct item *type = item_take_item(disk, "type");
	const struct item *device = item_take_item(disk, "device");

	if (item_is(device, "floppy")) {
		draft_unmapped(l->draft, NULL, disk, "weft has no floppy disks");
	} else if (!path && item_is(device, "cdrom")) {
		draft_remark(l->draft, NULL, DRAFT_NOTE, disk,
			     "this CD-ROM drive is empty: weft has none");
	} else if (!path || (type && !item_is(type, "file") && !item_is(type, "block"))) {
		draft_unmapped(l->draft, NULL, disk,
			       "a disk of weft is a file or a block device of this host");
	} else {
		return true;
	}
	item_ignore(disk);
	return false;
}

void libvirt_map_disk(struct libvirt *l, struct item *disk)
{
	struct item *source = item_find(disk, "source"), *target = item_find(disk, "target");
	struct item *shareable = item_find(disk, "shareable");
	const struct item *format = item_take_item(item_find(disk, "driver"), "type");
	const struct item *device = item_take_item(disk, "device");
	const struct item *bus = item_take_item(target, "bus");
	const struct item *name = item_take_item(target, "dev");
	const struct item *path = item_take_item(source, "file");
	struct item *read_only = item_find(disk, "readonly");
	struct draft_block *block;

	if (!path)
		path = item_take_item(source, "dev");
	if (!is_mappable(l, disk, path))
		return;
	block = draft_device(l->draft, "virtio-blk", name ? name->text : "disk", disk);
	remark_bus(l, block, bus, device);
	map_disk_path(l->draft, l->arena, block, path, !format || item_is(format, "raw"));
	if (read_only || item_is(device, "cdrom"))
		draft_put_switch(block, NULL, "read-only", read_only ? read_only : device, true);
	item_ignore(read_only);
	map_driver(l, block, disk);
	map_serial(l, block, disk);
	map_tune(l, block, disk);
	if (shareable)
		draft_unmapped(l->draft, block, shareable,
			       "weft locks what a guest can write for one machine");
	item_ignore(shareable);
}
