/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine of Cloud Hypervisor, as vm.create takes and vm.info tells it. Of a command line the
 * same tree was made, in which every scalar is a string.
 */
#include <inttypes.h>
#include <string.h>

#include "base/arena.h"
#include "base/strbuf.h"
#include "base/units.h"
#include "import/map.h"
#include "import/readers.h"

#define USUAL_PHYS_BITS "46"

static void map_topology(struct mapper *m, struct draft_block *block, struct item *cpus)
{
	static const char *const names[][2] = {{"threads_per_core", "threads"},
					       {"cores_per_die", "cores"},
					       {"dies_per_package", "dies"},
					       {"packages", "sockets"}};
	struct item *topology = item_find(cpus, "topology");
	const char *text = topology && topology->kind == ITEM_STRING ? topology->text : NULL;
	uint64_t value;

	if (!topology || topology->kind == ITEM_NOTHING)
		return;
	topology->taken = true;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (text) { /* threads:cores:dies:packages */
			size_t size = strcspn(text, ":");

			map_digits_to(block, "topology", names[i][1], topology,
				      arena_strndup(m->arena, text, size));
			text += size + (text[size] == ':');
		} else if (map_number(m->draft, topology, names[i][0], &value)) {
			draft_put_number(block, "topology", names[i][1], topology, value);
		}
	}
}

static void put_affinity(struct mapper *m, struct draft_block *block, const struct item *from,
			 const char *cpu, const char *set)
{
	map_digits_to(block, "affinity", arena_strdup(m->arena, cpu), from, set);
}

/* [0@[0-3,8],1@[4]] */
static void map_affinity_text(struct mapper *m, struct draft_block *block, const struct item *from)
{
	const char *at = from->text + strspn(from->text, "[");

	while (*at) {
		size_t cpu = strcspn(at, "@"), start, size;

		start = cpu + strspn(at + cpu, "@[");
		size = strcspn(at + start, "]");
		put_affinity(m, block, from, arena_strndup(m->arena, at, cpu),
			     arena_strndup(m->arena, at + start, size));
		at += start + size;
		at += strspn(at, "],");
	}
}

static void map_affinity(struct mapper *m, struct draft_block *block, struct item *cpus)
{
	struct item *affinity = item_find(cpus, "affinity");

	if (!affinity || affinity->kind == ITEM_NOTHING)
		return;
	affinity->taken = true;
	if (affinity->kind == ITEM_STRING)
		map_affinity_text(m, block, affinity);
	for (struct item *pin = affinity->first; pin; pin = pin->next) {
		const char *cpu = item_take(pin, "vcpu");
		struct item *hosts = item_find(pin, "host_cpus");
		cleanup_strbuf struct strbuf set = STRBUF_INIT;

		if (!cpu || !hosts)
			continue;
		item_ignore(hosts);
		for (const struct item *host = hosts->first; host; host = host->next)
			strbuf_printf(&set, set.size ? ",%s" : "%s", host->text);
		put_affinity(m, block, pin, cpu, set.size ? set.text : "");
	}
}

static void map_cpus(struct mapper *m)
{
	struct item *cpus = item_find(m->root, "cpus");
	struct draft_block *block = draft_section(m->draft, "cpus");
	const struct item *bits = item_take_item(cpus, "max_phys_bits");
	const struct item *nested = item_take_item(cpus, "nested");
	uint64_t count = 1, max;

	map_number(m->draft, cpus, "boot_vcpus", &count);
	max = count;
	map_number(m->draft, cpus, "max_vcpus", &max);
	draft_put_number(block, NULL, "count", cpus, count);
	if (max != count)
		draft_put_number(block, NULL, "max", cpus, max);
	map_topology(m, block, cpus);
	map_affinity(m, block, cpus);
	if (nested && !item_is_on(nested))
		draft_put_switch(block, NULL, "nested", nested, false);
	if (bits && !item_is(bits, USUAL_PHYS_BITS)) /* as wide as the host has it */
		map_digits_to(block, NULL, "phys-bits", bits, bits->text);
	item_ignore_named(item_find(cpus, "features"), "amx");
}

