/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <elf.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <asm/bootparam.h>
#include <linux/kvm.h>
#include <lz4.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include "base/arena.h"
#include "base/diag.h"
#include "base/fd.h"
#include "boot/boot.h"
#include "boot/bzimage.h"
#include "boot/elf.h"
#include "boot/unpack.h"
#include "graph/graph.h"
#include "machine/layout.h"
#include "machine/memory.h"
#include "tests/unit/cu-tap.h"

#define RAM_SIZE  (8 * MiB)
#define LOAD_BASE (2 * MiB)

static uint8_t ram[RAM_SIZE];

void *guest_memory_host(const struct guest_memory *mem unused, uint64_t gpa, uint64_t len)
{
	return gpa < RAM_SIZE && len && len <= RAM_SIZE - gpa ? ram + gpa : NULL;
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

/* ---- a kernel to be broken ---- */

struct note {
	Elf64_Nhdr header;
	char name[4];
	uint32_t entry;
};

struct test_elf {
	Elf64_Ehdr eh;
	Elf64_Phdr load, bss, note_header;
	struct note note;
	uint8_t code[64];
};

static struct test_elf make_elf(void)
{
	struct test_elf e = {
		.eh =
			{
				.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB,
					    EV_CURRENT},
				.e_type = ET_EXEC,
				.e_machine = EM_X86_64,
				.e_version = EV_CURRENT,
				.e_entry = LOAD_BASE + 16,
				.e_phoff = offsetof(struct test_elf, load),
				.e_ehsize = sizeof(Elf64_Ehdr),
				.e_phentsize = sizeof(Elf64_Phdr),
				.e_phnum = 3,
			},
		.load = {.p_type = PT_LOAD,
			 .p_offset = offsetof(struct test_elf, code),
			 .p_vaddr = 0xffffffff80000000,
			 .p_paddr = LOAD_BASE,
			 .p_filesz = 64,
			 .p_memsz = 4096},
		.bss = {.p_type = PT_LOAD,
			.p_offset = offsetof(struct test_elf, code),
			.p_vaddr = 0xffffffff80001000,
			.p_paddr = LOAD_BASE + 4096,
			.p_filesz = 0,
			.p_memsz = 4096},
		.note_header = {.p_type = PT_NOTE,
				.p_offset = offsetof(struct test_elf, note),
				.p_filesz = sizeof(struct note),
				.p_memsz = sizeof(struct note)},
		.note = {.header = {4, 4, 18}, .name = "Xen", .entry = LOAD_BASE + 32},
	};

	for (size_t i = 0; i < sizeof(e.code); i++)
		e.code[i] = (uint8_t)(i + 1);
	return e;
}

static int parse(const void *bytes, size_t len, struct elf_kernel *ret)
{
	struct boot_image image = {.fd = -1, .bytes = bytes, .size = len};
	struct boot_problem problem = {""};
	int r = elf_parse(&image, bytes, MIN(len, (size_t)BOOT_IMAGE_HEAD), ret, &problem);

	/* Whatever is refused is refused with a reason. */
	CU_ASSERT(r == 0 || problem.text[0] != '\0');
	return r;
}

static int load(const void *bytes, size_t len)
{
	struct boot_image image = {.fd = -1, .bytes = bytes, .size = len};
	struct boot_problem problem = {""};
	struct elf_kernel kernel;

	if (parse(bytes, len, &kernel) < 0)
		return -EINVAL;
	return elf_load(&kernel, &image, NULL, false, &problem);
}

