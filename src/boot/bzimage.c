/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The setup header of a bzImage, and its payload.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>

#include <asm/bootparam.h>

#include "boot/bzimage.h"
#include "boot/unpack.h"
#include "machine/layout.h"
#include "machine/memory.h"

#define HEADER_MAGIC     0x53726448u /* "HdrS" */
#define BOOT_FLAG        0xaa55
#define PROTOCOL_MIN     0x0206 /* cmdline_size; older ones are from before 2007 */
#define PROTOCOL_PAYLOAD 0x0208
#define PROTOCOL_PREF    0x020a
#define PROTOCOL_XLOAD   0x020c
#define SECTOR           512u

bool bzimage_recognise(const uint8_t *head, size_t len)
{
	uint32_t magic;

	if (len < BZIMAGE_HEADER_OFFSET + sizeof(struct setup_header))
		return false;
	memcpy(&magic, head + BZIMAGE_HEADER_OFFSET + offsetof(struct setup_header, header),
	       sizeof(magic));
	return magic == HEADER_MAGIC;
}

/* The header ends where the jump over it lands; it has grown since and will again. */
static size_t header_size(const struct setup_header *h)
{
	/* The jump is 2 bytes at 0x200: 0xeb and the distance from 0x202. */
	size_t end = 0x202 + (size_t)(h->jump >> 8);

	return MIN(end - BZIMAGE_HEADER_OFFSET, (size_t)BZIMAGE_HEADER_MAX);
}

static void find_payload(struct bzimage *bz, const struct setup_header *h)
{
	if (h->version < PROTOCOL_PAYLOAD || h->payload_length < 8 ||
	    h->payload_offset > bz->code_size ||
	    h->payload_length > bz->code_size - h->payload_offset)
		return;
	bz->payload_offset = bz->code_offset + h->payload_offset;
	bz->payload_size = h->payload_length;
}

int bzimage_parse(const struct boot_image *image, const uint8_t *head, size_t head_len,
		  struct bzimage *ret, struct boot_problem *problem)
{
	struct setup_header h;
	struct bzimage bz = {.has_entry64 = false};
	size_t size;

	memcpy(&h, head + BZIMAGE_HEADER_OFFSET, sizeof(h));
	if (h.boot_flag != BOOT_FLAG || h.version < PROTOCOL_MIN)
		return boot_problem_set(
			problem, -ENOEXEC,
			"is a Linux kernel with boot protocol %u.%02u; weft needs 2.06",
			h.version >> 8, h.version & 0xff);
	if (!(h.loadflags & LOADED_HIGH))
		return boot_problem_set(problem, -ENOEXEC, "is a zImage; weft boots a bzImage");
	bz.code_offset = ((h.setup_sects ? h.setup_sects : 4u) + 1u) * SECTOR;
	if (bz.code_offset >= image->size)
		return boot_problem_set(problem, -ENOEXEC, "is cut off: it ends within its setup");
	/* What follows is a signature, if anything. */
	bz.code_size = MIN(image->size - bz.code_offset, (uint64_t)h.syssize * 16);
	if ((uint64_t)h.syssize * 16 >= bz.code_size + 16)
		return boot_problem_set(problem, -ENOEXEC,
					"is cut off: its header says %" PRIu64
					" bytes, the file has %" PRIu64,
					bz.code_offset + (uint64_t)h.syssize * 16, image->size);
	find_payload(&bz, &h);

	bz.load_address = LAYOUT_HIGH_RAM;
	bz.init_size = bz.code_size;
	if (h.version >= PROTOCOL_PREF) {
		bz.init_size = MAX((uint64_t)h.init_size, bz.code_size);
		if (h.relocatable_kernel && h.pref_address >= LAYOUT_HIGH_RAM)
			bz.load_address = h.pref_address;
	}
	bz.has_entry64 = h.version >= PROTOCOL_XLOAD && (h.xloadflags & XLF_KERNEL_64);
	bz.initrd_max = h.initrd_addr_max;
	bz.cmdline_max = h.cmdline_size;
	size = MIN(header_size(&h), head_len - BZIMAGE_HEADER_OFFSET);
	memcpy(bz.header, head + BZIMAGE_HEADER_OFFSET, size);
	*ret = bz;
	return 0;
}

