/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtio-pci transport in configuration space: the vendor capabilities, and the one through
 * which a driver that has no BAR mapped reaches the registers.
 */
#include <linux/pci_regs.h>
#include <string.h>

#include "virtio/virtio-pci-internal.h"

/* What the PCI configuration access capability points to (§4.1.4.9); false: nothing. */
static bool pci_cfg_target(struct virtio_pci *t, unsigned offset, unsigned size,
			   uint32_t *ret_offset, uint32_t *ret_len)
{
	unsigned data = t->pci_cfg_cap + sizeof(struct virtio_pci_cap);
	uint32_t at = pci_get32(&t->fn, t->pci_cfg_cap + VIRTIO_PCI_CAP_OFFSET);
	uint32_t len = pci_get32(&t->fn, t->pci_cfg_cap + VIRTIO_PCI_CAP_LENGTH);

	if (offset >= data + 4 || offset + size <= data ||
	    t->fn.config[t->pci_cfg_cap + VIRTIO_PCI_CAP_BAR] != BAR)
		return false;
	if ((len != 1 && len != 2 && len != 4) || !IS_ALIGNED(at, len) || at >= BAR_SIZE)
		return false;
	*ret_offset = at;
	*ret_len = len;
	return true;
}

void virtio_pci_config_read(struct pci_function *fn, unsigned offset, unsigned size)
{
	struct virtio_pci *t = container_of(fn, struct virtio_pci, fn);
	uint32_t at, len;

	if (pci_cfg_target(t, offset, size, &at, &len))
		pci_set32(fn, t->pci_cfg_cap + sizeof(struct virtio_pci_cap),
			  (uint32_t)virtio_pci_bar_read(t, at, len));
}

void virtio_pci_config_written(struct pci_function *fn, unsigned offset, unsigned size)
{
	struct virtio_pci *t = container_of(fn, struct virtio_pci, fn);
	uint32_t at, len, data;

	if (!pci_cfg_target(t, offset, size, &at, &len))
		return;
	data = pci_get32(fn, t->pci_cfg_cap + sizeof(struct virtio_pci_cap));
	virtio_pci_bar_write(t, at, len, len == 4 ? data : data & ((1u << (8 * len)) - 1));
}

static unsigned add_cap(struct virtio_pci *t, uint8_t type, uint32_t offset, uint32_t len,
			unsigned extra)
{
	unsigned cap_len = sizeof(struct virtio_pci_cap) + extra;
	unsigned cap = pci_function_add_cap(&t->fn, PCI_CAP_ID_VNDR, cap_len);

	t->fn.config[cap + VIRTIO_PCI_CAP_LEN] = (uint8_t)cap_len;
	t->fn.config[cap + VIRTIO_PCI_CAP_CFG_TYPE] = type;
	t->fn.config[cap + VIRTIO_PCI_CAP_BAR] = BAR;
	pci_set32(&t->fn, cap + VIRTIO_PCI_CAP_OFFSET, offset);
	pci_set32(&t->fn, cap + VIRTIO_PCI_CAP_LENGTH, len);
	return cap;
}

void virtio_pci_add_caps(struct virtio_pci *t)
{
	unsigned cap;

	add_cap(t, VIRTIO_PCI_CAP_COMMON_CFG, BAR_COMMON, BAR_COMMON_LEN, 0);
	add_cap(t, VIRTIO_PCI_CAP_ISR_CFG, BAR_ISR, BAR_ISR_LEN, 0);
	if (t->vdev->info.config_size)
		add_cap(t, VIRTIO_PCI_CAP_DEVICE_CFG, BAR_DEVICE, BAR_DEVICE_LEN, 0);
	cap = add_cap(t, VIRTIO_PCI_CAP_NOTIFY_CFG, BAR_NOTIFY, BAR_NOTIFY_LEN, 4);
	pci_set32(&t->fn, cap + VIRTIO_PCI_NOTIFY_CAP_MULT, NOTIFY_MULTIPLIER);

	cap = add_cap(t, VIRTIO_PCI_CAP_PCI_CFG, 0, 0, 4);
	t->pci_cfg_cap = cap;
	t->fn.writable[cap + VIRTIO_PCI_CAP_BAR] = 0xff;
	/* Offset, length and data follow each other. */
	memset(t->fn.writable + cap + VIRTIO_PCI_CAP_OFFSET, 0xff, 12);
}
