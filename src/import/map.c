/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What several mappers do.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/sha256.h"
#include "base/strbuf.h"
#include "base/units.h"
#include "import/map.h"

#define MILLISECOND 1000000ULL

void map_each(struct mapper *m, const char *name, void (*map)(struct mapper *m, struct item *item))
{
	struct item *list = item_find(m->root, name);

	for (struct item *item = list ? list->first : NULL; item; item = item->next)
		map(m, item);
}

static void unread(struct draft *draft, const struct item *item, const char *why)
{
	draft_remark(draft, draft_block_of(draft, item), DRAFT_UNREAD, item,
		     "'%.40s' is left out: %s", item->name, why);
}

/* Takes a number. Return: its item, NULL when there is none. */
static const struct item *take_number(struct draft *draft, struct item *parent, const char *name,
				      uint64_t *ret)
{
	const struct item *item = item_take_item(parent, name);
	struct unit_error error;
	uint64_t value;
	bool negative;

	if (!item)
		return NULL;
	if (integer_parse(item->text, &negative, &value, &error) < 0) {
		unread(draft, item, error.message);
		return NULL;
	}
	if (negative && value) {
		unread(draft, item, "it is below 0");
		return NULL;
	}
	*ret = value;
	return item;
}

bool map_number(struct draft *draft, struct item *parent, const char *name, uint64_t *ret)
{
	return take_number(draft, parent, name, ret) != NULL;
}

bool map_size(struct draft *draft, struct item *parent, const char *name, uint64_t *ret)
{
	const struct item *item = item_take_item(parent, name);
	struct unit_error error;
	uint64_t value;

	if (!item)
		return false;
	if (size_parse(item->text, &value, &error) < 0) {
		unread(draft, item, error.message);
		return false;
	}
	*ret = value;
	return true;
}

void map_string_to(struct draft_block *block, const char *group, const char *key,
		   struct item *parent, const char *name)
{
	const struct item *item = item_take_item(parent, name);

	if (item)
		draft_put_string(block, group, key, item, item->text);
}

void map_number_to(struct draft *draft, struct draft_block *block, const char *key,
		   struct item *parent, const char *name)
{
	uint64_t value;
	const struct item *item = take_number(draft, parent, name, &value);

	if (item)
		draft_put_number(block, NULL, key, item, value);
}

void map_digits_to(struct draft_block *block, const char *group, const char *key,
		   const struct item *from, const char *text)
{
	uint64_t value;
	bool negative;

	if (integer_parse(text, &negative, &value, NULL) == 0 && !negative)
		draft_put_number(block, group, key, from, value);
	else
		draft_put_string(block, group, key, from, text);
}

void map_switch_to(struct draft_block *block, const char *key, struct item *parent,
		   const char *name, bool usual)
{
	const struct item *item = item_take_item(parent, name);

	if (item && item_is_on(item) != usual)
		draft_put_switch(block, NULL, key, item, !usual);
}

void map_memory_to(struct draft *draft, struct draft_block *block, const char *key,
		   const struct item *from, uint64_t bytes)
{
	char text[UNITS_TEXT_MAX];
	uint64_t whole = bytes > UINT64_MAX - MiB ? bytes : ALIGN_UP(bytes, MiB);

	if (whole != bytes)
		draft_remark(draft, block, DRAFT_NOTE, from,
			     "memory is made a multiple of 1MiB: %s", size_format(whole, text));
	draft_put_size(block, NULL, key, from, whole);
}

/* A bucket of @size in @refill milliseconds, as an amount in a second. */
static uint64_t per_second(uint64_t size, uint64_t refill)
{
	unsigned __int128 rate = (unsigned __int128)size * 1000 / MAX(refill, (uint64_t)1);

	return rate > UINT64_MAX ? UINT64_MAX : MAX((uint64_t)rate, (uint64_t)1);
}

void map_rate(struct draft_block *block, const char *group, const struct item *from,
	      uint64_t bandwidth, uint64_t operations, uint64_t burst)
{
	char text[UNITS_TEXT_MAX];

	if (bandwidth)
		draft_put(block, group, "bandwidth", from, rate_format(bandwidth, text));
	if (operations)
		draft_put_number(block, group, "operations", from, operations);
	burst = MIN(MAX(burst, 20 * MILLISECOND), 3600 * 1000 * MILLISECOND);
	if ((bandwidth || operations) && burst != 100 * MILLISECOND)
		draft_put(block, group, "burst", from, duration_format(burst, text));
}

/* Takes one of the buckets. Return: what it lets pass in a second; 0: all. */
static uint64_t take_bucket(struct draft *draft, struct item *limiter, const char *name,
			    uint64_t *burst)
{
	struct item *bucket = item_find(limiter, name);
	uint64_t size = 0, refill = 0;

	map_number(draft, bucket, "size", &size);
	map_number(draft, bucket, "refill_time", &refill);
	if (!size || !refill) /* there is no limit then */
		return 0;
	*burst = MAX(*burst, MIN(refill, 3600000ULL) * MILLISECOND);
	return per_second(size, refill);
}

void map_rate_limiter(struct draft *draft, struct draft_block *block, const char *group,
		      struct item *limiter)
{
	uint64_t burst = 0, bandwidth = take_bucket(draft, limiter, "bandwidth", &burst);
	uint64_t operations = take_bucket(draft, limiter, "ops", &burst);

	map_rate(block, group, limiter, bandwidth, operations, burst);
}