static void an_elf_kernel_is_loaded_and_its_bss_cleared(void)
{
	struct test_elf e = make_elf();
	struct elf_kernel kernel;

	CU_ASSERT_EQUAL(parse(&e, sizeof(e), &kernel), 0);
	CU_ASSERT_EQUAL(kernel.n_segments, 2);
	CU_ASSERT(kernel.has_entry && kernel.has_pvh);
	CU_ASSERT_EQUAL(kernel.entry, LOAD_BASE + 16);
	CU_ASSERT_EQUAL(kernel.pvh_entry, LOAD_BASE + 32);
	CU_ASSERT_EQUAL(elf_end(&kernel), LOAD_BASE + 8192);
	memset(ram, 0xee, sizeof(ram));
	CU_ASSERT_EQUAL(load(&e, sizeof(e)), 0);
	CU_ASSERT_EQUAL(memcmp(ram + LOAD_BASE, e.code, 64), 0);
	CU_ASSERT_EQUAL(ram[LOAD_BASE + 64], 0);
	CU_ASSERT_EQUAL(ram[LOAD_BASE + 8191], 0);
	CU_ASSERT_EQUAL(ram[LOAD_BASE + 8192], 0xee);
	CU_ASSERT_EQUAL(ram[LOAD_BASE - 1], 0xee);
}

static void a_virtual_entry_is_translated(void)
{
	struct test_elf e = make_elf();
	struct elf_kernel kernel;

	e.eh.e_entry = e.load.p_vaddr + 7;
	CU_ASSERT_EQUAL(parse(&e, sizeof(e), &kernel), 0);
	CU_ASSERT_EQUAL(kernel.entry, LOAD_BASE + 7);
}

static void an_entry_outside_of_the_kernel_is_none(void)
{
	struct test_elf e = make_elf();
	struct elf_kernel kernel;

	e.note.entry = 0x1000;
	CU_ASSERT_EQUAL(parse(&e, sizeof(e), &kernel), 0);
	CU_ASSERT_FALSE(kernel.has_pvh);
	e.eh.e_entry = LOAD_BASE + 4096; /* in the BSS */
	CU_ASSERT_EQUAL(parse(&e, sizeof(e), &kernel), -ENOEXEC);
}

static void every_truncation_is_refused(void)
{
	struct test_elf e = make_elf();
	struct elf_kernel kernel;

	for (size_t len = 0; len < offsetof(struct test_elf, code) + sizeof(e.code); len++) {
		/* Exactly so many bytes, so that the sanitizer sees one too many. */
		uint8_t *copy = malloc(len ? len : 1);

		memcpy(copy, &e, len);
		CU_ASSERT(parse(copy, len, &kernel) < 0);
		free(copy);
	}
}

static void segments_that_cannot_be_are_refused(void)
{
	struct test_elf e = make_elf();
	struct elf_kernel kernel;

	e.load.p_filesz = 8192; /* more than its memory */
	CU_ASSERT_EQUAL(parse(&e, sizeof(e), &kernel), -ENOEXEC);
	e = make_elf();
	e.load.p_offset = UINT64_MAX - 8;
	CU_ASSERT_EQUAL(parse(&e, sizeof(e), &kernel), -ENOEXEC);
	e = make_elf();
	e.bss.p_paddr = UINT64_MAX - 100; /* wraps */
	CU_ASSERT_EQUAL(parse(&e, sizeof(e), &kernel), -ENOEXEC);
	e = make_elf();
	e.bss.p_memsz = UINT64_MAX;
	CU_ASSERT_EQUAL(parse(&e, sizeof(e), &kernel), -ENOEXEC);
	e = make_elf();
	e.bss.p_paddr = LOAD_BASE + 100; /* overlaps the one before */
	CU_ASSERT_EQUAL(parse(&e, sizeof(e), &kernel), -ENOEXEC);
	e = make_elf();
	e.bss.p_paddr = LOAD_BASE - 100; /* and the one after */
	CU_ASSERT_EQUAL(parse(&e, sizeof(e), &kernel), -ENOEXEC);
	e = make_elf();
	e.eh.e_phnum = 0xffff;
	CU_ASSERT_EQUAL(parse(&e, sizeof(e), &kernel), -ENOEXEC);
	e = make_elf();
	e.eh.e_phoff = UINT64_MAX - 3;
	CU_ASSERT_EQUAL(parse(&e, sizeof(e), &kernel), -ENOEXEC);
	e = make_elf();
	e.eh.e_machine = EM_AARCH64;
	CU_ASSERT_EQUAL(parse(&e, sizeof(e), &kernel), -ENOEXEC);
	e = make_elf();
	e.eh.e_machine = EM_386; /* as EDK II's: entered by PVH alone */
	CU_ASSERT_EQUAL(parse(&e, sizeof(e), &kernel), 0);
	CU_ASSERT(kernel.has_pvh && !kernel.has_entry);
	e.note.name[0] = 'x';
	CU_ASSERT_EQUAL(parse(&e, sizeof(e), &kernel), -ENOEXEC);
}

