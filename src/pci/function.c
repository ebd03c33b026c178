/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A PCI function's configuration space. What the guest writes goes through the masks into
 * fn->config; what follows from it (a BAR's place, MSI-X) is computed from the registers
 * afterwards, so that any order and width of writes ends in the same state.
 */
#include <errno.h>
#include <inttypes.h>
#include <linux/pci_regs.h>
#include <string.h>

#include "base/log.h"
#include "graph/graph.h"
#include "pci/bus.h"
#include "pci/function.h"
#include "pci/msix.h"

/* No x86 processor has more physical address bits. */
#define ADDRESS_END (1ULL << 52)

#define COMMAND_WRITABLE                                                                   \
	(PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_PARITY | PCI_COMMAND_SERR | \
	 PCI_COMMAND_INTX_DISABLE)

uint16_t pci_get16(const struct pci_function *fn, unsigned offset)
{
	uint16_t value;

	invariant(offset + sizeof(value) <= PCI_CONFIG_SIZE);
	memcpy(&value, fn->config + offset, sizeof(value));
	return value;
}

uint32_t pci_get32(const struct pci_function *fn, unsigned offset)
{
	uint32_t value;

	invariant(offset + sizeof(value) <= PCI_CONFIG_SIZE);
	memcpy(&value, fn->config + offset, sizeof(value));
	return value;
}

void pci_set16(struct pci_function *fn, unsigned offset, uint16_t value)
{
	invariant(offset + sizeof(value) <= PCI_CONFIG_SIZE);
	memcpy(fn->config + offset, &value, sizeof(value));
}

void pci_set32(struct pci_function *fn, unsigned offset, uint32_t value)
{
	invariant(offset + sizeof(value) <= PCI_CONFIG_SIZE);
	memcpy(fn->config + offset, &value, sizeof(value));
}

static unsigned bar_register(unsigned bar)
{
	return PCI_BASE_ADDRESS_0 + 4 * bar;
}

static void set_bar_register(struct pci_function *fn, unsigned bar, uint64_t base)
{
	pci_set32(fn, bar_register(bar), (uint32_t)base | PCI_BASE_ADDRESS_MEM_TYPE_64);
	pci_set32(fn, bar_register(bar + 1), (uint32_t)(base >> 32));
}

static uint64_t get_bar_register(const struct pci_function *fn, unsigned bar)
{
	return (pci_get32(fn, bar_register(bar)) & (uint32_t)PCI_BASE_ADDRESS_MEM_MASK) |
	       (uint64_t)pci_get32(fn, bar_register(bar + 1)) << 32;
}

void pci_function_init(struct pci_function *fn, const char *name,
		       const struct pci_identity *identity, const struct pci_function_ops *ops)
{
	const uint16_t command = COMMAND_WRITABLE;

	*fn = (struct pci_function){.name = name, .ops = ops, .caps_end = PCI_STD_HEADER_SIZEOF};
	pci_set16(fn, PCI_VENDOR_ID, identity->vendor);
	pci_set16(fn, PCI_DEVICE_ID, identity->device);
	pci_set32(fn, PCI_CLASS_REVISION, identity->class << 8 | identity->revision);
	pci_set16(fn, PCI_SUBSYSTEM_VENDOR_ID, identity->subsystem_vendor);
	pci_set16(fn, PCI_SUBSYSTEM_ID, identity->subsystem);
	memcpy(fn->writable + PCI_COMMAND, &command, sizeof(command));
	fn->writable[PCI_CACHE_LINE_SIZE] = 0xff;
	fn->writable[PCI_INTERRUPT_LINE] = 0xff;
}

void pci_function_add_bar(struct pci_function *fn, unsigned bar, const struct graph_bar *place,
			  const struct io_ops *io, void *opaque)
{
	const uint64_t mask = ~(place->size - 1);

	invariant(bar % 2 == 0 && bar < DEVICE_MAX_BARS);
	invariant(IS_POWER_OF_2(place->size) && place->size >= 16);
	invariant(IS_ALIGNED(place->base, place->size));
	fn->bars[bar] = (struct pci_bar){
		.home = place->base,
		.size = place->size,
		.ops = io,
		.opaque = opaque,
	};
	/* The size is found by writing ones: address bits below it stay zero. */
	memcpy(fn->writable + bar_register(bar), &mask, sizeof(mask));
	set_bar_register(fn, bar, place->base);
}

unsigned pci_function_add_cap(struct pci_function *fn, uint8_t id, unsigned len)
{
	unsigned offset = ALIGN_UP(fn->caps_end, 4);

	invariant(len >= PCI_CAP_SIZEOF && offset + len <= PCI_CONFIG_SIZE);
	fn->config[offset + PCI_CAP_LIST_ID] = id;
	fn->config[fn->last_cap ? fn->last_cap + PCI_CAP_LIST_NEXT : PCI_CAPABILITY_LIST] =
		(uint8_t)offset;
	fn->config[PCI_STATUS] |= PCI_STATUS_CAP_LIST;
	fn->last_cap = (uint8_t)offset;
	fn->caps_end = offset + len;
	return offset;
}

void pci_function_reset(struct pci_function *fn)
{
	pci_function_unmap_bars(fn);
	/* All that the guest can write is 0 after power-on, but the BARs. */
	for (unsigned i = 0; i < PCI_CONFIG_SIZE; i++)
		fn->config[i] &= (uint8_t)~fn->writable[i];
	for (unsigned i = 0; i < DEVICE_MAX_BARS; i++) {
		if (fn->bars[i].size)
			set_bar_register(fn, i, fn->bars[i].home);
	}
	if (fn->msix)
		msix_reset(fn->msix);
}

uint32_t pci_function_config_read(struct pci_function *fn, unsigned offset, unsigned size)
{
	uint32_t value = 0;

	invariant(size <= sizeof(value) && offset + size <= PCI_CONFIG_SIZE);
	if (fn->ops->config_read)
		fn->ops->config_read(fn, offset, size);
	memcpy(&value, fn->config + offset, size);
	return value;
}

void pci_function_config_write(struct pci_function *fn, unsigned offset, unsigned size,
			       uint32_t value)
{
	invariant(size <= sizeof(value) && offset + size <= PCI_CONFIG_SIZE);
	for (unsigned i = offset; i < offset + size; i++, value >>= 8) {
		uint8_t mask = fn->writable[i];

		fn->config[i] = (uint8_t)((fn->config[i] & ~mask) | (value & mask));
	}
	if (fn->msix && offset < msix_cap(fn->msix) + PCI_CAP_MSIX_SIZEOF &&
	    offset + size > msix_cap(fn->msix))
		msix_control_written(fn->msix);
	if (fn->ops->config_written)
		fn->ops->config_written(fn, offset, size);
}

static void unmap_bar(struct pci_function *fn, unsigned i)
{
	struct pci_bar *bar = &fn->bars[i];

	if (fn->ops->bar_unmapped)
		fn->ops->bar_unmapped(fn, i);
	bar->mapped = false;
	pci_bus_remove_region(fn->bus, bar->base);
}

static void map_bar(struct pci_function *fn, unsigned i, uint64_t base)
{
	struct pci_bar *bar = &fn->bars[i];
	const struct io_region region = {
		.name = fn->name,
		.base = base,
		.size = bar->size,
		.ops = bar->ops,
		.opaque = bar->opaque,
	};
	int r = pci_bus_add_region(fn->bus, &region);

	if (r < 0) {
		if (!bar->refused)
			log_warn("%s: the guest moved BAR %u to 0x%" PRIx64
				 ", where something else is: it stays out of reach there",
				 fn->name, i, base);
		bar->refused = true;
		return;
	}
	bar->base = base;
	bar->mapped = true;
	if (fn->ops->bar_mapped)
		fn->ops->bar_mapped(fn, i);
}

bool pci_function_update_bars(struct pci_function *fn)
{
	bool decode = pci_get16(fn, PCI_COMMAND) & PCI_COMMAND_MEMORY;
	bool left = false;

	for (unsigned i = 0; i < DEVICE_MAX_BARS; i++) {
		struct pci_bar *bar = &fn->bars[i];
		uint64_t base;
		bool wanted;

		if (!bar->size)
			continue;
		/*
		 * While its size is probed a BAR is all ones, and between the writes of its halves
		 * it may be anywhere: only a place inside the address space counts. At 0 it is
		 * unassigned.
		 */
		base = get_bar_register(fn, i);
		wanted = decode && base != 0 && base <= ADDRESS_END - bar->size;
		if (bar->mapped && (!wanted || base != bar->base)) {
			unmap_bar(fn, i);
			left = true;
		}
		if (wanted && !bar->mapped)
			map_bar(fn, i, base);
	}
	return left;
}

void pci_function_unmap_bars(struct pci_function *fn)
{
	for (unsigned i = 0; i < DEVICE_MAX_BARS; i++) {
		if (fn->bars[i].mapped)
			unmap_bar(fn, i);
	}
}
