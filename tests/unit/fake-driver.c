/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The driver of the fake machine.
 */
#include <linux/pci_regs.h>
#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>
#include <linux/virtio_ring.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>

#include "base/arena.h"
#include "machine/layout.h"
#include "pci/bus.h"
#include "tests/unit/fake-driver.h"
#include "tests/unit/fake-machine.h"

#define MAX_QUEUES 8
#define DEVICE     0x4000
#define NOTIFY     0x6000
#define MSIX_TABLE 0x8000
#define RINGS(q)   (((q) + 1) * 0x10000ULL)
#define AVAIL      0x1000
#define USED       0x2000
#define PER_HEAD   8 /* descriptors that a request has to itself */

static uint16_t next_avail[MAX_QUEUES], seen_used[MAX_QUEUES], sizes[MAX_QUEUES];

struct machine *driver_machine(const struct device_type *type, const void *config,
			       struct graph_node *ret_node)
{
	struct machine *machine = fake_machine_init();
	cleanup_arena struct arena *arena = arena_create(); /* of keys that nobody asks for */
	struct device_needs needs = {.irq = -1};

	invariant(pci_bus_create(machine, &fake.pci) == 0);
	*ret_node = (struct graph_node){
		.kind = GRAPH_DEVICE,
		.id = "dut",
		.path = "devices.dut",
		.type = type,
		.config = config,
		.pci_slot = DRIVER_SLOT,
		.irq = -1,
	};
	type->needs(ret_node, &needs, arena);
	ret_node->n_gsis = needs.msi_vectors;
	ret_node->memory =
		(struct graph_bar){needs.memory_size ? DRIVER_MEMORY : 0, needs.memory_size};
	ret_node->bars[0] = (struct graph_bar){DRIVER_BAR, needs.bar_sizes[0]};
	return machine;
}

/* There is no file behind the node. */
struct span graph_node_span(const struct graph_node *node, const char *property unused)
{
	return node->span;
}

void driver_machine_fini(void)
{
	fake.pci = pci_bus_destroy(fake.pci);
	fake_machine_fini();
}

static void wr(uint64_t offset, unsigned size, uint64_t value)
{
	invariant(fake_mmio_write(DRIVER_BAR + offset, size, value));
}

static uint64_t rd(uint64_t offset, unsigned size)
{
	uint64_t value;

	invariant(fake_mmio_read(DRIVER_BAR + offset, size, &value));
	return value;
}

static uint64_t pci_config(unsigned offset)
{
	return LAYOUT_ECAM + (DRIVER_SLOT << 15) + offset;
}

