/* SPDX-License-Identifier: Apache-2.0 */
/* Hostile guests that write registers: ports, the platform window, PCI configuration, BARs. */
#include <linux/pci_regs.h>
#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>

#include "hostile.h"

#define COMMON(field) __builtin_offsetof(struct virtio_pci_common_cfg, field)

/* --- Ports: all that answer, and as many of the others. --- */

static void poke_ports(uint16_t first, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		/* Past the last port the processor itself says no. */
		for (unsigned width = 1; width <= 4 && first + i + width <= 0x10000; width *= 2) {
			peek_port((uint16_t)(first + i), width);
			poke_port((uint16_t)(first + i), width, (uint32_t)rnd_value());
		}
}

static void ports_round(void)
{
	static const struct {
		uint16_t first;
		uint8_t n;
	} known[] = {
		{PORT_PIC1, 2},
		{PORT_PIT, 4},
		{PORT_I8042, 6},
		{PORT_CMOS, 4},
		{PORT_POST, 16},
		{0x92, 1},
		{0xa0, 2},
		{PORT_DEBUGCON, 1},
		{PORT_COM1 - 2, 12},
		{PORT_DEBUGCON_EDK2, 1},
		{PORT_ACPI_SLEEP_CONTROL - 2, 16},
		{PORT_PCI_CONFIG - 4, 12},
		{0xfffc, 4},
	};

	for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		for (unsigned n = 0; n < 12; n++)
			poke_ports(known[i].first, known[i].n);
	for (unsigned i = 0; i < 1000; i++)
		poke_ports((uint16_t)rnd(), 1);
}

const struct hostile hostile_ports = {"ports", ports_round};

/* --- The platform window, the IOAPIC, and what lies between. --- */

enum { IOREGSEL = 0x00, IOWIN = 0x10 };

/*
 * An entry of the IOAPIC with any pin, destination and trigger, but fixed or lowest priority
 * delivery: an INIT to itself ends a guest.
 */
static void poke_ioapic(void)
{
	uint32_t index =
		rnd_below(4) ? 0x10 + rnd_below(2 * IOAPIC_PINS + 8) : (uint32_t)rnd_value();

	poke(LAYOUT_IOAPIC + IOREGSEL, one_in(8) ? rnd_width() : 4, index);
	if (one_in(3))
		peek(LAYOUT_IOAPIC + IOWIN, rnd_width());
	else
		poke(LAYOUT_IOAPIC + IOWIN, 4, rnd_value() & ~0x600ULL);
}

static void platform_round(void)
{
	for (unsigned i = 0; i < 2000; i++)
		poke_ioapic();
	/* The rest of the IOAPIC's page: everything but the data register. */
	poke_around(LAYOUT_IOAPIC + 0x18, LAYOUT_IOAPIC_SIZE - 0x20, 500);
	poke_around(LAYOUT_GED, 0x100, 1500);
	poke_around(LAYOUT_CPU_HOTPLUG, 0x100, 1000);
	poke_around(LAYOUT_MEMORY_HOTPLUG, 0x100, 1000);
	poke_around(LAYOUT_PCI_HOTPLUG, 0x100, 1000);
	poke_around(LAYOUT_PLATFORM, LAYOUT_PLATFORM_SIZE - 8, 1500);
	/* Holes, and the seams between regions. */
	poke_around(LAYOUT_ECAM + LAYOUT_ECAM_SIZE - 64, 128, 200);
	poke_around(0xfec01000, 0x10000, 200);
	poke_around(ram_end() - 8, 16, 200);
	poke_around(LAYOUT_MMIO32, LAYOUT_ECAM - LAYOUT_MMIO32, 500);
}

const struct hostile hostile_platform = {"platform", platform_round};

/* --- PCI configuration space. --- */

static void ecam_round(void)
{
	/* Every slot there is, most at the beginning, then the whole space. */
	for (uint64_t slot = 0; slot < PCI_SLOTS; slot++) {
		uint64_t config = LAYOUT_ECAM + (slot << 15);
		bool there = read16(config) != 0xffff;

		poke_around(config, 0x100, there ? 800 : 20);
		poke_around(config, 0x1000, there ? 200 : 5);
	}
	poke_around(LAYOUT_ECAM, LAYOUT_ECAM_SIZE - 8, 1000);
}

const struct hostile hostile_ecam = {"ecam", ecam_round};

static void cf8_round(void)
{
	for (unsigned i = 0; i < 8000; i++) {
		unsigned width = 1u << rnd_below(3);
		uint32_t address = one_in(6)
					   ? (uint32_t)rnd_value()
					   : 1u << 31 | rnd_below(PCI_SLOTS) << 11 | rnd_below(256);

		if (one_in(10))
			poke_port((uint16_t)(PORT_PCI_CONFIG + rnd_below(4)), width, address);
		else
			out32(PORT_PCI_CONFIG, address);
		if (one_in(3))
			peek_port((uint16_t)(PORT_PCI_CONFIG + 4 + rnd_below(4)), width);
		else
			poke_port((uint16_t)(PORT_PCI_CONFIG + 4 + rnd_below(4)), width,
				  (uint32_t)rnd_value());
	}
}

const struct hostile hostile_cf8 = {"cf8", cf8_round};

/* --- BARs: every register of every device, and BARs on the move. --- */

static uint64_t bar_size(const struct pci_device *device, unsigned bar)
{
	uint64_t at = device->config + PCI_BASE_ADDRESS_0 + 4 * bar;
	uint32_t low = read32(at), size;

	write32(at, ~0u);
	size = ~(read32(at) & ~0xfu) + 1;
	write32(at, low);
	return size;
}