static void map_pages(struct mapper *m, struct draft_block *block, struct item *memory)
{
	const struct item *on = item_take_item(memory, "hugepages");
	struct item *size = item_find(memory, "hugepage_size");
	uint64_t bytes = 2 * MiB;
	char text[UNITS_TEXT_MAX];

	map_size(m->draft, memory, "hugepage_size", &bytes);
	if (item_is_on(on))
		draft_put(block, NULL, "hugepages", size ? size : on, size_format(bytes, text));
	map_switch_to(block, "shared", memory, "shared", false);
	map_switch_to(block, "prefault", memory, "prefault", false);
	map_switch_to(block, "mergeable", memory, "mergeable", false);
	map_switch_to(block, "thp", memory, "thp", true);
}

static void map_memory(struct mapper *m)
{
	struct item *memory = item_find(m->root, "memory");
	struct draft_block *block = draft_section(m->draft, "memory");
	const struct item *method = item_take_item(memory, "hotplug_method");
	uint64_t size = 512 * MiB, later = 0, plugged = 0;

	map_size(m->draft, memory, "size", &size);
	map_size(m->draft, memory, "hotplug_size", &later);
	map_size(m->draft, memory, "hotplugged_size", &plugged);
	map_memory_to(m->draft, block, "size", memory, map_add(size, MIN(plugged, later)));
	if (later) {
		map_memory_to(m->draft, block, "max", memory, map_add(size, later));
		if (item_is(method, "VirtioMem") || item_is(method, "virtio-mem"))
			draft_put(block, NULL, "hotplug", method, "virtio-mem");
	}
	map_pages(m, block, memory);
}

/* A firmware was given as a kernel in the versions before it had an option of its own. */
static bool is_firmware(const struct item *kernel)
{
	return strstr(kernel->text, "hypervisor-fw") || strstr(kernel->text, "CLOUDHV");
}

static void map_payload(struct mapper *m)
{
	struct item *payload = item_find(m->root, "payload");
	struct draft_block *boot = draft_section(m->draft, "boot");
	const struct item *firmware = item_take_item(payload, "firmware");
	const struct item *kernel = item_take_item(payload, "kernel"), *cmdline;

	if (!kernel) /* of old versions */
		kernel = item_take_item(item_find(m->root, "kernel"), "path");
	if (kernel && !firmware && is_firmware(kernel)) {
		firmware = kernel;
		kernel = NULL;
	}
	if (kernel && !firmware)
		draft_put_string(boot, NULL, "kernel", kernel, kernel->text);
	else if (firmware)
		draft_put_string(boot, NULL, "firmware", firmware, firmware->text);
	else
		map_no_kernel(m->draft, m->arena, payload ? payload : m->root,
			      "the source names no kernel");
	if (firmware)
		return;
	map_string_to(boot, NULL, "initramfs", payload, "initramfs");
	map_string_to(boot, NULL, "initramfs", item_find(m->root, "initramfs"), "path");
	cmdline = item_take_item(payload, "cmdline");
	if (!cmdline)
		cmdline = item_take_item(item_find(m->root, "cmdline"), "args");
	if (cmdline)
		map_cmdline(m->draft, m->arena, cmdline, cmdline->text);
}

