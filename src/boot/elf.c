/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parsing and loading of ELF64 files (System V ABI, chapters 4 and 5; Xen's PVH boot ABI for the
 * note).
 */
#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "boot/elf.h"
#include "machine/layout.h"
#include "machine/memory.h"

#define XEN_ELFNOTE_PHYS32_ENTRY 18

/* Notes of a kernel: a build id, a few of Linux and of Xen. */
#define ELF_MAX_NOTES 4096

bool elf_recognise(const uint8_t *head, size_t len)
{
	return len >= SELFMAG && memcmp(head, ELFMAG, SELFMAG) == 0;
}

static const char *machine_name(unsigned machine)
{
	switch (machine) {
	case EM_386:
		return "32-bit x86";
	case EM_AARCH64:
		return "64-bit ARM";
	case EM_ARM:
		return "32-bit ARM";
	case EM_RISCV:
		return "RISC-V";
	case EM_PPC64:
		return "PowerPC";
	case EM_S390:
		return "S/390";
	default:
		return "another processor";
	}
}

static int check_header(const Elf64_Ehdr *eh, struct boot_problem *problem)
{
	/* EDK II's CLOUDHV.fd is a 64-bit file for the 80386, which is what its PVH entry runs on.
	 */
	if (eh->e_ident[EI_DATA] != ELFDATA2LSB ||
	    (eh->e_machine != EM_X86_64 &&
	     (eh->e_machine != EM_386 || eh->e_ident[EI_CLASS] != ELFCLASS64)))
		return boot_problem_set(problem, -ENOEXEC,
					"is an ELF file for %s; weft runs x86-64 guests",
					machine_name(eh->e_ident[EI_DATA] == ELFDATA2MSB
							     ? __builtin_bswap16(eh->e_machine)
							     : eh->e_machine));
	if (eh->e_ident[EI_CLASS] != ELFCLASS64)
		return boot_problem_set(problem, -ENOEXEC,
					"is a 32-bit ELF file; weft boots 64-bit ones");
	if (eh->e_type == ET_REL)
		return boot_problem_set(problem, -ENOEXEC,
					"is an ELF object file or kernel module, not a kernel");
	if (eh->e_type != ET_EXEC && eh->e_type != ET_DYN)
		return boot_problem_set(problem, -ENOEXEC, "is an ELF file but no executable one");
	if (eh->e_phentsize != sizeof(Elf64_Phdr) || eh->e_phnum == 0)
		return boot_problem_set(problem, -ENOEXEC,
					"is an ELF file without usable program headers");
	if (eh->e_phnum > ELF_MAX_PROGRAM_HEADERS)
		return boot_problem_set(problem, -ENOEXEC,
					"has %u ELF program headers; weft takes %d", eh->e_phnum,
					ELF_MAX_PROGRAM_HEADERS);
	return 0;
}

static int add_segment(struct elf_kernel *kernel, const struct boot_image *image,
		       const Elf64_Phdr *ph, struct boot_problem *problem)
{
	struct elf_segment seg = {
		.offset = ph->p_offset,
		.file_size = ph->p_filesz,
		.base = ph->p_paddr,
		.size = ph->p_memsz,
		.virtual_base = ph->p_vaddr,
	};
	uint64_t end;
	size_t i;

	if (seg.size == 0 && seg.file_size == 0)
		return 0;
	if (seg.file_size > seg.size)
		return boot_problem_set(problem, -ENOEXEC,
					"has an ELF segment with more bytes than memory");
	if (seg.offset > image->size || seg.file_size > image->size - seg.offset)
		return boot_problem_set(problem, -ENOEXEC,
					"is cut off: an ELF segment ends after the file's end");
	if (__builtin_add_overflow(seg.base, seg.size, &end))
		return boot_problem_set(problem, -ENOEXEC,
					"has an ELF segment that wraps around the end of memory");

	for (i = kernel->n_segments; i > 0 && kernel->segments[i - 1].base > seg.base; i--)
		kernel->segments[i] = kernel->segments[i - 1];
	kernel->segments[i] = seg;
	kernel->n_segments++;
	if ((i > 0 && kernel->segments[i - 1].base + kernel->segments[i - 1].size > seg.base) ||
	    (i + 1 < kernel->n_segments && end > kernel->segments[i + 1].base))
		return boot_problem_set(problem, -ENOEXEC,
					"has ELF segments that overlap at 0x%" PRIx64, seg.base);
	return 0;
}

/* Finds the PVH note in a PT_NOTE segment. One that is malformed has no notes. */
static void find_pvh_note(struct elf_kernel *kernel, const uint8_t *notes, size_t len)
{
	size_t at = 0;

	while (len - at >= sizeof(Elf64_Nhdr)) {
		Elf64_Nhdr note;
		size_t name, desc;

		memcpy(&note, notes + at, sizeof(note));
		name = at + sizeof(note);
		if (note.n_namesz > len - name)
			return;
		desc = ALIGN_UP(name + note.n_namesz, (size_t)4);
		if (desc > len || note.n_descsz > len - desc)
			return;
		if (note.n_type == XEN_ELFNOTE_PHYS32_ENTRY && note.n_namesz == 4 &&
		    memcmp(notes + name, "Xen", 4) == 0 && note.n_descsz >= 4) {
			/* 4 or 8 bytes; what is above 4 GiB cannot be entered in 32-bit mode. */
			memcpy(&kernel->pvh_entry, notes + desc, 4);
			kernel->has_pvh = true;
			return;
		}
		at = ALIGN_UP(desc + note.n_descsz, (size_t)4);
		if (at > len)
			return;
	}
}

