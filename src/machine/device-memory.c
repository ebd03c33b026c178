/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory of devices. A guest can let go of it while requests of other devices still have buffers in
 * it; those hold host addresses. So the addresses are not given back: anonymous memory that nobody
 * reads is put there, and the next device memory of that size is mapped over it.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "loop/loop.h"
#include "machine/backing.h"
#include "machine/device-memory.h"
#include "machine/internal.h"
#include "machine/memory-map.h"

#define PAGE      4096ULL
#define HUGE_PAGE (2 * MiB)

struct device_memory {
	struct list link; /* machine.retired_memory, while it is there */
	struct machine *machine;
	struct device_memory_params params;
	bool plugged;
	struct backing *backing;
	uint8_t *host;
	void *reserved; /* @host lies in it, so that both have the same place in a huge page */
	size_t reserved_size;
};

static struct device_memory *take_retired(struct machine *machine, uint64_t size)
{
	struct device_memory *memory;

	list_for_each (memory, &machine->retired_memory, link) {
		if (memory->params.size != size)
			continue;
		list_del(&memory->link);
		return memory;
	}
	return NULL;
}

static struct device_memory *reserve(struct machine *machine, uint64_t size)
{
	struct device_memory *memory = calloc(1, sizeof(*memory));

	if (!memory)
		return NULL;
	memory->machine = machine;
	memory->params.size = size;
	memory->reserved_size = size + HUGE_PAGE;
	memory->reserved = mmap(NULL, memory->reserved_size, PROT_NONE,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory->reserved == MAP_FAILED) {
		free(memory);
		return NULL;
	}
	memory->host = (uint8_t *)ALIGN_UP((uintptr_t)memory->reserved, HUGE_PAGE);
	return memory;
}

/* What stale buffers point to. Where the host does not give that away for nothing, they fault. */
static void retire(struct device_memory *memory)
{
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED;
	const uint64_t size = memory->params.size;

	if (mmap(memory->host, size, PROT_READ | PROT_WRITE, flags, -1, 0) == MAP_FAILED)
		(void)!mmap(memory->host, size, PROT_NONE, flags, -1, 0);
	list_add_tail(&memory->machine->retired_memory, &memory->link);
}

void machine_say_losses(struct machine *machine)
{
	uint64_t count;

	if (machine->loss && read(machine->loss_fd, &count, sizeof(count)) > 0 &&
	    machine->handlers->lost)
		machine->handlers->lost(machine->opaque);
}

static void on_loss(int fd, unsigned events, void *opaque)
{
	machine_say_losses(opaque);
}

/* Signal handlers write to it: most machines have nothing that can be lost, and none. */
static int listen_to_losses(struct machine *machine)
{
	int r;

	if (machine->loss)
		return 0;
	machine->loss_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (machine->loss_fd < 0)
		return -errno;
	r = loop_add_fd(machine->loop, machine->loss_fd, LOOP_READ, on_loss, machine,
			&machine->loss);
	if (r < 0)
		machine->loss_fd = fd_close(machine->loss_fd);
	return r;
}

static int map_file(struct device_memory *memory)
{
	const struct device_memory_params *p = &memory->params;
	const int protection = PROT_READ | (p->read_only ? 0 : PROT_WRITE);
	int r = listen_to_losses(memory->machine);

	if (r < 0)
		return r;
	if (mmap(memory->host, p->size, protection, MAP_SHARED | MAP_FIXED, p->fd, 0) == MAP_FAILED)
		return -errno;
	return backing_add(memory->host, p->size, p->gpa, p->fd, p->read_only,
			   memory->machine->loss_fd, &memory->backing);
}

int device_memory_create(struct machine *machine, const struct device_memory_params *params,
			 struct device_memory **ret)
{
	const uint64_t end = 1ULL << machine_phys_bits(machine);
	struct device_memory *memory;
	int r;

	invariant(params->size && IS_ALIGNED(params->size, PAGE) && IS_ALIGNED(params->gpa, PAGE));
	if (params->gpa >= end || params->size > end - params->gpa)
		return -ERANGE;
	memory = take_retired(machine, params->size);
	if (!memory)
		memory = reserve(machine, params->size);
	if (!memory)
		return -ENOMEM;
	memory->params = *params;
	r = map_file(memory);
	if (r < 0) {
		retire(memory);
		return r;
	}
	*ret = memory;
	return 0;
}

int device_memory_plug(struct device_memory *memory)
{
	const struct device_memory_params *p = &memory->params;
	struct machine *machine = memory->machine;
	uint32_t flags = p->read_only ? KVM_MEM_READONLY : 0;
	int r = kvm_set_memory(&machine->kvm, p->slot, flags, p->gpa, p->size, memory->host);

	if (r < 0)
		return r;
	r = guest_memory_add_device(machine->memory, p->gpa, p->size, memory->host, p->read_only);
	if (r < 0)
		(void)!kvm_set_memory(&machine->kvm, p->slot, 0, p->gpa, 0, NULL);
	memory->plugged = r >= 0;
	return r;
}

struct device_memory *device_memory_destroy(struct device_memory *memory)
{
	if (!memory)
		return NULL;
	if (memory->plugged) {
		/* Short of memory the map keeps it: then it is what stale buffers are. */
		(void)!guest_memory_remove(memory->machine->memory, memory->params.gpa);
		(void)!kvm_set_memory(&memory->machine->kvm, memory->params.slot, 0,
				      memory->params.gpa, 0, NULL);
		machine_settle_memory(memory->machine);
		memory->plugged = false;
	}
	retire(memory);
	memory->backing = backing_remove(memory->backing);
	return NULL;
}

bool device_memory_lost(const struct device_memory *memory, struct device_memory_loss *ret)
{
	/* Nobody may have touched what is gone. */
	(void)backing_mend_all();
	ret->size = backing_size(memory->backing);
	ret->holes = backing_has_holes(memory->backing);
	return ret->size < memory->params.size || ret->holes;
}

void machine_free_device_memory(struct machine *machine)
{
	struct device_memory *memory, *next;

	machine->loss = loop_source_remove(machine->loss);
	machine->loss_fd = fd_close(machine->loss_fd);

	list_for_each_safe (memory, next, &machine->retired_memory, link) {
		list_del(&memory->link);
		munmap(memory->reserved, memory->reserved_size);
		free(memory);
	}
}