static void only_ram_above_1_mib_is_loaded_into(void)
{
	struct test_elf e = make_elf();

	e.bss.p_paddr = RAM_SIZE - 4096;
	CU_ASSERT_EQUAL(load(&e, sizeof(e)), 0);
	e.bss.p_paddr = RAM_SIZE - 4095;
	CU_ASSERT_EQUAL(load(&e, sizeof(e)), -ENOSPC);
	e.bss.p_paddr = LAYOUT_ACPI;
	CU_ASSERT_EQUAL(load(&e, sizeof(e)), -ENOEXEC);
	e.bss.p_paddr = 1ULL << 50;
	CU_ASSERT_EQUAL(load(&e, sizeof(e)), -ENOSPC);
}

static void hostile_notes_end_the_search(void)
{
	struct test_elf e = make_elf();
	struct elf_kernel kernel;
	static const uint32_t sizes[] = {0, 1, 3, 5, 0x7fffffff, 0xfffffffc, 0xffffffff};

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		e.note.header.n_namesz = sizes[i];
		CU_ASSERT_EQUAL(parse(&e, sizeof(e), &kernel), 0);
		CU_ASSERT_FALSE(kernel.has_pvh);
		e.note.header.n_namesz = 4;
		e.note.header.n_descsz = sizes[i];
		CU_ASSERT_EQUAL(parse(&e, sizeof(e), &kernel), 0);
		CU_ASSERT_FALSE(kernel.has_pvh);
	}
}

/* ---- unpacking ---- */

#define PLAIN_SIZE (3 * MiB)

static uint8_t plain[PLAIN_SIZE], packed[PLAIN_SIZE + 4096], out[PLAIN_SIZE + 1];

static size_t pack(enum unpack_format format)
{
	size_t len = 0;

	switch (format) {
	case UNPACK_GZIP: {
		z_stream z = {.next_in = plain,
			      .avail_in = PLAIN_SIZE,
			      .next_out = packed,
			      .avail_out = sizeof(packed)};

		deflateInit2(&z, 1, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY);
		deflate(&z, Z_FINISH);
		len = z.total_out;
		deflateEnd(&z);
		break;
	}
	case UNPACK_XZ:
		lzma_easy_buffer_encode(0, LZMA_CHECK_CRC32, NULL, plain, PLAIN_SIZE, packed, &len,
					sizeof(packed));
		break;
	case UNPACK_LZMA: {
		lzma_stream s = LZMA_STREAM_INIT;
		lzma_options_lzma options;

		lzma_lzma_preset(&options, 0);
		CU_ASSERT_EQUAL_FATAL(lzma_alone_encoder(&s, &options), LZMA_OK);
		s.next_in = plain;
		s.avail_in = PLAIN_SIZE;
		s.next_out = packed;
		s.avail_out = sizeof(packed);
		CU_ASSERT_EQUAL(lzma_code(&s, LZMA_FINISH), LZMA_STREAM_END);
		len = s.total_out;
		lzma_end(&s);
		break;
	}
	case UNPACK_ZSTD:
		len = ZSTD_compress(packed, sizeof(packed), plain, PLAIN_SIZE, 1);
		break;
	case UNPACK_LZ4: {
		uint32_t words[2] = {0x184c2102};
		int n = LZ4_compress_default((char *)plain, (char *)packed + 8, PLAIN_SIZE,
					     sizeof(packed) - 8);

		words[1] = (uint32_t)n;
		memcpy(packed, words, 8);
		len = 8 + (size_t)n;
		break;
	}
	default:
		break;
	}
	return len;
}

static const enum unpack_format formats[] = {UNPACK_GZIP, UNPACK_XZ, UNPACK_LZMA, UNPACK_ZSTD,
					     UNPACK_LZ4};

