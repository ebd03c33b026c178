/* SPDX-License-Identifier: Apache-2.0 */
/* See bare-pci.h. The queues are the plainest that work: descriptors are used in a circle. */
#include <linux/pci_regs.h>
#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>

#include "bare-pci.h"

#define VIRTIO_VENDOR        0x1af4
#define VIRTIO_DEVICE_MODERN 0x1040
#define COMMON(field)        __builtin_offsetof(struct virtio_pci_common_cfg, field)

bool pci_next(struct pci_device *device)
{
	while (++device->slot < PCI_SLOTS) {
		device->config = LAYOUT_ECAM + ((uint64_t)device->slot << 15);
		device->vendor = read16(device->config + PCI_VENDOR_ID);
		device->device = read16(device->config + PCI_DEVICE_ID);
		if (device->vendor != 0xffff)
			return true;
	}
	return false;
}

uint64_t pci_bar(const struct pci_device *device, unsigned bar)
{
	uint64_t at = device->config + PCI_BASE_ADDRESS_0 + 4 * bar;
	uint64_t address = read32(at);

	if (address & PCI_BASE_ADDRESS_SPACE_IO)
		return 0;
	if (address & PCI_BASE_ADDRESS_MEM_TYPE_64)
		address |= (uint64_t)read32(at + 4) << 32;
	address &= ~0xfULL;
	if (address >= LAYOUT_RAM_HIGH)
		map(address, 2 * MiB);
	return address;
}

static void read_capability(struct virtio_device *device, uint64_t at)
{
	uint64_t bar = pci_bar(&device->pci, read8(at + VIRTIO_PCI_CAP_BAR));
	uint64_t address = bar + read32(at + VIRTIO_PCI_CAP_OFFSET);

	if (!bar)
		return;
	switch (read8(at + VIRTIO_PCI_CAP_CFG_TYPE)) {
	case VIRTIO_PCI_CAP_COMMON_CFG:
		device->common = address;
		break;
	case VIRTIO_PCI_CAP_NOTIFY_CFG:
		device->notify = address;
		device->notify_multiplier = read32(at + VIRTIO_PCI_NOTIFY_CAP_MULT);
		break;
	case VIRTIO_PCI_CAP_ISR_CFG:
		device->isr = address;
		break;
	case VIRTIO_PCI_CAP_DEVICE_CFG:
		device->specific = address;
		break;
	}
}

