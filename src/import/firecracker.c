/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine of Firecracker's --config-file.
 */
#include <string.h>

#include "base/arena.h"
#include "import/map.h"
#include "import/readers.h"

static void map_machine(struct mapper *m)
{
	struct item *config = item_find(m->root, "machine-config");
	struct draft_block *memory = draft_section(m->draft, "memory");
	struct draft_block *cpus = draft_section(m->draft, "cpus");
	const struct item *pages, *threads = item_take_item(config, "smt");
	uint64_t value = 1, size;

	if (!threads)
		threads = item_take_item(config, "ht_enabled");
	if (map_number(m->draft, config, "vcpu_count", &value))
		draft_put_number(cpus, NULL, "count", item_find(config, "vcpu_count"), value);
	if (item_is_on(threads) && value > 1 && value % 2 == 0) {
		draft_put_number(cpus, "topology", "threads", threads, 2);
		draft_put_number(cpus, "topology", "cores", threads, value / 2);
	}
	if (!map_number(m->draft, config, "mem_size_mib", &size))
		size = 128;
	draft_put_size(memory, NULL, "size", item_find(config, "mem_size_mib"),
		       size > UINT64_MAX / MiB ? UINT64_MAX : size * MiB);
	pages = item_take_item(config, "huge_pages");
	if (item_is(pages, "2M"))
		draft_put(memory, NULL, "hugepages", pages, "2MiB");
	else if (pages && !item_is(pages, "None"))
		draft_unmapped(m->draft, memory, pages, NULL);
	item_ignore_named(config, "track_dirty_pages");
	if (item_is(item_find(config, "cpu_template"), "None"))
		item_ignore_named(config, "cpu_template");
}

static void map_hotplug(struct mapper *m)
{
	struct item *config = item_find(m->root, "memory-hotplug");
	struct draft_block *memory = draft_section(m->draft, "memory");
	uint64_t size = 128, more;

	if (!map_number(m->draft, config, "total_size_mib", &more))
		return;
	map_number(m->draft, item_find(m->root, "machine-config"), "mem_size_mib", &size);
	item_ignore_named(config, "block_size_mib");
	item_ignore_named(config, "slot_size_mib");
	if (more > UINT64_MAX / MiB - MIN(size, UINT64_MAX / MiB))
		more = 0;
	draft_put_size(memory, NULL, "max", item_find(config, "total_size_mib"),
		       (size + more) * MiB);
	draft_put(memory, NULL, "hotplug", config, "virtio-mem");
}

static void map_boot(struct mapper *m)
{
	/* What Firecracker gives a guest that is told nothing. */
	static const char usual[] = "reboot=k panic=1 nomodule 8250.nr_uarts=0 i8042.noaux "
				    "i8042.nomux i8042.dumbkbd swiotlb=noforce";
	struct item *config = item_find(m->root, "boot-source");
	struct draft_block *boot = draft_section(m->draft, "boot");
	const struct item *args = item_take_item(config, "boot_args");
	const char *words = args ? args->text : usual;

	if (!item_is_set(config, "kernel_image_path"))
		map_no_kernel(m->draft, m->arena, config, "the source names no kernel");
	else
		map_string_to(boot, NULL, "kernel", config, "kernel_image_path");
	map_string_to(boot, NULL, "initramfs", config, "initrd_path");
	if (m->root_words && !strstr(words, "root="))
		words = arena_printf(m->arena, "%s %s", words, m->root_words);
	map_cmdline(m->draft, m->arena, args ? args : config, words);
}

static void map_drive(struct mapper *m, struct item *drive)
{
	const struct item *id = item_take_item(drive, "drive_id");
	const struct item *path = item_take_item(drive, "path_on_host");
	const struct item *root = item_take_item(drive, "is_root_device");
	const struct item *partition = item_take_item(drive, "partuuid");
	const struct item *engine = item_take_item(drive, "io_engine");
	struct item *limiter = item_find(drive, "rate_limiter");
	struct draft_block *block;
	bool read_only = item_is_on(item_find(drive, "is_read_only"));

	if (!path) {
		draft_unmapped(m->draft, NULL, drive,
			       "it has no path_on_host: weft has no vhost-user disk");
		item_ignore(drive);
		return;
	}
	block = draft_device(m->draft, "virtio-blk", id ? id->text : "disk", drive);
	map_disk_path(m->draft, m->arena, block, path, true);
	map_switch_to(block, "read-only", drive, "is_read_only", false);
	if (item_is(engine, "Sync") || item_is(engine, "Async"))
		draft_put(block, NULL, "engine", engine,
			  item_is(engine, "Sync") ? "threads" : "io_uring");
	item_ignore_named(drive, "cache_type");
	map_rate_limiter(m->draft, block, "rate", limiter);
	if (item_is_on(root))
		m->root_words = partition ? arena_printf(m->arena, "root=PARTUUID=%s %s",
							 partition->text, read_only ? "ro" : "rw")
					  : (read_only ? "root=/dev/vda ro" : "root=/dev/vda rw");
}

static bool is_root(const struct item *drive)
{
	return item_is_on(item_find(drive, "is_root_device"));
}