static void fill_plain(bool zero)
{
	for (size_t i = 0; i < PLAIN_SIZE; i++)
		plain[i] = zero ? 0 : (uint8_t)((i * 2654435761u) >> 24);
}

static void every_format_gives_back_what_was_packed(void)
{
	fill_plain(false);
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		size_t len = pack(formats[i]), made = 0;

		CU_ASSERT_EQUAL(unpack_recognise(packed, len), formats[i]);
		CU_ASSERT_EQUAL(unpack(formats[i], packed, len, out, PLAIN_SIZE, &made), 0);
		CU_ASSERT_EQUAL(made, PLAIN_SIZE);
		CU_ASSERT_EQUAL(memcmp(out, plain, PLAIN_SIZE), 0);
	}
}

static void a_bomb_stops_at_the_limit(void)
{
	fill_plain(true);
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		size_t len = pack(formats[i]), made;

		memset(out, 0xee, sizeof(out));
		CU_ASSERT_EQUAL(unpack(formats[i], packed, len, out, PLAIN_SIZE / 2, &made),
				-E2BIG);
		CU_ASSERT_EQUAL(out[PLAIN_SIZE / 2], 0xee);
	}
}

static void damage_is_an_error_and_never_more(void)
{
	fill_plain(false);
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		size_t len = pack(formats[i]), made;

		for (size_t cut = 0; cut < 40; cut++) {
			int r = unpack(formats[i], packed, cut * len / 40, out, PLAIN_SIZE, &made);

			CU_ASSERT(r < 0 || made < PLAIN_SIZE);
		}
		for (size_t flip = 4; flip < MIN(len, (size_t)40); flip++) {
			packed[flip] ^= 0xff;
			if (unpack(formats[i], packed, len, out, PLAIN_SIZE, &made) == 0)
				CU_ASSERT(made <= PLAIN_SIZE);
			packed[flip] ^= 0xff;
		}
	}
}

/* ---- whole files ---- */

static struct arena *arena;
static struct diag_list *diags;

static int file_of(const void *bytes, size_t len, char path[32])
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	CU_ASSERT_EQUAL_FATAL(write(fd, bytes, len), (ssize_t)len);
	snprintf(path, 32, "/proc/self/fd/%d", fd);
	return fd;
}

static int boot_bytes(const void *bytes, size_t len, enum boot_protocol protocol,
		      const char *initramfs, struct boot_entry *entry)
{
	static const struct boot_ram range = {0, RAM_SIZE};
	struct boot_machine machine = {.ram = &range, .n_ram = 1, .rsdp = LAYOUT_ACPI};
	char path[32];
	cleanup_fd int fd = file_of(bytes, len, path);
	struct boot_source source = {.kernel = path,
				     .initramfs = initramfs,
				     .cmdline = "console=hvc0",
				     .protocol = protocol};
	struct boot *boot;
	int r;

	diags = diag_list_create(arena);
	memset(ram, 0xee, sizeof(ram));
	r = boot_prepare(&source, &boot, diags);
	if (r == 0) {
		/* A second time, as a reset does. */
		r = boot_load(boot, &machine, entry, diags);
		if (r == 0)
			r = boot_load(boot, &machine, entry, diags);
		boot_destroy(boot);
	}
	/* What a person reads: exactly when it failed. */
	CU_ASSERT_EQUAL(diag_errors(diags) > 0, r < 0);
	return r;
}

static const char *message(void)
{
	return diag_count(diags) ? diag_get(diags, 0)->message : "";
}

static void pvh_gets_its_start_info(void)
{
	struct test_elf e = make_elf();
	struct boot_entry entry;
	uint32_t words[4];
	uint64_t fields[4];

	CU_ASSERT_EQUAL_FATAL(boot_bytes(&e, sizeof(e), BOOT_PROTOCOL_AUTO, NULL, &entry), 0);
	CU_ASSERT_EQUAL(entry.protocol, BOOT_PROTOCOL_PVH);
	CU_ASSERT_FALSE(entry.long_mode);
	CU_ASSERT_EQUAL(entry.rip, LOAD_BASE + 32);
	CU_ASSERT_EQUAL(entry.rbx, LAYOUT_PVH_START_INFO);
	memcpy(words, ram + LAYOUT_PVH_START_INFO, sizeof(words));
	memcpy(fields, ram + LAYOUT_PVH_START_INFO + 16, sizeof(fields));
	CU_ASSERT_EQUAL(words[0], 0x336ec578);
	CU_ASSERT_EQUAL(words[1], 1);
	CU_ASSERT_EQUAL(words[3], 0);
	CU_ASSERT_EQUAL(fields[1], LAYOUT_CMDLINE);
	CU_ASSERT_EQUAL(fields[2], LAYOUT_ACPI);
	CU_ASSERT_STRING_EQUAL((char *)ram + LAYOUT_CMDLINE, "console=hvc0");
}

