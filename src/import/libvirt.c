/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine of libvirt's domain XML, what `virsh dumpxml` prints.
 */
#include <string.h>

#include "base/arena.h"
#include "base/units.h"
#include "import/libvirt-internal.h"
#include "import/readers.h"

bool libvirt_scaled(struct libvirt *l, struct item *item, const struct item *unit, uint64_t usual,
		    uint64_t *ret)
{
	static const struct {
		const char *name;
		uint64_t bytes;
	} units[] = {
		{"b", 1},           {"bytes", 1},        {"KB", 1000}, {"k", KiB},
		{"KiB", KiB},       {"MB", 1000000},     {"M", MiB},   {"MiB", MiB},
		{"GB", 1000000000}, {"G", GiB},          {"GiB", GiB}, {"TB", 1000000000000},
		{"T", 1024 * GiB},  {"TiB", 1024 * GiB},
	};
	struct unit_error error;
	uint64_t n, bytes = unit ? 0 : usual;
	bool negative;

	if (!item)
		return false;
	item->taken = true;
	for (size_t i = 0; unit && i < ARRAY_SIZE(units); i++)
		if (item_is(unit, units[i].name))
			bytes = units[i].bytes;
	if (!bytes || integer_parse(item->text, &negative, &n, &error) < 0 || negative ||
	    n > UINT64_MAX / bytes) {
		draft_remark(l->draft, draft_block_of(l->draft, item), DRAFT_UNREAD, item,
			     "%s is left out: '%.40s' is no size", item_label(l->arena, item),
			     item->text);
		return false;
	}
	*ret = n * bytes;
	return true;
}

bool libvirt_size(struct libvirt *l, struct item *item, uint64_t usual, uint64_t *ret)
{
	return libvirt_scaled(l, item, item_take_item(item, "unit"), usual, ret);
}

static void map_name(struct libvirt *l, const char *name)
{
	const struct item *own = item_take_item(l->root, "name");
	const struct item *title = item_take_item(l->root, "title");

	draft_say(l->draft, NULL,
		  "Imported from libvirt. Its guest finds its devices on another PCI bus here: "
		  "network cards have other names in Linux (enp0s1 …), and disks are /dev/vda, "
		  "/dev/vdb …");
	draft_name(l->draft, own, name ? name : own ? own->text : NULL);
	if (title)
		draft_say(l->draft, NULL, "Title: %.200s", title->text);
}

static void map_smbios(struct libvirt *l)
{
	struct draft_block *smbios = draft_section(l->draft, "smbios");
	const struct item *system = item_find(item_find(l->root, "sysinfo"), "system");

	map_string_to(smbios, NULL, "uuid", l->root, "uuid");
	for (struct item *entry = item_find(system, "entry"); entry; entry = item_again(entry)) {
		if (!item_is(item_attribute(entry, "name"), "serial"))
			continue;
		draft_put_string(smbios, NULL, "serial", entry, entry->text);
		item_ignore(entry);
	}
}

static void map_boot(struct libvirt *l)
{
	struct item *os = item_find(l->root, "os");
	struct draft_block *boot = draft_section(l->draft, "boot");
	const struct item *cmdline = item_take_item(os, "cmdline");
	bool efi = item_find(os, "loader") || item_is(item_take_item(os, "firmware"), "efi");

	if (!item_is_set(os, "kernel")) {
		map_no_kernel(l->draft, l->arena, os ? os : l->root,
			      efi ? "the source boots its disk by UEFI, which weft does not do"
				  : "the source boots its disk by BIOS, which weft does not do");
		item_ignore(os);
		return;
	}
	map_string_to(boot, NULL, "kernel", os, "kernel");
	map_string_to(boot, NULL, "initramfs", os, "initrd");
	if (cmdline)
		map_cmdline(l->draft, l->arena, cmdline, cmdline->text);
}

/* What happens at the end of a machine; weft's ways are destroy, and restart for a reset. */
static void map_life(struct libvirt *l)
{
	struct draft_block *lifecycle = draft_section(l->draft, "lifecycle");
	const struct item *off = item_take_item(l->root, "on_poweroff");
	const struct item *reset = item_take_item(l->root, "on_reboot");
	const struct item *crash = item_take_item(l->root, "on_crash");

	if (off && !item_is(off, "destroy"))
		draft_unmapped(l->draft, lifecycle, off, "weft ends with the guest's power-off");
	if (item_is(reset, "destroy"))
		draft_put(lifecycle, NULL, "reset", reset, "stop");
	else if (reset && !item_is(reset, "restart"))
		draft_unmapped(l->draft, lifecycle, reset, "weft restarts a guest or stops");
	if (item_is(crash, "restart") || item_is(crash, "coredump-restart"))
		draft_put(lifecycle, NULL, "triple-fault", crash, "reboot");
	else if (crash && !item_is(crash, "destroy") && !item_is(crash, "coredump-destroy"))
		draft_unmapped(l->draft, lifecycle, crash, "weft restarts a guest or stops");
}