/* Anonymous memory that is only touched as far as it is used. NULL when there is none. */
static uint8_t *scratch_map(uint64_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	/* Tens of MiB: with huge pages it is faulted in some ten times, not some ten thousand. */
	madvise(p, size, MADV_HUGEPAGE);
	return p;
}

static int unpack_payload(const uint8_t *packed, uint64_t packed_size, uint64_t limit,
			  struct boot_image *ret, struct boot_problem *problem)
{
	enum unpack_format format = unpack_recognise(packed, packed_size);
	uint32_t said;
	size_t made;
	uint8_t *out;
	int r;

	if (format == UNPACK_UNKNOWN)
		return -EOPNOTSUPP;
	/* Its last four bytes are the size of what is packed, in gzip by itself, else by Linux's
	 * build. */
	memcpy(&said, packed + packed_size - 4, sizeof(said));
	if (format == UNPACK_NONE)
		said = (uint32_t)packed_size;
	else if (format != UNPACK_GZIP)
		packed_size -= 4;
	if (said == 0 || said > limit)
		return boot_problem_set(problem, -ENOEXEC,
					"unpacks to %u bytes; the guest has RAM for %" PRIu64, said,
					limit);
	out = scratch_map(said);
	if (!out)
		return boot_problem_set(problem, -ENOMEM, "cannot be unpacked: out of memory");
	r = unpack(format, packed, packed_size, out, said, &made);
	if (r < 0) {
		munmap(out, said);
		return boot_problem_set(problem, r == -ENOMEM ? r : -ENOEXEC,
					r == -ENOMEM ? "cannot be unpacked: out of memory"
						     : "has a damaged payload");
	}
	*ret = (struct boot_image){.fd = -1, .bytes = out, .size = said};
	/* A stream shorter than it said leaves zeros: they are checked as any other byte. */
	return 0;
}

int bzimage_unpack(const struct bzimage *bz, const struct boot_image *image, uint64_t limit,
		   struct boot_image *ret, struct boot_problem *problem)
{
	uint8_t *packed;
	int r;

	if (bz->payload_size == 0)
		return -EOPNOTSUPP;
	if (bz->payload_size > limit)
		return boot_problem_set(problem, -ENOEXEC,
					"has a payload of %" PRIu64
					" bytes; the guest has RAM for %" PRIu64,
					bz->payload_size, limit);
	packed = scratch_map(bz->payload_size);
	if (!packed)
		return boot_problem_set(problem, -ENOMEM, "cannot be unpacked: out of memory");
	r = boot_image_read(image, bz->payload_offset, packed, bz->payload_size);
	if (r < 0)
		boot_problem_read(problem, r, "its payload");
	else
		r = unpack_payload(packed, bz->payload_size, limit, ret, problem);
	munmap(packed, bz->payload_size);
	return r;
}

void bzimage_unpack_free(struct boot_image *image)
{
	if (image->bytes)
		munmap((void *)(uintptr_t)image->bytes, image->size);
	image->bytes = NULL;
}

int bzimage_load(const struct bzimage *bz, const struct boot_image *image,
		 const struct guest_memory *memory, struct boot_problem *problem)
{
	uint8_t *host;
	int r;

	if (!bz->has_entry64)
		return boot_problem_set(
			problem, -ENOEXEC,
			"has no 64-bit entry, and a payload that weft cannot unpack");
	host = guest_memory_host(memory, bz->load_address, bz->init_size);
	if (!host)
		return boot_problem_set(problem, -ENOSPC,
					"needs %" PRIu64 " MiB of RAM at 0x%" PRIx64
					", which this machine does not have",
					(uint64_t)(bz->init_size / MiB), bz->load_address);
	r = boot_image_read(image, bz->code_offset, host, bz->code_size);
	return r < 0 ? boot_problem_read(problem, r, "its code") : 0;
}