static void linux64_gets_boot_params_and_an_initramfs(void)
{
	struct test_elf e = make_elf();
	struct boot_entry entry;
	struct boot_params bp;
	struct kvm_regs regs;
	struct kvm_sregs sregs = {.apic_base = 0xfee00900};
	char path[32];
	cleanup_fd int fd = file_of("070701 and so on", 16, path);

	CU_ASSERT_EQUAL_FATAL(boot_bytes(&e, sizeof(e), BOOT_PROTOCOL_LINUX64, path, &entry), 0);
	CU_ASSERT(entry.long_mode);
	memcpy(&bp, ram + LAYOUT_ZERO_PAGE, sizeof(bp));
	CU_ASSERT_EQUAL(bp.hdr.header, 0x53726448);
	CU_ASSERT_EQUAL(bp.hdr.cmd_line_ptr, LAYOUT_CMDLINE);
	CU_ASSERT_EQUAL(bp.acpi_rsdp_addr, LAYOUT_ACPI);
	CU_ASSERT_EQUAL(bp.hdr.ramdisk_size, 16);
	CU_ASSERT_EQUAL(bp.hdr.ramdisk_image, RAM_SIZE - 4096);
	CU_ASSERT_EQUAL(memcmp(ram + RAM_SIZE - 4096, "070701", 6), 0);
	CU_ASSERT_EQUAL(bp.e820_table[0].size, LAYOUT_LOW_RAM_END);
	CU_ASSERT_EQUAL(bp.sentinel, 0);

	boot_entry_apply(&entry, &regs, &sregs);
	CU_ASSERT_EQUAL(regs.rsi, LAYOUT_ZERO_PAGE);
	CU_ASSERT_EQUAL(sregs.cr3, LAYOUT_PML4);
	CU_ASSERT(sregs.cs.l && !sregs.cs.db);
	CU_ASSERT_EQUAL(sregs.cs.selector, 0x10);
	CU_ASSERT_EQUAL(sregs.ds.selector, 0x18);
	CU_ASSERT_EQUAL(sregs.apic_base, 0xfee00900);
}

static void a_page_table_maps_every_address_to_itself(void)
{
	struct test_elf e = make_elf();
	struct boot_entry entry;

	CU_ASSERT_EQUAL_FATAL(boot_bytes(&e, sizeof(e), BOOT_PROTOCOL_LINUX64, NULL, &entry), 0);
	for (uint64_t va = 0; va < 4 * GiB; va += 2 * MiB) {
		uint64_t table = entry.cr3, pte = 0;

		for (int shift = 39; shift >= 21; shift -= 9) {
			memcpy(&pte, ram + table + (va >> shift & 511) * 8, 8);
			CU_ASSERT_FATAL(pte & 1);
			table = pte & ~0xfffULL;
		}
		CU_ASSERT((pte & 0x80) && table == va);
	}
}

static void what_does_not_fit_is_said(void)
{
	struct test_elf e = make_elf();
	struct boot_entry entry;
	static uint8_t large[RAM_SIZE - LOAD_BASE - 4096];
	char path[32];
	cleanup_fd int fd = file_of(large, sizeof(large), path);

	CU_ASSERT_EQUAL(boot_bytes(&e, sizeof(e), BOOT_PROTOCOL_PVH, path, &entry), -ENOSPC);
	CU_ASSERT_PTR_NOT_NULL(strstr(message(), "do not fit beside the kernel"));
	e.note_header.p_type = PT_NULL;
	CU_ASSERT_EQUAL(boot_bytes(&e, sizeof(e), BOOT_PROTOCOL_PVH, NULL, &entry), -ENOEXEC);
	CU_ASSERT_PTR_NOT_NULL(strstr(message(), "has no PVH entry"));
}