static int read_notes(struct elf_kernel *kernel, const struct boot_image *image,
		      const Elf64_Phdr *ph, struct boot_problem *problem)
{
	uint8_t notes[ELF_MAX_NOTES];
	size_t len = (size_t)MIN(ph->p_filesz, (Elf64_Xword)sizeof(notes));
	int r = boot_image_read(image, ph->p_offset, notes, len);

	if (r < 0)
		return boot_problem_read(problem, r, "the ELF notes");
	find_pvh_note(kernel, notes, len);
	return 0;
}

/* The segment that holds a physical address, or NULL. */
static const struct elf_segment *segment_at(const struct elf_kernel *kernel, uint64_t base)
{
	for (size_t i = 0; i < kernel->n_segments; i++)
		if (base >= kernel->segments[i].base &&
		    base - kernel->segments[i].base < kernel->segments[i].file_size)
			return &kernel->segments[i];
	return NULL;
}

/* An entry is a physical address in Linux; a linker's default is a virtual one. */
static void find_entry(struct elf_kernel *kernel, uint64_t e_entry)
{
	if (segment_at(kernel, e_entry)) {
		kernel->entry = e_entry;
		kernel->has_entry = true;
		return;
	}
	for (size_t i = 0; i < kernel->n_segments; i++) {
		const struct elf_segment *seg = &kernel->segments[i];

		if (e_entry >= seg->virtual_base && e_entry - seg->virtual_base < seg->file_size) {
			kernel->entry = seg->base + (e_entry - seg->virtual_base);
			kernel->has_entry = true;
			return;
		}
	}
}

int elf_parse(const struct boot_image *image, const uint8_t *head, size_t head_len,
	      struct elf_kernel *ret, struct boot_problem *problem)
{
	Elf64_Phdr headers[ELF_MAX_PROGRAM_HEADERS];
	struct elf_kernel kernel = {.n_segments = 0};
	Elf64_Ehdr eh;
	size_t len;
	int r;

	if (head_len < sizeof(eh))
		return boot_problem_read(problem, -ENODATA, "the ELF header");
	memcpy(&eh, head, sizeof(eh));
	r = check_header(&eh, problem);
	if (r < 0)
		return r;
	len = eh.e_phnum * sizeof(headers[0]);
	if (eh.e_phoff <= head_len && len <= head_len - eh.e_phoff) {
		memcpy(headers, head + eh.e_phoff, len);
	} else {
		r = boot_image_read(image, eh.e_phoff, headers, len);
		if (r < 0)
			return boot_problem_read(problem, r, "the ELF program headers");
	}
	for (unsigned i = 0; i < eh.e_phnum; i++) {
		if (headers[i].p_type == PT_INTERP)
			return boot_problem_set(problem, -ENOEXEC,
						"is a program for Linux, not a kernel");
		if (headers[i].p_type == PT_LOAD)
			r = add_segment(&kernel, image, &headers[i], problem);
		else if (headers[i].p_type == PT_NOTE && !kernel.has_pvh)
			r = read_notes(&kernel, image, &headers[i], problem);
		if (r < 0)
			return r;
	}
	if (kernel.n_segments == 0)
		return boot_problem_set(problem, -ENOEXEC, "is an ELF file with nothing to load");
	if (eh.e_machine == EM_X86_64)
		find_entry(&kernel, eh.e_entry);
	kernel.has_pvh = kernel.has_pvh && segment_at(&kernel, kernel.pvh_entry);
	if (!kernel.has_entry && !kernel.has_pvh)
		return boot_problem_set(
			problem, -ENOEXEC,
			eh.e_machine == EM_X86_64
				? "is an ELF file whose entry lies in none of its segments"
				: "is an ELF file for 32-bit x86 without a PVH entry");
	*ret = kernel;
	return 0;
}

int elf_load(const struct elf_kernel *kernel, const struct boot_image *image,
	     const struct guest_memory *memory, bool memory_is_zero, struct boot_problem *problem)
{
	for (size_t i = 0; i < kernel->n_segments; i++) {
		const struct elf_segment *seg = &kernel->segments[i];
		uint8_t *host;
		int r;

		if (seg->base < LAYOUT_HIGH_RAM)
			return boot_problem_set(problem, -ENOEXEC,
						"has an ELF segment at 0x%" PRIx64
						"; what is below 1 MiB is weft's own",
						seg->base);
		host = guest_memory_host(memory, seg->base, seg->size);
		if (!host)
			return boot_problem_set(problem, -ENOSPC,
						"needs RAM at 0x%" PRIx64 "-0x%" PRIx64
						", which this machine does not have",
						seg->base, seg->base + seg->size - 1);
		r = boot_image_read(image, seg->offset, host, (size_t)seg->file_size);
		if (r < 0)
			return boot_problem_read(problem, r, "an ELF segment");
		if (!memory_is_zero)
			memset(host + seg->file_size, 0, (size_t)(seg->size - seg->file_size));
	}
	return 0;
}

uint64_t elf_end(const struct elf_kernel *kernel)
{
	const struct elf_segment *last = &kernel->segments[kernel->n_segments - 1];

	return last->base + last->size;
}