/* The root device is the first disk, wherever it stands. */
static void map_drives(struct mapper *m)
{
	struct item *drives = item_find(m->root, "drives");

	for (int root = 1; drives && root >= 0; root--)
		for (struct item *drive = drives->first; drive; drive = drive->next)
			if (is_root(drive) == root)
				map_drive(m, drive);
}

static void map_interface(struct mapper *m, struct item *interface)
{
	const struct item *id = item_take_item(interface, "iface_id");
	const struct item *tap = item_take_item(interface, "host_dev_name");
	struct draft_block *block =
		draft_device(m->draft, "virtio-net", id ? id->text : "net", interface);

	map_tap(m->draft, m->arena, block, tap ? tap : interface, tap ? tap->text : NULL);
	map_string_to(block, NULL, "mac", interface, "guest_mac");
	map_number_to(m->draft, block, "mtu", interface, "mtu");
	map_rate_limiter(m->draft, block, "receive-rate", item_find(interface, "rx_rate_limiter"));
	map_rate_limiter(m->draft, block, "transmit-rate", item_find(interface, "tx_rate_limiter"));
}

static void map_pmem(struct mapper *m, struct item *pmem)
{
	const struct item *id = item_take_item(pmem, "id");
	const struct item *path = item_take_item(pmem, "path_on_host");
	const struct item *read_only = item_take_item(pmem, "read_only");
	struct draft_block *block;

	if (!path) {
		draft_unmapped(m->draft, NULL, pmem, "it has no path_on_host");
		item_ignore(pmem);
		return;
	}
	/* Of the two kinds of persistent memory only the NVDIMM can be read-only. */
	block = draft_device(m->draft, item_is_on(read_only) ? "nvdimm" : "virtio-pmem",
			     id ? id->text : "pmem", pmem);
	draft_put_string(block, NULL, "path", path, path->text);
	map_pmem_size(m->draft, block, path, 0);
	if (item_is_on(read_only))
		draft_put_switch(block, NULL, "read-only", read_only, true);
	if (item_is_on(item_take_item(pmem, "root_device")))
		m->root_words = item_is_on(read_only) ? "root=/dev/pmem0 ro" : "root=/dev/pmem0 rw";
}

static void map_entropy(struct mapper *m)
{
	struct item *entropy = item_find(m->root, "entropy");

	if (!entropy || entropy->kind == ITEM_NOTHING)
		return;
	entropy->taken = true;
	draft_device(m->draft, "virtio-rng", "rng", entropy);
}

/* Firecracker's serial port is its standard output, or a file. */
static void map_serial(struct mapper *m)
{
	struct item *serial = item_find(m->root, "serial");
	struct draft_block *block = draft_device(m->draft, "serial", "serial", serial);
	const struct item *path = item_take_item(serial, "serial_out_path");

	if (path) {
		draft_put(block, "output", "type", path, "file");
		draft_put_string(block, "output", "path", path, path->text);
	} else {
		draft_put(block, NULL, "output", serial, "terminal");
	}
}

const struct import_reason import_reasons_firecracker[] = {
	{"balloon", "weft has no balloon; memory.max and memory.size resize a machine"},
	{"cpu-config", "weft has cpus.features for single features"},
	{"drives/socket", "weft has no vhost-user disk"},
	{"drives/rate_limiter", "weft's limits have no burst that is given once"},
	{"network-interfaces/rx_rate_limiter", "weft's limits have no burst that is given once"},
	{"network-interfaces/tx_rate_limiter", "weft's limits have no burst that is given once"},
	{"entropy/rate_limiter", "weft's entropy device has no limit"},
	{"logger", NULL}, /* of the program, not of the machine */
	{"metrics", "weft status --format json tells of a machine"},
	{"mmds-config",
	 "weft has no metadata service; give the guest a disk with cloud-init's data"},
	{"vsock", "weft has no vsock"},
	{"machine-config/cpu_template", "weft has cpus.features for single features"},
	{NULL, NULL},
};

bool import_map_firecracker(struct draft *draft, struct arena *arena, struct item *root,
			    struct diag_list *diags, const char *name)
{
	struct mapper m = {.draft = draft, .arena = arena, .root = root};
	struct diag *diag;

	if (root->kind != ITEM_MAP || !item_find(root, "boot-source")) {
		diag = diag_add(diags, "E0502", DIAG_ERROR, root->span,
				"this is no configuration of Firecracker: it has no boot-source");
		if (item_find(root, "payload") || item_find(root, "cpus"))
			diag_hint(diags, diag,
				  "this looks like Cloud Hypervisor's: --from cloud-hypervisor");
		return false;
	}
	draft_say(draft, NULL,
		  "Imported from Firecracker. Its kernel must know PCI and ACPI here.");
	draft_name(draft, NULL, name);
	map_machine(&m);
	map_hotplug(&m);
	map_serial(&m);
	map_drives(&m);
	map_each(&m, "pmem", map_pmem);
	map_each(&m, "network-interfaces", map_interface);
	map_entropy(&m);
	map_boot(&m);
	return true;
}