static void map_disk(struct mapper *m, struct item *disk)
{
	const struct item *id = item_take_item(disk, "id");
	const struct item *path = item_take_item(disk, "path");
	const struct item *type = item_take_item(disk, "image_type");
	struct draft_block *block;
	bool plain = type ? item_is(type, "raw") : true;

	if (!path || item_is_on(item_find(disk, "vhost_user"))) {
		draft_unmapped(m->draft, NULL, disk, "weft has no vhost-user disk");
		item_ignore(disk);
		return;
	}
	/* Without a word Cloud Hypervisor looks into the file; its name is what can be looked at
	 * here. */
	if (!type && strstr(path->text, ".qcow2"))
		plain = false;
	block = draft_device(m->draft, "virtio-blk", id ? id->text : "disk0", disk);
	map_disk_path(m->draft, m->arena, block, path, plain);
	map_switch_to(block, "read-only", disk, "readonly", false);
	map_switch_to(block, "direct", disk, "direct", false);
	map_switch_to(block, "discard", disk, "sparse", true);
	map_number_to(m->draft, block, "queues", disk, "num_queues");
	map_number_to(m->draft, block, "queue-size", disk, "queue_size");
	map_string_to(block, NULL, "serial", disk, "serial");
	map_rate_limiter(m->draft, block, "rate", item_find(disk, "rate_limiter_config"));
}

/* Return: how many there are, one for each queue pair. */
static uint64_t put_descriptors(struct draft_block *block, struct item *fds)
{
	cleanup_strbuf struct strbuf list = STRBUF_INIT;
	uint64_t n = 0;

	item_ignore(fds);
	strbuf_putc(&list, '[');
	for (const struct item *fd = fds->first; fd; fd = fd->next, n++)
		strbuf_printf(&list, "%s%" PRIu64, list.size > 1 ? ", " : "",
			      (uint64_t)strtoul(fd->text, NULL, 10));
	strbuf_putc(&list, ']');
	draft_put(block, "backend", "type", fds, "tap");
	draft_put(block, "backend", "fds", fds, list.text);
	return n;
}

static void map_offload(struct mapper *m, struct draft_block *block, struct item *net)
{
	static const char *const names[] = {"offload_tso", "offload_ufo", "offload_csum"};
	const struct item *item, *first_off = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		item = item_take_item(net, names[i]);
		if (item && !item_is_on(item) && !first_off)
			first_off = item;
	}
	if (first_off)
		draft_put_switch(block, NULL, "offload", first_off, false);
}

static void map_address(struct mapper *m, struct draft_block *block, struct item *net)
{
	const struct item *ip = item_take_item(net, "ip"), *mask = item_take_item(net, "mask");

	if (!ip || item_is(ip, "192.168.249.1"))
		return;
	draft_remark(m->draft, block, DRAFT_CHANGED, ip,
		     "the tap gets no address from weft: it was %.40s, mask %.40s", ip->text,
		     mask ? mask->text : "255.255.255.0");
	draft_advise(m->draft, "give it one: ip addr add %.40s/… dev TAP; ip link set dev TAP up",
		     ip->text);
}

static void map_net(struct mapper *m, struct item *net)
{
	const struct item *id = item_take_item(net, "id"), *tap = item_take_item(net, "tap");
	struct item *fds = item_find(net, "fds");
	struct draft_block *block;
	uint64_t queues, n_fds = 0;

	if (item_is_on(item_find(net, "vhost_user"))) {
		draft_unmapped(m->draft, NULL, net, "weft connects a card to a tap or to passt");
		item_ignore(net);
		return;
	}
	block = draft_device(m->draft, "virtio-net", id ? id->text : "net0", net);
	if (fds && fds->first)
		n_fds = put_descriptors(block, fds);
	else
		map_tap(m->draft, m->arena, block, tap ? tap : net, tap ? tap->text : NULL);
	map_address(m, block, net);
	map_string_to(block, NULL, "mac", net, "mac");
	map_number_to(m->draft, block, "mtu", net, "mtu");
	if (!map_number(m->draft, net, "num_queues", &queues))
		queues = 2;
	if (n_fds || queues > 2)
		draft_put_number(block, NULL, "queues", net,
				 n_fds ? n_fds : queues / 2); /* of pairs */
	map_number_to(m->draft, block, "queue-size", net, "queue_size");
	map_offload(m, block, net);
	/* One limiter is that of each direction. */
	map_rate_limiter(m->draft, block, "receive-rate", item_find(net, "rate_limiter_config"));
	map_rate_limiter(m->draft, block, "transmit-rate", item_find(net, "rate_limiter_config"));
}

