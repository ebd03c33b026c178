/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Register accesses of all widths into a virtio-pci device: its BAR and its configuration space,
 * from a driver that has brought it up or not. The device takes requests whenever it is kicked.
 */
#include <linux/pci_regs.h>
#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>

#include "graph/graph.h"
#include "machine/layout.h"
#include "pci/bus.h"
#include "tests/unit/fake-machine.h"
#include "virtio/virtio.h"

#define SLOT     1
#define HOME     0x200000000ULL
#define N_QUEUES 2
#define RINGS    0x1000ULL

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool active;
static uint8_t config[16];

static int activate(struct virtio_device *vdev unused)
{
	invariant(!active);
	active = true;
	return 0;
}

static void deactivate(struct virtio_device *vdev unused)
{
	invariant(active);
	active = false;
}

static void config_read(struct virtio_device *vdev unused, unsigned offset, void *buf,
			unsigned size)
{
	invariant(offset + size <= sizeof(config));
	memcpy(buf, config + offset, size);
}

static void config_write(struct virtio_device *vdev unused, unsigned offset, const void *buf,
			 unsigned size)
{
	invariant(offset + size <= sizeof(config));
	memcpy(config + offset, buf, size);
}

static const struct virtio_ops ops = {
	.activate = activate,
	.deactivate = deactivate,
	.config_read = config_read,
	.config_write = config_write,
};

static const struct device_type type = {.name = "fuzz"};

static void serve(struct virtio_device *vdev)
{
	for (unsigned i = 0; i < N_QUEUES; i++) {
		struct virtqueue *vq = virtio_queue(vdev, i);
		struct iovec iov[16];
		struct virtq_chain chain = {.iov = iov, .max_iov = ARRAY_SIZE(iov)};
		eventfd_t kicks;

		if (!vq || eventfd_read(virtqueue_kick_fd(vq), &kicks) < 0)
			continue;
		for (unsigned n = 0; n < 8 && virtqueue_pop(vq, &chain) == 1; n++)
			virtqueue_push(vq, chain.head, 0);
		virtqueue_notify(vq);
	}
}

static void write_bar(uint64_t offset, unsigned size, uint64_t value)
{
	fake_mmio_write(HOME + offset, size, value);
}

/* What a good driver does, so that the input need not find it. */
static void bring_up(void)
{
	static const uint8_t status[] = {0, 1, 3};

	fake_mmio_write(LAYOUT_ECAM + (SLOT << 15) + PCI_BASE_ADDRESS_0, 8, HOME);
	fake_mmio_write(LAYOUT_ECAM + (SLOT << 15) + PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	for (unsigned i = 0; i < ARRAY_SIZE(status); i++)
		write_bar(VIRTIO_PCI_COMMON_STATUS, 1, status[i]);
	write_bar(VIRTIO_PCI_COMMON_GFSELECT, 4, 1);
	write_bar(VIRTIO_PCI_COMMON_GF, 4, 1);
	write_bar(VIRTIO_PCI_COMMON_STATUS, 1, 0xb);
	for (unsigned i = 0; i < N_QUEUES; i++) {
		write_bar(VIRTIO_PCI_COMMON_Q_SELECT, 2, i);
		write_bar(VIRTIO_PCI_COMMON_Q_SIZE, 2, 8);
		write_bar(VIRTIO_PCI_COMMON_Q_DESCLO, 8, RINGS + i * 0x1000);
		write_bar(VIRTIO_PCI_COMMON_Q_AVAILLO, 8, RINGS + i * 0x1000 + 0x100);
		write_bar(VIRTIO_PCI_COMMON_Q_USEDLO, 8, RINGS + i * 0x1000 + 0x200);
		write_bar(VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
	}
	write_bar(VIRTIO_PCI_COMMON_STATUS, 1, 0xf);
}

/* One operation: a byte what, two bytes where, eight bytes value. */
#define OP_SIZE 11

static void run_op(struct virtio_device *vdev, const uint8_t *op)
{
	static const uint32_t parts[] = {0, 0x2000, 0x4000, 0x6000, 0x8000, 0x48000, 0x7ff00, 0};
	unsigned size = 1u << (op[0] >> 6);
	uint16_t where;
	uint64_t value;

	memcpy(&where, op + 1, sizeof(where));
	memcpy(&value, op + 3, sizeof(value));
	switch (op[0] & 7) {
	case 0:
		bring_up();
		break;
	case 1: /* the rings */
		memcpy(fake_ram(RINGS + where % 0x2000, 8), &value, sizeof(value));
		break;
	case 2:
		fake_mmio_write(LAYOUT_ECAM + (SLOT << 15) + where % 0x200, size, value);
		break;
	case 3:
		fake_mmio_read(LAYOUT_ECAM + (SLOT << 15) + where % 0x200, size, &value);
		break;
	case 4:
		fake_mmio_read(HOME + parts[op[0] >> 3 & 7] + where % 0x100, size, &value);
		break;
	case 5:
		virtio_config_changed(vdev);
		break;
	default:
		write_bar(parts[op[0] >> 3 & 7] + where % 0x100, size, value);
	}
	serve(vdev);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct machine *machine = fake_machine_init();
	struct graph_node node = {.id = "fuzz", .type = &type, .pci_slot = SLOT};
	struct device_needs needs = {.irq = -1};
	struct virtio_device vdev = {
		.ops = &ops,
		.info = {.device_id = 4,
			 .n_queues = N_QUEUES,
			 .queue_size = 16,
			 .config_size = sizeof(config)},
	};
	struct pci_bus *bus;

	invariant(pci_bus_create(machine, &bus) == 0);
	fake.pci = bus;
	virtio_needs(&needs, N_QUEUES);
	node.n_gsis = needs.msi_vectors;
	node.bars[0] = (struct graph_bar){HOME, needs.bar_sizes[0]};
	invariant(virtio_init(&vdev, machine, &node) == 0);
	invariant(virtio_commit(&vdev.device, NULL) == 0);
	for (; size >= OP_SIZE; data += OP_SIZE, size -= OP_SIZE)
		run_op(&vdev, data);
	virtio_fini(&vdev);
	invariant(!active && fake.n_ioeventfds == 0);
	pci_bus_destroy(bus);
	fake_machine_fini();
	return 0;
}
