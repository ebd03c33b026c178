/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernel files made by an enemy: parsed, unpacked and loaded into 4 MiB of RAM. The first byte says
 * what is made of the rest, so that random bytes get past the magic numbers.
 */
#include <elf.h>
#include <errno.h>
#include <string.h>

#include <asm/bootparam.h>

#include "boot/bzimage.h"
#include "boot/elf.h"
#include "boot/unpack.h"
#include "machine/layout.h"
#include "machine/memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RAM_SIZE   (4 * MiB)
#define FILE_MAX   (256 * KiB)
#define SETUP_SIZE 1024u
#define PAYLOAD_AT 0x240u /* after the setup, where Linux's begins */

static uint8_t ram[RAM_SIZE], file[FILE_MAX], out[64 * KiB];

void *guest_memory_host(const struct guest_memory *mem unused, uint64_t gpa, uint64_t len)
{
	return gpa < RAM_SIZE && len && len <= RAM_SIZE - gpa ? ram + gpa : NULL;
}

int guest_memory_write(struct guest_memory *mem unused, uint64_t gpa unused, const void *buf unused,
		       size_t len unused)
{
	return -EFAULT;
}

static void try_elf(const struct boot_image *image)
{
	struct boot_problem problem = {""};
	struct elf_kernel kernel;
	size_t head = (size_t)MIN(image->size, (uint64_t)BOOT_IMAGE_HEAD);
	uint64_t end = 0;

	if (!elf_recognise(image->bytes, head) ||
	    elf_parse(image, image->bytes, head, &kernel, &problem) < 0)
		return;
	invariant(kernel.n_segments > 0 && kernel.n_segments <= ELF_MAX_PROGRAM_HEADERS);
	for (size_t i = 0; i < kernel.n_segments; i++) {
		invariant(kernel.segments[i].base >= end);
		end = kernel.segments[i].base + kernel.segments[i].size;
	}
	invariant(elf_end(&kernel) == end);
	(void)!elf_load(&kernel, image, NULL, false, &problem);
}

static void try_bzimage(const struct boot_image *image)
{
	struct boot_problem problem = {""};
	struct boot_image vmlinux = {.fd = -1};
	struct bzimage bz;
	size_t head = (size_t)MIN(image->size, (uint64_t)BOOT_IMAGE_HEAD);

	if (!bzimage_recognise(image->bytes, head) ||
	    bzimage_parse(image, image->bytes, head, &bz, &problem) < 0)
		return;
	if (bzimage_unpack(&bz, image, RAM_SIZE, &vmlinux, &problem) == 0)
		try_elf(&vmlinux);
	bzimage_unpack_free(&vmlinux);
	(void)!bzimage_load(&bz, image, NULL, &problem);
}

/* An ELF file whose program headers are the input. */
static size_t make_elf(const uint8_t *data, size_t size)
{
	Elf64_Ehdr eh = {
		.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
		.e_type = ET_EXEC,
		.e_machine = EM_X86_64,
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phoff = sizeof(eh),
		.e_phnum = 3,
		.e_entry = LAYOUT_HIGH_RAM,
	};

	size = MIN(size, FILE_MAX - sizeof(eh));
	memcpy(file, &eh, sizeof(eh));
	memcpy(file + sizeof(eh), data, size);
	/* Small numbers are near to right; the types must be. */
	for (size_t i = 0; i < 3 && sizeof(eh) + (i + 1) * sizeof(Elf64_Phdr) <= sizeof(eh) + size;
	     i++)
		memcpy(file + sizeof(eh) + i * sizeof(Elf64_Phdr),
		       &(uint32_t){i < 2 ? PT_LOAD : PT_NOTE}, 4);
	return sizeof(eh) + size;
}

/* A bzImage whose payload is the input. */
static size_t make_bzimage(const uint8_t *data, size_t size)
{
	struct setup_header h = {
		.setup_sects = 1,
		.boot_flag = 0xaa55,
		.jump = 0x66eb,
		.header = 0x53726448,
		.version = 0x020f,
		.loadflags = LOADED_HIGH,
		.xloadflags = XLF_KERNEL_64,
		.relocatable_kernel = 1,
		.pref_address = LAYOUT_HIGH_RAM,
		.payload_offset = PAYLOAD_AT,
	};
	size_t code;

	size = MIN(size, FILE_MAX - SETUP_SIZE - PAYLOAD_AT - 16);
	code = ALIGN_UP(PAYLOAD_AT + size, (size_t)16);
	h.payload_length = (uint32_t)size;
	h.syssize = (uint32_t)(code / 16);
	memset(file, 0, SETUP_SIZE + code);
	memcpy(file + BZIMAGE_HEADER_OFFSET, &h, sizeof(h));
	memcpy(file + SETUP_SIZE + PAYLOAD_AT, data, size);
	return SETUP_SIZE + code;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum unpack_format formats[] = {UNPACK_GZIP, UNPACK_XZ, UNPACK_LZMA,
						     UNPACK_ZSTD, UNPACK_LZ4};
	struct boot_image image = {.fd = -1, .bytes = file};
	size_t made = 0;
	uint8_t what;

	if (size == 0)
		return 0;
	what = data[0] % 8;
	data++;
	size--;
	switch (what) {
	case 0:
		image.size = MIN(size, (size_t)FILE_MAX);
		memcpy(file, data, image.size);
		boot_image_kind(file, (size_t)MIN(image.size, (uint64_t)BOOT_IMAGE_HEAD));
		break;
	case 1:
		image.size = make_elf(data, size);
		break;
	case 2:
		image.size = make_bzimage(data, size);
		break;
	default:
		if (unpack(formats[what - 3], data, size, out, sizeof(out), &made) == 0)
			invariant(made <= sizeof(out));
		return 0;
	}
	try_elf(&image);
	try_bzimage(&image);
	return 0;
}
