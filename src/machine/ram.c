/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RAM: taken from the host, mapped into the guest.
 *
 * Private RAM is anonymous memory, shared RAM a memfd (a private mapping of one would hold pages
 * twice). RAM of power-on is one mapping behind two memory slots, below and above the 32-bit hole.
 *
 * When memory goes, its pages go, but its addresses in weft stay taken until other memory of that
 * size needs some: a device may be in the middle of a request of a guest that gave away memory
 * which it had told the device to use. That request must not meet what else the host maps there.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/units.h"
#include "loop/loop.h"
#include "machine/internal.h"
#include "machine/layout.h"
#include "machine/memory-map.h"

#define PAGE      4096ULL
#define HUGE_PAGE (2 * MiB)

/*
 * Below it a guest has little, and that here and there: tables, real-mode code, what its kernel
 * keeps for old DMA. To clear a huge page for each takes longer than to make the virtual machine.
 */
#define SCATTERED_END (16 * MiB)

/* MAP_HUGE_2MB and MFD_HUGE_2MB are the same: log2 of the size at bit 26. */
#define HUGE_SHIFT 26

static unsigned huge_flags(uint64_t hugepage_size)
{
	return (unsigned)__builtin_ctzll(hugepage_size) << HUGE_SHIFT;
}

static int explain_map(const struct machine_ram *ram, int error, struct diag_list *diags)
{
	char size[UNITS_TEXT_MAX], page[UNITS_TEXT_MAX];
	struct diag *d;

	size_format(ram->size, size);
	if (!ram->hugepage_size) {
		d = diag_add(diags, "E0410", DIAG_ERROR, ram->span,
			     "the host has no %s of memory for the guest: %s", size,
			     strerror(error));
		diag_hint(diags, d,
			  "give the guest less memory, or look at `free`, `ulimit -v` and "
			  "the limits of the control group");
		return -error;
	}
	size_format(ram->hugepage_size, page);
	d = diag_add(diags, "E0411", DIAG_ERROR, ram->span,
		     "the host has not enough free huge pages of %s for %s of memory: %s", page,
		     size, strerror(error));
	diag_hint(diags, d,
		  "reserve %llu of them: echo %llu > "
		  "/sys/kernel/mm/hugepages/hugepages-%llukB/nr_hugepages",
		  (unsigned long long)(ram->size / ram->hugepage_size),
		  (unsigned long long)(ram->size / ram->hugepage_size),
		  (unsigned long long)(ram->hugepage_size / KiB));
	return -error;
}

/* Transparent huge pages need host and guest addresses that are alike in their low bits. */
static size_t mapping_size(const struct machine_ram *ram)
{
	bool aligned = !ram->shared && !ram->hugepage_size && ram->size >= HUGE_PAGE;

	return ram->size + (aligned ? HUGE_PAGE : 0);
}

/* At the addresses that @r has, if it has some. */
static int map(struct ram *r, size_t size, int flags, int fd)
{
	void *old = r->mapping != MAP_FAILED ? r->mapping : NULL;
	void *p = mmap(old, size, PROT_READ | PROT_WRITE, flags | (old ? MAP_FIXED : 0), fd, 0);

	if (p == MAP_FAILED)
		return -errno;
	r->mapping = p;
	r->mapping_size = size;
	return 0;
}

static int map_shared(struct ram *r, const struct machine_ram *ram)
{
	unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	int error;

	if (ram->hugepage_size)
		flags |= MFD_HUGETLB | huge_flags(ram->hugepage_size);
	r->fd = memfd_create("weft-ram", flags);
	if (r->fd < 0)
		return -errno;
	if (ftruncate(r->fd, (off_t)ram->size) < 0)
		return -errno;
	/* Whoever is given it to map cannot take pages away that are in use. */
	(void)!fcntl(r->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
	error = map(r, mapping_size(ram), MAP_SHARED | (ram->hugepage_size ? 0 : MAP_NORESERVE),
		    r->fd);
	r->host = r->mapping;
	return error;
}

static int map_private(struct ram *r, const struct machine_ram *ram)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS, error;

	if (ram->hugepage_size)
		flags |= MAP_HUGETLB | (int)huge_flags(ram->hugepage_size);
	else
		flags |= MAP_NORESERVE;
	error = map(r, mapping_size(ram), flags, -1);
	if (error < 0)
		return error;
	r->host = r->mapping;
	if (r->mapping_size > ram->size)
		r->host = (uint8_t *)ALIGN_UP((uintptr_t)r->mapping, HUGE_PAGE);
	return 0;
}