void map_pmem_size(struct draft *draft, struct draft_block *block, const struct item *file,
		   uint64_t bytes)
{
	struct stat st;
	bool known = bytes > 0;

	if (!known && stat(file->text, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0) {
		bytes = (uint64_t)st.st_size;
		known = true;
	}
	if (!known) {
		bytes = GiB;
		draft_remark(draft, block, DRAFT_MISSING, file,
			     "the source does not say the size of this memory, 1GiB stands for it");
		draft_advise(draft, "write the length of the file, a multiple of 2MiB");
	} else if (bytes % (2 * MiB)) {
		bytes = bytes > UINT64_MAX - 2 * MiB ? bytes : ALIGN_UP(bytes, 2 * MiB);
		draft_remark(draft, block, DRAFT_CHANGED, file,
			     "the size of this memory is made a multiple of 2MiB");
		draft_advise(draft, "make the file as long: truncate -s %" PRIu64 " FILE", bytes);
	}
	draft_put_size(block, NULL, "size", file, bytes);
}

void map_disk_path(struct draft *draft, struct arena *arena, struct draft_block *block,
		   const struct item *path, bool plain)
{
	static const char *const others[] = {".qcow2", ".qcow", ".vmdk", ".vhdx", ".vhd", ".vdi"};
	size_t size = strlen(path->text), base = size;

	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		size_t end = strlen(others[i]);

		if (size > end && strcasecmp(path->text + size - end, others[i]) == 0) {
			base = size - end;
			break;
		}
	}
	if (plain && base == size) {
		draft_put_string(block, NULL, "path", path, path->text);
		return;
	}
	if (plain) {
		draft_put_string(block, NULL, "path", path, path->text);
		draft_remark(draft, block, DRAFT_NOTE, path,
			     "a disk is plain content for weft, whatever its name says");
		return;
	}
	draft_remark(draft, block, DRAFT_MISSING, path,
		     "a disk of weft is plain content, and this image is of another format");
	draft_advise(draft, "convert it: qemu-img convert -O raw %s %.*s.raw", path->text,
		     (int)base, path->text);
	draft_put_string(block, NULL, "path", path,
			 arena_printf(arena, "%.*s.raw", (int)base, path->text));
}

void map_tap(struct draft *draft, struct arena *arena, struct draft_block *block,
	     const struct item *from, const char *name)
{
	const char *machine = draft_machine(draft), *device = draft_block_name(block);
	uint8_t digest[SHA256_SIZE];

	if (!name && strlen(machine) + strlen(device) < 15)
		name = arena_printf(arena, "%s-%s", machine, device);
	if (!name) {
		const char *both = arena_printf(arena, "%s/%s", machine, device);

		sha256(both, strlen(both), digest);
		name = arena_printf(arena, "%.6s-%02x%02x%02x", machine, digest[0], digest[1],
				    digest[2]);
	}
	draft_put(block, "backend", "type", from, "tap");
	draft_put_string(block, "backend", "name", from, name);
}

void map_no_kernel(struct draft *draft, struct arena *arena, const struct item *from,
		   const char *why)
{
	struct draft_block *boot = draft_section(draft, "boot");
	const char *console = draft_find(draft, "serial")           ? "console=ttyS0"
			      : draft_find(draft, "virtio-console") ? "console=hvc0"
								    : "";
	const char *root = draft_find(draft, "virtio-blk") ? "root=/dev/vda1 rw" : "";

	draft_remark(draft, boot, DRAFT_MISSING, from, "%s", why);
	draft_advise(
		draft,
		"weft starts a Linux kernel (ELF or bzImage) or a firmware with a PVH entry: copy "
		"the guest's /boot/vmlinuz and its initrd out of its disk and name them here, with "
		"its command line from /proc/cmdline");
	draft_put(boot, NULL, "kernel", from, DRAFT_KERNEL_PLACEHOLDER);
	if (*console || *root)
		draft_put_string(
			boot, NULL, "cmdline", from,
			arena_printf(arena, "%s%s%s", console, *console && *root ? " " : "", root));
}

/* Whether the devices of weft are not found, or not needed, with a word of the command line. */
static bool is_unbearable(const char *word, size_t size)
{
	static const char *const words[] = {"pci=off", "acpi=off", "acpi=noirq"};
	static const char mmio[] = "virtio_mmio.device=";

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (size == strlen(words[i]) && !memcmp(word, words[i], size))
			return true;
	return size >= strlen(mmio) && !memcmp(word, mmio, strlen(mmio));
}

void map_cmdline(struct draft *draft, struct arena *arena, const struct item *from,
		 const char *cmdline)
{
	struct draft_block *boot = draft_section(draft, "boot");
	cleanup_strbuf struct strbuf out = STRBUF_INIT;

	for (const char *at = cmdline; *at;) {
		size_t size = strcspn(at, " \t\r\n");

		if (size && is_unbearable(at, size)) {
			draft_remark(draft, boot, DRAFT_NOTE, from,
				     "'%.*s' is taken out of the command line",
				     (int)MIN(size, (size_t)60), at);
			draft_advise(draft,
				     "the devices of weft are on PCI, and ACPI tells of them");
		} else if (size) {
			strbuf_printf(&out, out.size ? " %.*s" : "%.*s", (int)size, at);
		}
		at += size;
		at += strspn(at, " \t\r\n");
	}
	if (out.size)
		draft_put_string(boot, NULL, "cmdline", from, out.text);
}
