/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that only the start needed.
 */
#include <link.h>
#include <malloc.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/compiler.h"
#include "base/trim.h"

/*
 * Code and constants, the program's and the C library's, are mapped from files and never written,
 * but by a debugger: breakpoints that were set before the guest started have to be set again.
 */
static int drop_code(struct dl_phdr_info *info, size_t size, void *opaque)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	for (unsigned i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
		uintptr_t start, end;

		if (segment->p_type != PT_LOAD || (segment->p_flags & PF_W))
			continue;
		start = ALIGN_UP(info->dlpi_addr + segment->p_vaddr, page);
		end = ALIGN_DOWN(info->dlpi_addr + segment->p_vaddr + segment->p_memsz, page);
		if (start < end)
			madvise((void *)start, end - start, MADV_DONTNEED);
	}
	return 0;
}

void memory_trim(void)
{
	malloc_trim(0);
	dl_iterate_phdr(drop_code, NULL);
}