/* Advice that the host does not know costs speed, not correctness. */
static int advise(const struct ram *r, const struct machine_ram *ram, struct diag_list *diags)
{
	uint64_t scattered = r->gpa < SCATTERED_END ? MIN(r->size, SCATTERED_END - r->gpa) : 0;
	int error;

	if (!ram->hugepage_size && ram->thp)
		madvise(r->host + scattered, r->size - scattered, MADV_HUGEPAGE);
	if (ram->mergeable)
		madvise(r->host, r->size, MADV_MERGEABLE);
	if (!ram->prefault || madvise(r->host, r->size, MADV_POPULATE_WRITE) == 0)
		return 0;
	error = errno;
	if (error == EINVAL) {
		diag_add(
			diags, "E0412", DIAG_ERROR, ram->span,
			"this host cannot take memory in advance (prefault): Linux 5.14 is needed");
		return -ENOTSUP;
	}
	return explain_map(ram, error == EFAULT ? ENOMEM : error, diags);
}

/*
 * Taking more pages in advance than the host has ends with the kernel's out-of-memory killer, which
 * may choose another program.
 */
static int check_prefault(const struct machine_ram *ram, struct diag_list *diags)
{
	struct sysinfo info;

	if (!ram->prefault || ram->hugepage_size || sysinfo(&info) < 0 ||
	    ram->size < (uint64_t)info.totalram * info.mem_unit)
		return 0;
	return explain_map(ram, ENOMEM, diags);
}

static void ram_free(struct ram *r)
{
	if (r->mapping != MAP_FAILED)
		munmap(r->mapping, r->mapping_size);
	fd_close(r->fd);
	free(r);
}

/* Gives its pages back and keeps its addresses. */
static void ram_retire(struct machine *machine, struct ram *r)
{
	if (map(r, r->mapping_size, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1) < 0)
		log_warn("memory that the guest gave back stays with it: %s", strerror(errno));
	r->fd = fd_close(r->fd);
	list_add_tail(&machine->retired_ram, &r->link);
}

/* With addresses of RAM that went, or with none yet. NULL when memory is short. */
static struct ram *ram_new(struct machine *machine, const struct machine_ram *ram)
{
	struct ram *r;

	list_for_each (r, &machine->retired_ram, link) {
		if (r->mapping_size != mapping_size(ram))
			continue;
		list_del(&r->link);
		return r;
	}
	r = calloc(1, sizeof(*r));
	if (r) {
		r->mapping = MAP_FAILED;
		r->fd = -1;
	}
	return r;
}

static void ram_drop(struct machine *machine, struct ram *r)
{
	if (r->mapping != MAP_FAILED)
		ram_retire(machine, r);
	else
		ram_free(r);
}

static int ram_create(struct machine *machine, uint64_t gpa, const struct machine_ram *ram,
		      struct ram **ret, struct diag_list *diags)
{
	struct ram *r;
	int error;

	if (ram->size == 0 || !IS_ALIGNED(ram->size, MAX(ram->hugepage_size, PAGE))) {
		diag_add(diags, "E0413", DIAG_ERROR, ram->span,
			 "the size of memory is no multiple of its pages");
		return -EINVAL;
	}
	error = check_prefault(ram, diags);
	if (error < 0)
		return error;
	r = ram_new(machine, ram);
	if (!r)
		return -ENOMEM;
	r->gpa = gpa;
	r->size = ram->size;
	error = ram->shared ? map_shared(r, ram) : map_private(r, ram);
	error = error < 0 ? explain_map(ram, -error, diags) : advise(r, ram, diags);
	if (error < 0) {
		ram_drop(machine, r);
		return error;
	}
	*ret = r;
	return 0;
}