/* The registers of virtio by meaning, so that devices do come up now and then. */
static void poke_common(const struct virtio_device *device)
{
	uint64_t common = device->common;

	for (unsigned i = 0; i < 600; i++) {
		write16(common + COMMON(queue_select),
			(uint16_t)(one_in(4) ? rnd_value() : rnd_below(4)));
		write8(common + COMMON(device_status), (uint8_t)(one_in(2) ? rnd_value() : 0xf));
		poke_around(common, sizeof(struct virtio_pci_common_cfg), 4);
	}
	write8(common + COMMON(device_status), 0);
}

static void move_bar(const struct pci_device *device, unsigned bar)
{
	static const uint64_t places[] = {0,
					  0x100000,
					  LAYOUT_MMIO32,
					  LAYOUT_ECAM,
					  LAYOUT_PLATFORM,
					  LAYOUT_IOAPIC,
					  LAYOUT_LAPIC,
					  LAYOUT_RAM_HIGH,
					  ~0xfULL};
	uint64_t at = device->config + PCI_BASE_ADDRESS_0 + 4 * bar;
	uint32_t low = read32(at), high = read32(at + 4);

	for (unsigned i = 0; i < 40; i++) {
		uint64_t place = one_in(3) ? rnd_value()
					   : places[rnd_below(sizeof(places) / sizeof(places[0]))];

		write32(at, (uint32_t)place);
		write32(at + 4, (uint32_t)(place >> 32));
		write16(device->config + PCI_COMMAND, (uint16_t)rnd_below(8));
	}
	write32(at, low);
	write32(at + 4, high);
	write16(device->config + PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

static void bars_round(void)
{
	struct pci_device pci = {0};
	struct virtio_device device = {0};

	while (pci_next(&pci)) {
		for (unsigned bar = 0; bar < 6; bar++) {
			uint64_t base = pci_bar(&pci, bar);
			uint64_t size = base ? bar_size(&pci, bar) : 0;

			if (!base || size < 8 || size > 2 * MiB)
				continue;
			poke_around(base, size - 8, 1500);
			move_bar(&pci, bar);
			bar += read32(pci.config + PCI_BASE_ADDRESS_0 + 4 * bar) &
					       PCI_BASE_ADDRESS_MEM_TYPE_64
				       ? 1
				       : 0;
		}
	}
	while (next_virtio(&device))
		poke_common(&device);
}

const struct hostile hostile_bars = {"bars", bars_round};

/* --- MSI-X. --- */

static uint64_t find_capability(const struct pci_device *device, uint8_t id)
{
	for (unsigned at = read8(device->config + PCI_CAPABILITY_LIST), n = 0; at && n < 48;
	     at = read8(device->config + at + PCI_CAP_LIST_NEXT), n++)
		if (read8(device->config + at) == id)
			return device->config + at;
	return 0;
}

/* Fixed or lowest priority to any APIC, or an address that is none. */
static void poke_vector(uint64_t entry)
{
	uint64_t address = one_in(2) ? LAYOUT_LAPIC | (rnd() & 0xffffc) : rnd_value();

	if ((address >> 20 & 0xfff) == LAYOUT_LAPIC >> 20)
		poke(entry + PCI_MSIX_ENTRY_DATA, 4, rnd_value() & ~0x600ULL);
	write32(entry + PCI_MSIX_ENTRY_LOWER_ADDR, (uint32_t)address);
	write32(entry + PCI_MSIX_ENTRY_UPPER_ADDR, one_in(4) ? (uint32_t)rnd_value() : 0);
	write32(entry + PCI_MSIX_ENTRY_VECTOR_CTRL,
		(uint32_t)(one_in(3) ? rnd_value() : rnd_below(2)));
}

static void poke_msix(struct virtio_device *device)
{
	uint64_t msix = find_capability(&device->pci, PCI_CAP_ID_MSIX);
	uint32_t table = msix ? read32(msix + PCI_MSIX_TABLE) : 0;
	unsigned n = msix ? (read16(msix + PCI_MSIX_FLAGS) & PCI_MSIX_FLAGS_QSIZE) + 1 : 0;
	uint64_t base = msix ? pci_bar(&device->pci, table & PCI_MSIX_TABLE_BIR) : 0;

	if (!base)
		return;
	base += table & PCI_MSIX_TABLE_OFFSET;
	for (unsigned i = 0; i < 300; i++) {
		write16(msix + PCI_MSIX_FLAGS,
			(uint16_t)(one_in(3) ? rnd_value() : PCI_MSIX_FLAGS_ENABLE));
		poke_vector(base + PCI_MSIX_ENTRY_SIZE * rnd_below(n));
		write16(device->common + COMMON(queue_select), (uint16_t)rnd_below(3));
		write16(device->common + COMMON(queue_msix_vector), (uint16_t)rnd_value());
		write16(device->common + COMMON(msix_config), (uint16_t)rnd_value());
		/* An interrupt, if the device comes that far. */
		write16(device->notify + 4ULL * rnd_below(3), (uint16_t)rnd_below(3));
	}
	write16(msix + PCI_MSIX_FLAGS, 0);
}

static void msix_round(void)
{
	struct virtio_device device = {0};
	struct virtqueue queue;

	while (next_virtio(&device)) {
		if (hostile_start(&device) && hostile_queue(&device, &queue, 0, playground()))
			virtio_driver_ok(&device);
		poke_msix(&device);
	}
}

const struct hostile hostile_msix = {"msix", msix_round};