static void files_are_told_by_their_content(void)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *said;
	} files[] = {
		{"", 0, "is an empty file"},
		{"\x1f\x8b\x08\0", 4, "is a gzip file"},
		{"MZ\x90\0", 4, "is an EFI program"},
		{"#!/bin/sh\n", 10, "is a script"},
		{"version: 1\n", 11, "is a text file"},
		{"070701", 6, "is a cpio archive (an initramfs)"},
		{"\177ELF\x01\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x03\0", 20, "is cut off"},
		{"\0\1\2\3", 4, "is no kernel that weft knows"},
	};
	struct boot_entry entry;

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		CU_ASSERT(boot_bytes(files[i].bytes, files[i].len, BOOT_PROTOCOL_AUTO, NULL,
				     &entry) < 0);
		CU_ASSERT_PTR_NOT_NULL(strstr(message(), files[i].said));
	}
}

/* ---- bzImage ---- */

#define SETUP_SIZE 1024u

static uint8_t bz_bytes[SETUP_SIZE + 65536];

/* A bzImage with a payload; its setup is one sector. */
static size_t make_bzimage(const void *payload, size_t len)
{
	struct setup_header h = {
		.setup_sects = 1,
		.boot_flag = 0xaa55,
		.jump = 0x66eb,
		.header = 0x53726448,
		.version = 0x020f,
		.loadflags = LOADED_HIGH,
		.cmdline_size = 2047,
		.initrd_addr_max = 0x7fffffff,
		.xloadflags = XLF_KERNEL_64,
		.relocatable_kernel = 1,
		.pref_address = LOAD_BASE,
		.init_size = 2 * MiB,
		.payload_offset = 600,
		.payload_length = (uint32_t)len,
	};
	size_t code = ALIGN_UP(600 + len, (size_t)16);

	h.syssize = (uint32_t)(code / 16);
	memset(bz_bytes, 0, sizeof(bz_bytes));
	memcpy(bz_bytes + 0x1f1, &h, sizeof(h));
	memcpy(bz_bytes + SETUP_SIZE + 600, payload, len);
	return SETUP_SIZE + code;
}

static size_t make_zstd_bzimage(void)
{
	struct test_elf e = make_elf();
	uint8_t payload[4096];
	size_t len = ZSTD_compress(payload, sizeof(payload) - 4, &e, sizeof(e), 1);
	uint32_t size = sizeof(e);

	memcpy(payload + len, &size, 4);
	return make_bzimage(payload, len + 4);
}

static void a_bzimage_is_unpacked(void)
{
	struct boot_entry entry;
	struct boot_params bp;
	size_t len = make_zstd_bzimage();

	CU_ASSERT_EQUAL_FATAL(boot_bytes(bz_bytes, len, BOOT_PROTOCOL_AUTO, NULL, &entry), 0);
	CU_ASSERT_EQUAL(entry.protocol, BOOT_PROTOCOL_PVH);
	CU_ASSERT_EQUAL_FATAL(boot_bytes(bz_bytes, len, BOOT_PROTOCOL_LINUX64, NULL, &entry), 0);
	CU_ASSERT_EQUAL(entry.protocol, BOOT_PROTOCOL_LINUX64);
	CU_ASSERT_EQUAL(entry.rip, LOAD_BASE + 16);
	memcpy(&bp, ram + LAYOUT_ZERO_PAGE, sizeof(bp));
	CU_ASSERT_EQUAL(bp.hdr.version, 0x020f);
	CU_ASSERT_EQUAL(bp.hdr.type_of_loader, 0xff);
}