/* One region of guest memory and its slot in KVM; the guest is told of it later. */
static int region_add(struct machine *machine, uint32_t slot, uint64_t gpa, uint64_t size,
		      uint8_t *host, const struct machine_ram *ram, struct diag_list *diags)
{
	int r = kvm_set_memory(&machine->kvm, slot, 0, gpa, size, host);

	if (r >= 0) {
		r = guest_memory_add(machine->memory, gpa, size, host);
		if (r < 0)
			(void)!kvm_set_memory(&machine->kvm, slot, 0, gpa, 0, NULL);
	}
	if (r < 0)
		diag_add(diags, "E0414", DIAG_ERROR, ram->span,
			 "memory cannot be at guest address 0x%llx: %s", (unsigned long long)gpa,
			 strerror(-r));
	return r;
}

static int region_remove(struct machine *machine, uint32_t slot, uint64_t gpa)
{
	int r = guest_memory_remove(machine->memory, gpa);

	if (r >= 0)
		(void)!kvm_set_memory(&machine->kvm, slot, 0, gpa, 0, NULL);
	return r;
}

/* What of @r lies below the hole: all, or the part before the split. */
static uint64_t low_size(const struct ram *r)
{
	return r->gpa < LAYOUT_RAM_SPLIT ? MIN(r->size, LAYOUT_RAM_SPLIT - r->gpa) : r->size;
}

static int ram_plug(struct machine *machine, struct ram *r, const struct machine_ram *ram,
		    struct diag_list *diags)
{
	uint64_t low = low_size(r);
	int error;

	error = region_add(machine, r->slot, r->gpa, low, r->host, ram, diags);
	if (error < 0)
		return error;
	if (r->size > low)
		error = region_add(machine, r->slot + 1, LAYOUT_RAM_HIGH, r->size - low,
				   r->host + low, ram, diags);
	if (error < 0) {
		(void)!region_remove(machine, r->slot, r->gpa);
		return error;
	}
	list_add_tail(&machine->ram, &r->link);
	return 0;
}

static int add_ram(struct machine *machine, uint64_t gpa, uint32_t slot,
		   const struct machine_ram *ram, struct diag_list *diags)
{
	struct ram *r;
	int error = ram_create(machine, gpa, ram, &r, diags);

	if (error < 0)
		return error;
	r->slot = slot;
	error = ram_plug(machine, r, ram, diags);
	if (error < 0)
		ram_drop(machine, r);
	return error;
}

int machine_add_memory(struct machine *machine, const struct machine_ram *ram,
		       struct diag_list *diags)
{
	return add_ram(machine, 0, 0, ram, diags);
}

int machine_plug_memory(struct machine *machine, uint64_t gpa, uint32_t slot,
			const struct machine_ram *ram, struct diag_list *diags)
{
	/* One slot is one range. */
	invariant(slot >= MACHINE_RAM_SLOTS && gpa >= LAYOUT_RAM_HIGH);
	return add_ram(machine, gpa, slot, ram, diags);
}

static void nothing(void *opaque)
{
}

/* vCPUs look at a map in callbacks, I/O threads in the functions that their loops call. */
void machine_settle_memory(struct machine *machine)
{
	address_space_quiesce(machine->mmio);
	if (machine->io_thread)
		loop_call(io_thread_loop(machine->io_thread), nothing, NULL);
	guest_memory_reclaim(machine->memory);
}

int machine_unplug_memory(struct machine *machine, uint64_t gpa)
{
	struct ram *r;
	int error;

	list_for_each (r, &machine->ram, link) {
		if (r->gpa != gpa)
			continue;
		/* What was plugged is one region (machine_plug_memory()). */
		error = region_remove(machine, r->slot, r->gpa);
		if (error < 0)
			return error;
		machine_settle_memory(machine);
		list_del(&r->link);
		ram_retire(machine, r);
		return 0;
	}
	return -ENOENT;
}

void machine_free_memory(struct machine *machine)
{
	struct ram *r, *next;

	/* The virtual machine is gone, and its slots with it. */
	list_for_each_safe (r, next, &machine->ram, link) {
		list_del(&r->link);
		ram_free(r);
	}
	list_for_each_safe (r, next, &machine->retired_ram, link) {
		list_del(&r->link);
		ram_free(r);
	}
}