static void map_pmem(struct mapper *m, struct item *pmem)
{
	const struct item *id = item_take_item(pmem, "id"), *file = item_take_item(pmem, "file");
	struct draft_block *block;
	uint64_t size = 0;

	map_size(m->draft, pmem, "size", &size);
	block = draft_device(m->draft, "virtio-pmem", id ? id->text : "pmem0", pmem);
	if (!file)
		return; /* which weft refuses */
	draft_put_string(block, NULL, "path", file, file->text);
	map_pmem_size(m->draft, block, file, size);
}

/* A console and where it goes; @usual: that of the program, NULL when it has none. */
static void map_console(struct mapper *m, const char *name, const char *type, const char *usual)
{
	static const char *const words[][2] = {
		{"tty", "terminal"}, {"pty", "pty"}, {"null", "null"}};
	struct item *console = item_find(m->root, name);
	const struct item *mode = item_take_item(console, "mode");
	const struct item *file = item_take_item(console, "file");
	const struct item *socket = item_take_item(console, "socket");
	struct draft_block *block;

	if (console && console->kind == ITEM_NOTHING)
		console = NULL;
	if (mode ? item_is(mode, "off") : !console && !usual) {
		item_ignore(console);
		return;
	}
	block = draft_device(m->draft, type, type, console);
	if (file || socket) {
		draft_put(block, "output", "type", console, file ? "file" : "socket");
		draft_put_string(block, "output", "path", console, (file ? file : socket)->text);
		return;
	}
	for (size_t i = 0; mode && i < ARRAY_SIZE(words); i++)
		if (item_is(mode, words[i][0]))
			usual = words[i][1];
	draft_put(block, NULL, "output", mode ? mode : console, usual ? usual : "null");
	map_number_to(m->draft, block, "port", console, "iobase");
}

/* Versions of the program differ in what they call these. */
static void map_smbios(struct mapper *m)
{
	struct draft_block *smbios = draft_section(m->draft, "smbios");
	struct item *platform = item_find(m->root, "platform");

	map_string_to(smbios, NULL, "uuid", platform, "uuid");
	map_string_to(smbios, NULL, "uuid", platform, "system_uuid");
	map_string_to(smbios, NULL, "serial", platform, "serial_number");
	map_string_to(smbios, NULL, "serial", platform, "system_serial_number");
}

static void map_rng(struct mapper *m)
{
	struct item *rng = item_find(m->root, "rng");
	const struct item *source = item_take_item(rng, "src");
	struct draft_block *block = draft_device(m->draft, "virtio-rng", "rng", rng);

	if (source && !item_is(source, "/dev/urandom") && !item_is(source, "/dev/random"))
		draft_put_string(block, NULL, "source", source, source->text);
}

/* Of a script the values of its variables are not known. */
static void remark_variables(struct mapper *m, const struct item *item)
{
	if (item->taken && strchr(item->text, '$')) {
		draft_remark(m->draft, draft_block_of(m->draft, item), DRAFT_MISSING, item,
			     "'%.60s' holds a variable of the shell that the script does not set",
			     item->text);
		draft_advise(m->draft, "write what it stands for; a variable of a description is "
				       "${name}, see vars");
	}
	for (const struct item *below = item->first; below; below = below->next)
		remark_variables(m, below);
}