static void enable_function(unsigned n)
{
	uint64_t cap, id;

	fake_mmio_write(pci_config(PCI_COMMAND), 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	for (unsigned i = 0; i <= n; i++) {
		wr(MSIX_TABLE + 16 * i, 8, 0xfee00000);
		wr(MSIX_TABLE + 16 * i + 8, 8, i);
	}
	fake_mmio_read(pci_config(PCI_CAPABILITY_LIST), 1, &cap);
	while (fake_mmio_read(pci_config((unsigned)cap), 1, &id), id != PCI_CAP_ID_MSIX)
		fake_mmio_read(pci_config((unsigned)cap + 1), 1, &cap);
	fake_mmio_write(pci_config((unsigned)cap + PCI_MSIX_FLAGS), 2, PCI_MSIX_FLAGS_ENABLE);
}

static void set_queue(unsigned q)
{
	memset(fake_ram(RINGS(q), 0x3000), 0, 0x3000);
	next_avail[q] = seen_used[q] = 0;
	wr(VIRTIO_PCI_COMMON_Q_SELECT, 2, q);
	sizes[q] = (uint16_t)MIN(rd(VIRTIO_PCI_COMMON_Q_SIZE, 2), 256u);
	wr(VIRTIO_PCI_COMMON_Q_SIZE, 2, sizes[q]);
	wr(VIRTIO_PCI_COMMON_Q_MSIX, 2, q + 1);
	wr(VIRTIO_PCI_COMMON_Q_DESCLO, 8, RINGS(q));
	wr(VIRTIO_PCI_COMMON_Q_AVAILLO, 8, RINGS(q) + AVAIL);
	wr(VIRTIO_PCI_COMMON_Q_USEDLO, 8, RINGS(q) + USED);
	wr(VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
}

void driver_reset(void)
{
	wr(VIRTIO_PCI_COMMON_STATUS, 1, 0);
}

uint8_t driver_status(void)
{
	return (uint8_t)rd(VIRTIO_PCI_COMMON_STATUS, 1);
}

uint64_t driver_offered_features(void)
{
	uint64_t features;

	wr(VIRTIO_PCI_COMMON_DFSELECT, 4, 0);
	features = rd(VIRTIO_PCI_COMMON_DF, 4);
	wr(VIRTIO_PCI_COMMON_DFSELECT, 4, 1);
	return features | rd(VIRTIO_PCI_COMMON_DF, 4) << 32;
}

void driver_bring_up(uint64_t features, unsigned n)
{
	uint8_t status = VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER;

	enable_function(n);
	driver_reset();
	wr(VIRTIO_PCI_COMMON_STATUS, 1, status);
	features |= 1ULL << VIRTIO_F_VERSION_1;
	for (unsigned i = 0; i < 2; i++) {
		wr(VIRTIO_PCI_COMMON_GFSELECT, 4, i);
		wr(VIRTIO_PCI_COMMON_GF, 4, (uint32_t)(features >> 32 * i));
	}
	wr(VIRTIO_PCI_COMMON_STATUS, 1, status |= VIRTIO_CONFIG_S_FEATURES_OK);
	wr(VIRTIO_PCI_COMMON_MSIX, 2, 0);
	for (unsigned i = 0; i < n; i++)
		set_queue(i);
	wr(VIRTIO_PCI_COMMON_STATUS, 1, status | VIRTIO_CONFIG_S_DRIVER_OK);
}

uint64_t driver_config_read(unsigned offset, unsigned size)
{
	return rd(DEVICE + offset, size);
}

void driver_config_write(unsigned offset, unsigned size, uint64_t value)
{
	wr(DEVICE + offset, size, value);
}

void driver_add(unsigned queue, const struct driver_buffer *buffers, unsigned n)
{
	unsigned head = next_avail[queue] * PER_HEAD % sizes[queue];
	struct vring_desc *desc = (struct vring_desc *)fake_ram(RINGS(queue), 4096) + head;
	uint16_t *avail = fake_ram(RINGS(queue) + AVAIL, 4096);

	invariant(n >= 1 && n <= PER_HEAD);
	for (unsigned i = 0; i < n; i++)
		desc[i] = (struct vring_desc){
			.addr = buffers[i].gpa,
			.len = buffers[i].len,
			.flags = (uint16_t)((buffers[i].in ? VRING_DESC_F_WRITE : 0) |
					    (i + 1 < n ? VRING_DESC_F_NEXT : 0)),
			.next = (uint16_t)(head + i + 1),
		};
	avail[2 + next_avail[queue] % sizes[queue]] = (uint16_t)head;
	__atomic_store_n(&avail[1], ++next_avail[queue], __ATOMIC_RELEASE);
	/* What KVM would do for the ioeventfd. */
	for (unsigned i = 0; i < fake.n_ioeventfds; i++) {
		if (fake.ioeventfds[i].gpa == DRIVER_BAR + NOTIFY + 4 * queue)
			eventfd_write(fake.ioeventfds[i].fd, 1);
	}
}

int64_t driver_wait(unsigned queue, unsigned n)
{
	const uint16_t *used = fake_ram(RINGS(queue) + USED, 4096);
	const struct vring_used_elem *ring = (const struct vring_used_elem *)(used + 2);
	uint16_t want = (uint16_t)(seen_used[queue] + n);

	for (unsigned ms = 0; ms < 1000; ms++) {
		uint16_t now = __atomic_load_n(&used[1], __ATOMIC_ACQUIRE);

		if ((int16_t)(now - want) >= 0) {
			seen_used[queue] = want;
			return ring[(uint16_t)(want - 1) % sizes[queue]].len;
		}
		nanosleep(&(struct timespec){0, 1000000}, NULL);
	}
	return -1;
}