bool virtio_find(struct virtio_device *device, unsigned type, unsigned nth)
{
	*device = (struct virtio_device){0};
	while (pci_next(&device->pci)) {
		uint64_t config = device->pci.config;

		if (device->pci.vendor != VIRTIO_VENDOR ||
		    device->pci.device != VIRTIO_DEVICE_MODERN + type || nth--)
			continue;
		write16(config + PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
		for (unsigned at = read8(config + PCI_CAPABILITY_LIST), n = 0; at && n < 48;
		     at = read8(config + at + PCI_CAP_LIST_NEXT), n++)
			if (read8(config + at) == PCI_CAP_ID_VNDR)
				read_capability(device, config + at);
		return device->common && device->notify;
	}
	return false;
}

void virtio_start(struct virtio_device *device, uint64_t features)
{
	uint64_t common = device->common, offered = 0;

	write8(common + COMMON(device_status), 0);
	for (unsigned n = 0; read8(common + COMMON(device_status)); n++)
		if (n == 1000000)
			fail("virtio: the reset does not end");
	write8(common + COMMON(device_status),
	       VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER);
	for (uint32_t word = 0; word < 2; word++) {
		write32(common + COMMON(device_feature_select), word);
		offered |= (uint64_t)read32(common + COMMON(device_feature)) << (32 * word);
	}
	device->features = offered & (features | 1ULL << VIRTIO_F_VERSION_1);
	for (uint32_t word = 0; word < 2; word++) {
		write32(common + COMMON(guest_feature_select), word);
		write32(common + COMMON(guest_feature),
			(uint32_t)(device->features >> (32 * word)));
	}
	write8(common + COMMON(device_status),
	       VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER | VIRTIO_CONFIG_S_FEATURES_OK);
	if (!(read8(common + COMMON(device_status)) & VIRTIO_CONFIG_S_FEATURES_OK))
		fail("virtio: features %lx of %lx are refused", device->features, offered);
}

static void write_address(uint64_t at, const volatile void *address)
{
	write32(at, (uint32_t)(uintptr_t)address);
	write32(at + 4, (uint32_t)((uintptr_t)address >> 32));
}

void virtio_queue(struct virtio_device *device, struct virtqueue *queue, uint16_t index)
{
	uint64_t common = device->common;

	*queue = (struct virtqueue){.device = device, .index = index};
	write16(common + COMMON(queue_select), index);
	queue->size = read16(common + COMMON(queue_size));
	if (!queue->size)
		fail("virtio: there is no queue %u", index);
	if (queue->size > VIRTQUEUE_SIZE_MAX)
		queue->size = VIRTQUEUE_SIZE_MAX;
	write16(common + COMMON(queue_size), queue->size);
	queue->desc = allocate(sizeof(*queue->desc) * queue->size, 16);
	queue->avail = allocate(sizeof(*queue->avail) + 2UL * queue->size + 2, 2);
	queue->used =
		allocate(sizeof(*queue->used) + sizeof(queue->used->ring[0]) * queue->size + 2, 4);
	queue->avail->flags = VRING_AVAIL_F_NO_INTERRUPT;
	write_address(common + COMMON(queue_desc_lo), queue->desc);
	write_address(common + COMMON(queue_avail_lo), queue->avail);
	write_address(common + COMMON(queue_used_lo), queue->used);
	queue->doorbell = device->notify + (uint64_t)read16(common + COMMON(queue_notify_off)) *
						   device->notify_multiplier;
	write16(common + COMMON(queue_enable), 1);
}

void virtio_driver_ok(struct virtio_device *device)
{
	write8(device->common + COMMON(device_status),
	       VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER | VIRTIO_CONFIG_S_FEATURES_OK |
		       VIRTIO_CONFIG_S_DRIVER_OK);
}

bool virtqueue_add(struct virtqueue *queue, const struct segment *segments, unsigned n)
{
	uint16_t head = queue->next_free;

	if (queue->in_flight + n > queue->size)
		return false;
	for (unsigned i = 0; i < n; i++) {
		uint16_t slot = (uint16_t)((head + i) % queue->size);

		queue->desc[slot] = (struct vring_desc){
			.addr = (uintptr_t)segments[i].address,
			.len = segments[i].length,
			.flags = (uint16_t)((segments[i].writable ? VRING_DESC_F_WRITE : 0) |
					    (i + 1 < n ? VRING_DESC_F_NEXT : 0)),
			.next = (uint16_t)((slot + 1) % queue->size),
		};
	}
	queue->next_free = (uint16_t)((head + n) % queue->size);
	queue->in_flight = (uint16_t)(queue->in_flight + n);
	queue->avail->ring[queue->avail->idx % queue->size] = head;
	barrier();
	*(volatile uint16_t *)&queue->avail->idx = (uint16_t)(queue->avail->idx + 1);
	return true;
}

void virtqueue_kick(struct virtqueue *queue)
{
	barrier();
	write16(queue->doorbell, queue->index);
}

bool virtqueue_poll(struct virtqueue *queue, uint32_t *head, uint32_t *length)
{
	struct vring_used_elem *element;

	if (*(volatile uint16_t *)&queue->used->idx == queue->seen)
		return false;
	barrier();
	element = &queue->used->ring[queue->seen++ % queue->size];
	*head = element->id;
	*length = element->len;
	/* Chains come back whole; count the descriptors of this one. */
	for (uint32_t at = element->id, n = 0; n < queue->size; at = queue->desc[at].next, n++) {
		queue->in_flight--;
		if (!(queue->desc[at].flags & VRING_DESC_F_NEXT))
			break;
	}
	return true;
}