const struct import_reason import_reasons_cloud_hypervisor[] = {
	{"disks/pci_segment", NULL},
	{"disks/backing_files", NULL},
	{"disks/lock_granularity", NULL},
	{"disks/disable_io_uring", NULL},
	{"disks/disable_aio", NULL},
	{"net/host_mac", "weft leaves the address of the tap as it is"},
	{"net/vhost_mode", NULL},
	{"net/rate_limiter_config", "weft's limits have no burst that is given once"},
	{"disks/rate_limiter_config", "weft's limits have no burst that is given once"},
	{"disks/rate_limit_group", "weft has a limit for each disk"},
	{"rate_limit_groups", "weft has a limit for each disk"},
	{"disks/queue_affinity", "weft has no affinity of queues"},
	{"disks/iommu", "weft has no IOMMU for guests"},
	{"net/iommu", "weft has no IOMMU for guests"},
	{"iommu", "weft has no IOMMU for guests"},
	{"cpus/kvm_hyperv", "weft has no enlightenments for Windows"},
	{"cpus/profile", "cpus.features hides single features"},
	{"memory/reserve", NULL},
	{"memory/zones", "weft has no NUMA: memory is one piece"},
	{"memory_zones", "weft has no NUMA: memory is one piece"},
	{"numa", "weft has no NUMA: the guest sees one node"},
	{"balloon", "weft has no balloon; memory.max and memory.size resize a machine"},
	{"fs", "weft has no shared file systems; give the guest a disk"},
	{"devices", "weft has no devices of the host but its block devices"},
	{"user_devices", "weft has no vfio-user"},
	{"vdpa", "weft has no vDPA"},
	{"vsock", "weft has no vsock"},
	{"pvpanic", "weft sees a crash of the guest as a triple fault, or not at all"},
	{"watchdog", "weft has no watchdog"},
	{"tpm", "weft has no TPM"},
	{"platform/num_pci_segments", NULL},
	{"platform/iommu_address_width", NULL},
	{"platform/vfio_p2p_dma", NULL},
	{"platform", "of SMBIOS a description has the UUID and the serial number of the system"},
	{"pci_segments", "weft has one PCI segment"},
	{"pmem/discard_writes", "what a guest writes is in the file; give it a copy"},
	{"payload/igvm", "weft starts a kernel or a firmware"},
	{"payload", "weft has no such payload"},
	{"landlock_enable", NULL}, /* of the program, not of the machine */
	{"landlock_rules", NULL},
	{"gdb", NULL},
	{NULL, NULL},
};

bool import_map_cloud_hypervisor(struct draft *draft, struct arena *arena, struct item *root,
				 struct diag_list *diags, const char *name)
{
	static const char *const keys[] = {"payload", "cpus", "memory", "kernel", "disks"};
	struct mapper m = {.draft = draft, .arena = arena};
	struct item *config = item_find(root, "config"); /* of vm.info */
	struct diag *diag;
	bool known = root->name[0] != '\0'; /* a command line */

	m.root = config && config->kind == ITEM_MAP ? config : root;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		known |= item_find(m.root, keys[i]) != NULL;
	if (m.root->kind != ITEM_MAP || !known) {
		diag = diag_add(diags, "E0502", DIAG_ERROR, root->span,
				"this is no machine of Cloud Hypervisor: it has no payload, cpus, "
				"memory or disks");
		if (item_find(root, "boot-source"))
			diag_hint(diags, diag, "this looks like Firecracker's: --from firecracker");
		return false;
	}
	if (m.root != root) { /* what else vm.info tells is of the process */
		for (struct item *item = root->first; item; item = item->next)
			if (item != config)
				item_ignore(item);
		config->taken = true;
		config->parent = NULL; /* for what things in it are called */
	}
	draft_say(draft, NULL, "Imported from Cloud Hypervisor.");
	draft_name(draft, NULL, name);
	map_cpus(&m);
	map_memory(&m);
	map_smbios(&m);
	map_console(&m, "console", "virtio-console", "terminal");
	map_console(&m, "serial", "serial", "null");
	map_console(&m, "debug_console", "debug-console", NULL);
	map_each(&m, "disks", map_disk);
	map_each(&m, "net", map_net);
	map_each(&m, "pmem", map_pmem);
	map_rng(&m);
	map_payload(&m);
	if (root->name[0])
		remark_variables(&m, root);
	return true;
}
