/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine object: making and unmaking it, and what devices ask of it.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "loop/loop.h"
#include "machine/internal.h"
#include "machine/layout.h"
#include "machine/memory-map.h"
#include "machine/memory.h"

static const struct span nowhere;

static void deliver(void *opaque, unsigned pin, uint64_t address, uint32_t data)
{
	struct machine *machine = opaque;

	/* A message that no local APIC takes is the guest's business. */
	(void)kvm_signal_msi(&machine->kvm, address, data);
}

static void route(void *opaque, unsigned pin, uint64_t address, uint32_t data)
{
	struct machine *machine = opaque;
	int r = kvm_route_set(&machine->kvm, pin, address, data);

	if (r < 0 && !__atomic_exchange_n(&machine->routes_failed, true, __ATOMIC_RELAXED))
		log_error(
			"pin %u of the IOAPIC cannot be routed: %s; the guest will miss interrupts",
			pin, strerror(-r));
}

static const struct ioapic_ops ioapic_ops = {.deliver = deliver, .route = route};

/* One at a time: what the handler does with one may make another be forgotten. */
static struct device *take_unplugged(struct machine *machine)
{
	struct device *device = NULL;

	pthread_mutex_lock(&machine->lock);
	if (machine->n_unplugged)
		device = machine->unplugged[--machine->n_unplugged];
	pthread_mutex_unlock(&machine->lock);
	return device;
}

/* Main thread, when the bell rang. The machine may be gone when a handler returns. */
static void on_bell(void *opaque)
{
	struct machine *machine = opaque;
	const struct machine_handlers *handlers = machine->handlers;
	struct device *device;
	int event;

	/* It may be what the event comes from. */
	machine_say_losses(machine);
	while ((device = take_unplugged(machine)))
		if (handlers->unplugged)
			handlers->unplugged(machine->opaque, device);
	event = __atomic_exchange_n(&machine->event, MACHINE_NO_EVENT, __ATOMIC_SEQ_CST);
	if (event != MACHINE_NO_EVENT)
		handlers->event(machine->opaque, (enum machine_event)event);
}

/*
 * Where KVM emulates an instruction of the guest, and cannot have the page of memory that it uses,
 * it takes the access for one to a device. The page can be had here (backing.c).
 */
static uint64_t read_memory(void *opaque, uint64_t address, unsigned size)
{
	const struct machine *machine = opaque;
	uint64_t value;

	return guest_memory_read(machine->memory, address, &value, size) < 0 ? UINT64_MAX : value;
}

static void write_memory(void *opaque, uint64_t address, unsigned size, uint64_t value)
{
	struct machine *machine = opaque;

	(void)!guest_memory_write(machine->memory, address, &value, size);
}

static const struct io_ops memory_ops = {.read = read_memory, .write = write_memory};

static int set_up(struct machine *machine, struct diag_list *diags)
{
	const struct kvm_params params = {
		.irqchip_pins = IOAPIC_PINS,
		.identity_map = LAYOUT_KVM_IDENTITY_MAP,
		.tss = LAYOUT_KVM_TSS,
	};
	struct io_region ioapic_region = {
		.name = "ioapic",
		.base = LAYOUT_IOAPIC,
		.size = LAYOUT_IOAPIC_SIZE,
		.ops = &ioapic_io_ops,
	};
	int r;

	r = kvm_init(&machine->kvm, &params, diags);
	if (r < 0) {
		machine->kvm.fd = -1;
		return r;
	}
	machine->memory = guest_memory_create();
	machine->pio = address_space_create(&machine->domain);
	machine->mmio = address_space_create(&machine->domain);
	machine->ioapic = ioapic_create(&ioapic_ops, machine);
	ioapic_region.opaque = machine->ioapic;
	r = -ENOMEM;
	if (machine->mmio)
		address_space_set_background(machine->mmio, &memory_ops, machine);
	if (machine->memory && machine->pio && machine->mmio && machine->ioapic)
		r = address_space_add(machine->mmio, &ioapic_region);
	if (r >= 0)
		r = vcpu_install_signal();
	if (r >= 0)
		r = loop_add_bell(machine->loop, on_bell, machine, &machine->bell);
	if (r < 0)
		diag_add(diags, "E0442", DIAG_ERROR, nowhere, "the machine cannot be set up: %s",
			 strerror(-r));
	return r;
}

int machine_create(struct loop *loop, struct console_hub *consoles,
		   const struct machine_handlers *handlers, void *opaque, struct machine **ret,
		   struct diag_list *diags)
{
	struct machine *machine = calloc(1, sizeof(*machine));
	int r;

