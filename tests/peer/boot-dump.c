/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads a kernel as weft does, into memory that no guest runs in, and prints what came of it:
 * boot-dump PROTOCOL RAM_MIB KERNEL [INITRAMFS]. For kernels that cannot run on the host at hand.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include <asm/bootparam.h>

#include "base/arena.h"
#include "base/diag.h"
#include "boot/boot.h"
#include "graph/graph.h"
#include "machine/layout.h"
#include "machine/memory.h"

static uint8_t *ram;
static uint64_t ram_size;

void *guest_memory_host(const struct guest_memory *mem unused, uint64_t gpa, uint64_t len)
{
	return gpa < ram_size && len && len <= ram_size - gpa ? ram + gpa : NULL;
}

int guest_memory_write(struct guest_memory *mem, uint64_t gpa, const void *buf, size_t len)
{
	void *p = guest_memory_host(mem, gpa, len);

	if (!p)
		return -EFAULT;
	memcpy(p, buf, len);
	return 0;
}

struct span graph_node_span(const struct graph_node *node unused, const char *property unused)
{
	return (struct span){.line = 0};
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void print_tables(const struct boot_entry *entry)
{
	static const char *const names[] = {"auto", "pvh", "linux64", "bzimage"};
	struct boot_params bp;

	printf("protocol %s\nrip 0x%" PRIx64 "\n", names[entry->protocol], entry->rip);
	if (!entry->long_mode)
		return;
	memcpy(&bp, ram + LAYOUT_ZERO_PAGE, sizeof(bp));
	printf("boot protocol %u.%02u\n", bp.hdr.version >> 8, bp.hdr.version & 0xff);
	printf("initramfs 0x%x %u\n", bp.hdr.ramdisk_image, bp.hdr.ramdisk_size);
	for (unsigned i = 0; i < bp.e820_entries; i++) {
		struct boot_e820_entry e = bp.e820_table[i];

		printf("e820 0x%09llx 0x%09llx %u\n", e.addr, e.addr + e.size - 1, e.type);
	}
}

int main(int argc, char **argv)
{
	cleanup_arena struct arena *arena = arena_create();
	struct diag_list *diags = diag_list_create(arena);
	struct boot_source source = {.cmdline = "console=ttyS0"};
	struct boot_ram range = {0, 0};
	struct boot_machine machine = {
		.ram = &range,
		.n_ram = 1,
		.rsdp = LAYOUT_ACPI,
		.memory_is_zero = true,
	};
	struct boot_entry entry;
	struct boot *boot = NULL;
	double start;
	int r;

	if (argc < 4)
		return 64;
	source.protocol = strcmp(argv[1], "pvh") == 0       ? BOOT_PROTOCOL_PVH
			  : strcmp(argv[1], "linux64") == 0 ? BOOT_PROTOCOL_LINUX64
			  : strcmp(argv[1], "bzimage") == 0 ? BOOT_PROTOCOL_BZIMAGE
							    : BOOT_PROTOCOL_AUTO;
	range.size = ram_size = strtoull(argv[2], NULL, 10) * MiB;
	source.kernel = argv[3];
	source.initramfs = argc > 4 ? argv[4] : NULL;
	ram = mmap(NULL, ram_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (ram == MAP_FAILED)
		return 99;
	start = now();
	r = boot_prepare(&source, &boot, diags);
	if (r == 0)
		r = boot_load(boot, &machine, &entry, diags);
	printf("# %.3f ms\n", now() - start);
	if (r == 0)
		print_tables(&entry);
	for (size_t i = 0; i < diag_count(diags); i++)
		printf("%s: %s\n", diag_get(diags, i)->code, diag_get(diags, i)->message);
	boot_destroy(boot);
	return r < 0;
}