static void map_clock(struct libvirt *l)
{
	struct item *clock = item_find(l->root, "clock");
	const struct item *offset = item_take_item(clock, "offset");

	if (offset && !item_is(offset, "utc"))
		draft_unmapped(l->draft, NULL, offset, "the clock of a guest of weft is in UTC");
	item_ignore_named(clock, "timer");
}

static void map_rng(struct libvirt *l, struct item *rng)
{
	struct item *backend = item_find(rng, "backend");
	const struct item *model = item_take_item(backend, "model");
	struct draft_block *block;

	if (item_is(model, "egd")) {
		draft_unmapped(l->draft, NULL, rng, "weft reads no entropy daemon");
		item_ignore(rng);
		return;
	}
	item_ignore_named(rng, "model");
	block = draft_device(l->draft, "virtio-rng", "rng", rng);
	backend = item_take_item(rng, "backend");
	if (backend && !item_is(backend, "/dev/urandom") && !item_is(backend, "/dev/random"))
		draft_put_string(block, NULL, "source", backend, backend->text);
}

static void map_balloon(struct libvirt *l, struct item *balloon)
{
	const struct item *model = item_take_item(balloon, "model");

	item_ignore(balloon);
	if (!item_is(model, "none"))
		draft_remark(l->draft, draft_section(l->draft, "memory"), DRAFT_NOTE, balloon,
			     "weft has no balloon: an edit of memory.size resizes a machine, up to "
			     "memory.max");
}

/* A chip set's own watchdog is there in every new machine of libvirt, used or not. */
static void map_watchdog(struct libvirt *l, struct item *watchdog)
{
	if (item_is(item_attribute(watchdog, "model"), "itco"))
		item_ignore(watchdog);
}

static void map_video(struct libvirt *l, struct item *video)
{
	if (item_is(item_attribute(item_find(video, "model"), "type"), "none"))
		item_ignore(video);
}

static const struct {
	const char *name;
	void (*map)(struct libvirt *l, struct item *item);
} maps[] = {
	{"disk", libvirt_map_disk},
	{"interface", libvirt_map_interface},
	{"serial", libvirt_map_serial},
	{"console", libvirt_map_console}, /* after the serial ports, which they can be */
	{"memory", libvirt_map_memory_device},
	{"memballoon", map_balloon},
	{"rng", map_rng},
	{"watchdog", map_watchdog},
	{"video", map_video},
};

static void map_devices(struct libvirt *l)
{
	for (size_t i = 0; i < ARRAY_SIZE(maps); i++)
		for (struct item *item = item_find(l->devices, maps[i].name); item;
		     item = item_again(item))
			maps[i].map(l, item);
}

static const char *const maps_of_many[] = {"os", "features", "cputune", "memoryBacking", "devices"};

static bool is_machine(struct libvirt *l, struct diag_list *diags)
{
	static const char *const types[] = {"kvm", "qemu", "hvf", "test"};
	struct item *os = item_find(item_find(l->root, "os"), "type");
	const struct item *type, *arch = item_take_item(os, "arch");
	struct diag *diag;
	bool known = false;

	if (strcmp(l->root->name, "domain") != 0) {
		diag = diag_add(diags, "E0502", DIAG_ERROR, l->root->span,
				"this is no domain of libvirt but a <%.40s>", l->root->name);
		diag_hint(diags, diag, "virsh dumpxml NAME prints the domain NAME");
		return false;
	}
	type = item_take_item(l->root, "type");
	for (size_t i = 0; type && i < ARRAY_SIZE(types); i++)
		known |= item_is(type, types[i]);
	if (type && !known)
		diag_add(diags, "E0502", DIAG_ERROR, type->span,
			 "a domain of type '%.40s' is no machine that KVM runs", type->text);
	if (arch && !item_is(arch, "x86_64"))
		diag_add(diags, "E0502", DIAG_ERROR, arch->span,
			 "this machine is of the architecture %.40s, and weft runs x86_64",
			 arch->text);
	item_ignore(os);
	item_ignore_named(l->root, "id");
	/* What is in these is listed one by one. */
	for (size_t i = 0; i < ARRAY_SIZE(maps_of_many); i++)
		if (item_find(l->root, maps_of_many[i]))
			item_find(l->root, maps_of_many[i])->taken = true;
	return !diag_errors(diags);
}

bool import_map_libvirt(struct draft *draft, struct arena *arena, struct item *root,
			struct diag_list *diags, const char *name)
{
	struct libvirt l = {
		.draft = draft,
		.arena = arena,
		.root = root,
		.devices = item_find(root, "devices"),
	};

	if (!is_machine(&l, diags))
		return false;
	map_name(&l, name);
	map_smbios(&l);
	libvirt_map_cpus(&l);
	libvirt_map_memory(&l);
	map_life(&l);
	map_clock(&l);
	map_devices(&l);
	map_boot(&l);
	return true;
}
