/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fake machine. Its functions stand for those of src/machine: a program's own objects win over
 * the members of the archive.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

#include "loop/loop.h"
#include "machine/address-space.h"
#include "machine/device-memory.h"
#include "machine/memory.h"
#include "tests/unit/fake-machine.h"

#define MAX_REGIONS 64
#define GUARD       4096

struct address_space {
	struct io_region regions[MAX_REGIONS];
	unsigned n;
};

struct fake_machine fake;
static struct address_space mmio, pio;
static char *ram[2];

struct machine *fake_machine_init(void)
{
	memset(&fake, 0, sizeof(fake));
	mmio.n = pio.n = 0;
	for (unsigned i = 0; i < 2; i++) {
		invariant(!ram[i]);
		/* Fresh pages: a fuzzer does this often, and touches few. Guards on both sides. */
		ram[i] = mmap(NULL, FAKE_RAM_SPLIT + 2 * GUARD, PROT_NONE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		invariant(ram[i] != MAP_FAILED);
		ram[i] += GUARD;
		invariant(mprotect(ram[i], FAKE_RAM_SPLIT, PROT_READ | PROT_WRITE) == 0);
	}
	return (struct machine *)&fake;
}

void fake_machine_fini(void)
{
	fake.io_thread = fake.io_thread ? io_thread_destroy(fake.io_thread) : NULL;
	for (unsigned i = 0; i < 2; i++) {
		munmap(ram[i] - GUARD, FAKE_RAM_SPLIT + 2 * GUARD);
		ram[i] = NULL;
	}
}

/* ---- memory ---- */

struct guest_memory *machine_memory(struct machine *machine unused)
{
	return (struct guest_memory *)ram;
}

void *guest_memory_host(const struct guest_memory *mem unused, uint64_t gpa, uint64_t len)
{
	uint64_t i = gpa / FAKE_RAM_SPLIT, offset = gpa % FAKE_RAM_SPLIT;

	if (i > 1 || len == 0 || len > FAKE_RAM_SPLIT - offset)
		return NULL;
	return ram[i] + offset;
}

int guest_memory_iov(const struct guest_memory *mem, uint64_t gpa, uint64_t len, struct iovec *iov,
		     unsigned max)
{
	unsigned n = 0;

	while (len) {
		uint64_t piece = MIN(len, FAKE_RAM_SPLIT - gpa % FAKE_RAM_SPLIT);
		void *p = guest_memory_host(mem, gpa, piece);

		if (!p)
			return -EFAULT;
		if (n == max)
			return -E2BIG;
		iov[n++] = (struct iovec){p, piece};
		gpa += piece;
		len -= piece;
	}
	return (int)n;
}

int guest_memory_iov_source(const struct guest_memory *mem, uint64_t gpa, uint64_t len,
			    struct iovec *iov, unsigned max)
{
	return guest_memory_iov(mem, gpa, len, iov, max);
}

/* Memory of devices is counted, not mapped. */
struct device_memory {
	bool plugged;
};

int device_memory_create(struct machine *machine unused, const struct device_memory_params *params,
			 struct device_memory **ret)
{
	invariant(params->size && params->fd >= 0);
	*ret = calloc(1, sizeof(**ret));
	invariant(*ret);
	fake.memories++;
	return 0;
}

int device_memory_plug(struct device_memory *memory)
{
	memory->plugged = true;
	fake.plugged_memories++;
	return 0;
}

struct device_memory *device_memory_destroy(struct device_memory *memory)
{
	if (!memory)
		return NULL;
	fake.memories--;
	fake.plugged_memories -= memory->plugged;
	free(memory);
	return NULL;
}

bool device_memory_lost(const struct device_memory *memory unused, struct device_memory_loss *ret)
{
	*ret = fake.loss;
	return fake.lost;
}

struct nvdimm_bus *machine_nvdimms(struct machine *machine unused)
{
	return fake.nvdimms;
}

void *fake_ram(uint64_t gpa, uint64_t len)
{
	void *p = guest_memory_host(NULL, gpa, len);

	invariant(p);
	return p;
}

/* ---- address spaces ---- */

struct address_space *machine_mmio(struct machine *machine unused)
{
	return &mmio;
}

struct address_space *machine_pio(struct machine *machine unused)
{
	return &pio;
}

int address_space_add(struct address_space *as, const struct io_region *region)
{
	invariant(region->size && region->base + region->size > region->base);
	for (unsigned i = 0; i < as->n; i++) {
		const struct io_region *r = &as->regions[i];

		if (region->base < r->base + r->size && r->base < region->base + region->size)
			return -EEXIST;
	}
	invariant(as->n < MAX_REGIONS);
	as->regions[as->n++] = *region;
	return 0;
}

int address_space_remove(struct address_space *as, uint64_t base)
{
	for (unsigned i = 0; i < as->n; i++) {
		if (as->regions[i].base == base) {
			as->regions[i] = as->regions[--as->n];
			return 0;
		}
	}
	return -ENOENT;
}

void address_space_quiesce(struct address_space *as unused)
{
}

static const struct io_region *find(struct address_space *as, uint64_t address, unsigned size)
{
	for (unsigned i = 0; i < as->n; i++) {
		const struct io_region *r = &as->regions[i];

		if (address >= r->base && address - r->base + size <= r->size)
			return r;
	}
	return NULL;
}

static uint64_t low_bytes(uint64_t value, unsigned size)
{
	return size == 8 ? value : value & ((1ULL << 8 * size) - 1);
}

bool fake_mmio_read(uint64_t gpa, unsigned size, uint64_t *ret)
{
	const struct io_region *r = find(&mmio, gpa, size);

	*ret = low_bytes(r ? r->ops->read(r->opaque, gpa - r->base, size) : ~0ULL, size);
	return r;
}

bool fake_mmio_write(uint64_t gpa, unsigned size, uint64_t value)
{
	const struct io_region *r = find(&mmio, gpa, size);

	if (r)
		r->ops->write(r->opaque, gpa - r->base, size, low_bytes(value, size));
	return r;
}

uint64_t fake_pio_read(uint16_t port, unsigned size)
{
	const struct io_region *r = find(&pio, port, size);

	return low_bytes(r ? r->ops->read(r->opaque, port - r->base, size) : ~0ULL, size);
}

void fake_pio_write(uint16_t port, unsigned size, uint64_t value)
{
	const struct io_region *r = find(&pio, port, size);

	if (r)
		r->ops->write(r->opaque, port - r->base, size, low_bytes(value, size));
}

/* ---- interrupts ---- */

/* Stands for what irq.c does without a lock. */
static pthread_mutex_t message_lock = PTHREAD_MUTEX_INITIALIZER;

static void deliver(struct irq_message *msg)
{
	invariant(msg->gsi < FAKE_GSIS);
	fake.last_address = msg->address;
	fake.last_data = msg->data;
	__atomic_fetch_add(&fake.sent[msg->gsi], 1, __ATOMIC_RELAXED);
}

void irq_message_init(struct irq_message *msg, struct machine *machine, uint32_t gsi)
{
	*msg = (struct irq_message){.machine = machine, .gsi = gsi, .fd = -1, .masked = true};
}

void irq_message_fini(struct irq_message *msg unused)
{
}

int irq_message_set(struct irq_message *msg, uint64_t address, uint32_t data, bool masked)
{
	pthread_mutex_lock(&message_lock);
	fake.routes++;
	msg->address = address;
	msg->data = data;
	msg->masked = masked;
	if (!masked && msg->pending) {
		__atomic_store_n(&msg->pending, false, __ATOMIC_RELAXED);
		deliver(msg);
	}
	pthread_mutex_unlock(&message_lock);
	return 0;
}

void irq_message_send(struct irq_message *msg)
{
	pthread_mutex_lock(&message_lock);
	if (msg->masked)
		__atomic_store_n(&msg->pending, true, __ATOMIC_RELAXED);
	else
		deliver(msg);
	pthread_mutex_unlock(&message_lock);
}

void irq_set_level(struct machine *machine unused, unsigned pin, bool level)
{
	fake.level_changes += fake.levels[pin] != level;
	fake.levels[pin] = level;
}

/* ---- the rest ---- */

void machine_request(struct machine *machine unused, enum machine_event event)
{
	fake.n_events++;
	fake.event = event;
}

int machine_ioeventfd_add(struct machine *machine unused, uint64_t gpa, unsigned size, int fd)
{
	if (fake.refuse_ioeventfds)
		return -ENOSPC;
	invariant(fake.n_ioeventfds < ARRAY_SIZE(fake.ioeventfds));
	fake.ioeventfds[fake.n_ioeventfds++] = (struct fake_ioeventfd){gpa, size, fd};
	return 0;
}

int machine_ioeventfd_remove(struct machine *machine unused, uint64_t gpa, unsigned size, int fd)
{
	for (unsigned i = 0; i < fake.n_ioeventfds; i++) {
		struct fake_ioeventfd *e = &fake.ioeventfds[i];

		if (e->gpa == gpa && e->size == size && e->fd == fd) {
			*e = fake.ioeventfds[--fake.n_ioeventfds];
			return 0;
		}
	}
	return -ENOENT;
}

struct pci_bus *machine_pci(struct machine *machine unused)
{
	return fake.pci;
}

void machine_device_forget(struct machine *machine unused, const struct device *device)
{
	if (fake.unplugged == device)
		fake.unplugged = NULL;
}

void machine_device_unplugged(struct machine *machine unused, struct device *device)
{
	fake.unplugged = device;
}

struct io_thread *machine_io_thread(struct machine *machine unused)
{
	if (!fake.io_thread)
		fake.io_thread = io_thread_create("test-io");
	invariant(fake.io_thread);
	return fake.io_thread;
}

struct loop *machine_loop(struct machine *machine unused)
{
	return fake.loop;
}

struct console_hub *machine_consoles(struct machine *machine unused)
{
	return fake.consoles;
}