	if (!machine)
		return -ENOMEM;
	machine->loop = loop;
	machine->consoles = consoles;
	machine->handlers = handlers;
	machine->opaque = opaque;
	machine->event = MACHINE_NO_EVENT;
	machine->loss_fd = -1;
	list_init(&machine->ram);
	list_init(&machine->retired_ram);
	list_init(&machine->retired_memory);
	io_domain_init(&machine->domain);
	pthread_mutex_init(&machine->run_lock, NULL);
	pthread_mutex_init(&machine->lock, NULL);
	pthread_cond_init(&machine->unpark, NULL);
	pthread_cond_init(&machine->parked, NULL);
	r = set_up(machine, diags);
	if (r < 0) {
		machine_destroy(machine);
		return r;
	}
	*ret = machine;
	return 0;
}

struct machine *machine_destroy(struct machine *machine)
{
	if (!machine)
		return NULL;
	machine_stop(machine);
	io_thread_destroy(machine->io_thread);
	loop_source_remove(machine->bell);
	machine_free_vcpus(machine);
	if (machine->kvm.fd >= 0)
		kvm_fini(&machine->kvm);
	guest_memory_destroy(machine->memory);
	machine_free_memory(machine);
	machine_free_device_memory(machine);
	ioapic_destroy(machine->ioapic);
	if (machine->pio && machine->mmio)
		log_debug("no device answered %" PRIu64 " accesses to ports and %" PRIu64
			  " to memory",
			  address_space_unclaimed(machine->pio),
			  address_space_unclaimed(machine->mmio));
	address_space_destroy(machine->pio);
	address_space_destroy(machine->mmio);
	io_domain_fini(&machine->domain);
	pthread_cond_destroy(&machine->parked);
	pthread_cond_destroy(&machine->unpark);
	pthread_mutex_destroy(&machine->lock);
	pthread_mutex_destroy(&machine->run_lock);
	free(machine);
	return NULL;
}

void machine_request(struct machine *machine, enum machine_event event)
{
	struct vcpu *vcpu = vcpu_current();
	int none = MACHINE_NO_EVENT;

	if (vcpu)
		vcpu_hold(vcpu);
	if (__atomic_compare_exchange_n(&machine->event, &none, (int)event, false, __ATOMIC_SEQ_CST,
					__ATOMIC_SEQ_CST))
		loop_wake(machine->bell);
}

void machine_device_unplugged(struct machine *machine, struct device *device)
{
	bool known = false;

	pthread_mutex_lock(&machine->lock);
	for (unsigned i = 0; i < machine->n_unplugged; i++)
		known = known || machine->unplugged[i] == device;
	if (!known && machine->n_unplugged < MACHINE_UNPLUGGED_MAX)
		machine->unplugged[machine->n_unplugged++] = device;
	pthread_mutex_unlock(&machine->lock);
	loop_wake(machine->bell);
}

void machine_device_forget(struct machine *machine, const struct device *device)
{
	pthread_mutex_lock(&machine->lock);
	for (unsigned i = 0; i < machine->n_unplugged; i++)
		if (machine->unplugged[i] == device)
			machine->unplugged[i] = machine->unplugged[--machine->n_unplugged];
	pthread_mutex_unlock(&machine->lock);
}

struct io_thread *machine_io_thread(struct machine *machine)
{
	struct io_thread *thread;

	pthread_mutex_lock(&machine->lock);
	if (!machine->io_thread)
		machine->io_thread = io_thread_create("io");
	thread = machine->io_thread;
	pthread_mutex_unlock(&machine->lock);
	return thread;
}

int machine_ioeventfd_add(struct machine *machine, uint64_t gpa, unsigned size, int fd)
{
	return kvm_ioeventfd(&machine->kvm, gpa, size, fd, true);
}

int machine_ioeventfd_remove(struct machine *machine, uint64_t gpa, unsigned size, int fd)
{
	return kvm_ioeventfd(&machine->kvm, gpa, size, fd, false);
}

struct guest_memory *machine_memory(struct machine *machine)
{
	return machine->memory;
}

struct address_space *machine_pio(struct machine *machine)
{
	return machine->pio;
}

struct address_space *machine_mmio(struct machine *machine)
{
	return machine->mmio;
}

struct pci_bus *machine_pci(struct machine *machine)
{
	return machine->pci;
}

void machine_set_nvdimms(struct machine *machine, struct nvdimm_bus *bus)
{
	machine->nvdimms = bus;
}

struct nvdimm_bus *machine_nvdimms(struct machine *machine)
{
	return machine->nvdimms;
}

void machine_set_pci(struct machine *machine, struct pci_bus *bus)
{
	machine->pci = bus;
}

struct console_hub *machine_consoles(struct machine *machine)
{
	return machine->consoles;
}

struct loop *machine_loop(struct machine *machine)
{
	return machine->loop;
}

unsigned machine_phys_bits(const struct machine *machine)
{
	return machine->phys_bits;
}