static void a_bzimage_of_an_unknown_format_unpacks_itself(void)
{
	struct boot_entry entry;
	size_t len = make_bzimage("BZh9 and more of it", 20);

	CU_ASSERT_EQUAL_FATAL(boot_bytes(bz_bytes, len, BOOT_PROTOCOL_AUTO, NULL, &entry), 0);
	CU_ASSERT_EQUAL(entry.protocol, BOOT_PROTOCOL_BZIMAGE);
	CU_ASSERT(entry.long_mode);
	CU_ASSERT_EQUAL(entry.rip, LOAD_BASE + 0x200);
	CU_ASSERT_EQUAL(memcmp(ram + LOAD_BASE, bz_bytes + SETUP_SIZE, len - SETUP_SIZE), 0);
	CU_ASSERT(boot_bytes(bz_bytes, len, BOOT_PROTOCOL_PVH, NULL, &entry) < 0);
}

static void a_hostile_bzimage_is_refused(void)
{
	struct boot_entry entry;
	size_t len = make_zstd_bzimage();
	const uint32_t huge = 0xfffffff0;

	CU_ASSERT(boot_bytes(bz_bytes, len - 64, BOOT_PROTOCOL_AUTO, NULL, &entry) < 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(message(), "is cut off"));
	/* It says that it unpacks to 4 GiB. */
	len = make_zstd_bzimage();
	for (size_t at = SETUP_SIZE + 600; at + 4 <= len; at++) {
		uint32_t v;

		memcpy(&v, bz_bytes + at, 4);
		if (v == sizeof(struct test_elf))
			memcpy(bz_bytes + at, &huge, 4);
	}
	CU_ASSERT(boot_bytes(bz_bytes, len, BOOT_PROTOCOL_AUTO, NULL, &entry) < 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(message(), "unpacks to 4294967280 bytes"));
	/* Every byte of the header, wrong in turn: nothing but an answer is asked for. */
	for (size_t at = 0x1f1; at < 0x270; at++) {
		len = make_zstd_bzimage();
		bz_bytes[at] ^= 0xff;
		boot_bytes(bz_bytes, len, BOOT_PROTOCOL_AUTO, NULL, &entry);
	}
}

static int suite_init(void)
{
	arena = arena_create();
	return 0;
}

static int suite_clean(void)
{
	arena = arena_destroy(arena);
	return 0;
}

int main(void)
{
	CU_TestInfo elf[] = {
		{"an ELF kernel is loaded and its BSS cleared",
		 an_elf_kernel_is_loaded_and_its_bss_cleared},
		{"a virtual entry is translated", a_virtual_entry_is_translated},
		{"an entry outside of the kernel is none", an_entry_outside_of_the_kernel_is_none},
		{"every truncation is refused", every_truncation_is_refused},
		{"segments that cannot be are refused", segments_that_cannot_be_are_refused},
		{"only RAM above 1 MiB is loaded into", only_ram_above_1_mib_is_loaded_into},
		{"hostile notes end the search", hostile_notes_end_the_search},
		CU_TEST_INFO_NULL,
	};
	CU_TestInfo unpacking[] = {
		{"every format gives back what was packed",
		 every_format_gives_back_what_was_packed},
		{"a bomb stops at the limit", a_bomb_stops_at_the_limit},
		{"damage is an error and never more", damage_is_an_error_and_never_more},
		CU_TEST_INFO_NULL,
	};
	CU_TestInfo files[] = {
		{"PVH gets its start info", pvh_gets_its_start_info},
		{"linux64 gets boot_params and an initramfs",
		 linux64_gets_boot_params_and_an_initramfs},
		{"the page table maps every address to itself",
		 a_page_table_maps_every_address_to_itself},
		{"what does not fit is said", what_does_not_fit_is_said},
		{"files are told by their content", files_are_told_by_their_content},
		{"a bzImage is unpacked", a_bzimage_is_unpacked},
		{"a bzImage of an unknown format unpacks itself",
		 a_bzimage_of_an_unknown_format_unpacks_itself},
		{"a hostile bzImage is refused", a_hostile_bzimage_is_refused},
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = {
		{"ELF", NULL, NULL, NULL, NULL, elf},
		{"unpacking", NULL, NULL, NULL, NULL, unpacking},
		{"boot", suite_init, suite_clean, NULL, NULL, files},
		CU_SUITE_INFO_NULL,
	};

	return cu_tap_run(suites);
}
