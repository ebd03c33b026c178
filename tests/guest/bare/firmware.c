/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A firmware that looks for what EDK II's CLOUDHV.fd needs of the machine, in the way that it does:
 * the host bridge by the old configuration ports, memory and ACPI tables by PVH, SMBIOS and the
 * timer at addresses that it knows, its messages to the debug console, and the first sector of a
 * disk.
 */
#include <linux/virtio_blk.h>
#include <linux/virtio_ids.h>

#include "bare-pci.h"

enum {
	HOST_BRIDGE = 0x0d578086,
	TIMER_HZ = 3579545,
	SECTOR = 512,
	XSDT_ADDRESS = 24, /* in the RSDP */
	XSDT_ENTRIES = 36,
	FADT_X_DSDT = 140,
	SMBIOS_TABLE = 16,
	SMBIOS_SYSTEM = 1,
	SMBIOS_END = 127,
	SYSTEM_SERIAL = 7,
	SYSTEM_UUID = 8,
};

static bool is(uint64_t address, const char *signature)
{
	for (; *signature; signature++, address++)
		if (read8(address) != (uint8_t)*signature)
			return false;
	return true;
}

static void say(const char *text)
{
	if (in8(PORT_DEBUGCON_EDK2) != 0xe9)
		fail("there is no debug console");
	for (; *text; text++)
		out8(PORT_DEBUGCON_EDK2, (uint8_t)*text);
}

static void look_at_memory(void)
{
	const struct memory_range *map = (void *)(uintptr_t)pvh_start_info->memory_map;
	bool low = false, high = false;

	if (pvh_start_info->magic != 0x336ec578 || pvh_start_info->version < 1)
		fail("no start info");
	for (uint32_t i = 0; i < pvh_start_info->memory_map_entries; i++) {
		low |= map[i].type == 1 && map[i].address == 0;
		high |= map[i].type == 1 && map[i].address == LAYOUT_HIGH_RAM;
	}
	if (!low || !high)
		fail("the memory map has no RAM at 0 or at 1 MiB");
}

static void look_at_tables(void)
{
	uint64_t rsdp = pvh_start_info->rsdp, xsdt, dsdt = 0;

	if (!is(rsdp, "RSD PTR "))
		fail("no RSDP at 0x%lx", rsdp);
	xsdt = read64(rsdp + XSDT_ADDRESS);
	if (!is(xsdt, "XSDT"))
		fail("no XSDT at 0x%lx", xsdt);
	for (uint64_t at = xsdt + XSDT_ENTRIES; at < xsdt + read32(xsdt + 4); at += 8)
		if (is(read64(at), "FACP"))
			dsdt = read64(read64(at) + FADT_X_DSDT);
	if (!dsdt || !is(dsdt, "DSDT"))
		fail("no DSDT at 0x%lx", dsdt);
}

/* The string @n of the structure at @at, whose strings follow it (DSP0134 §6.1.3). */
static void print_string(uint64_t at, unsigned n)
{
	for (at += read8(at + 1); --n; at++)
		while (read8(at))
			at++;
	for (; read8(at); at++)
		print("%c", read8(at));
}

/* What the machine says it is: the UUID in the order of its bytes, and the serial number. */
static void look_at_smbios(void)
{
	uint64_t at = read64(LAYOUT_SMBIOS + SMBIOS_TABLE);

	if (!is(LAYOUT_SMBIOS, "_SM3_") || !at)
		fail("no SMBIOS tables");
	while (read8(at) != SMBIOS_SYSTEM) {
		if (read8(at) == SMBIOS_END)
			fail("no system in the SMBIOS tables");
		for (at += read8(at + 1); read16(at); at++)
			;
		at += 2;
	}
	print("uuid ");
	for (unsigned i = 0; i < 16; i++)
		print("%x%x", read8(at + SYSTEM_UUID + i) >> 4, read8(at + SYSTEM_UUID + i) & 15);
	print(" serial ");
	if (read8(at + SYSTEM_SERIAL))
		print_string(at, read8(at + SYSTEM_SERIAL));
	print("\n");
}

static void look_at_host_bridge(void)
{
	uint32_t id;

	out32(PORT_PCI_CONFIG, 0x80000000);
	id = in32(PORT_PCI_CONFIG + 4);
	if (id != HOST_BRIDGE || in16(PORT_PCI_CONFIG + 6) != HOST_BRIDGE >> 16)
		fail("the host bridge is %08x", id);
}

static void wait_by_timer(uint32_t microseconds)
{
	const uint32_t ticks = (uint32_t)((uint64_t)microseconds * TIMER_HZ / 1000000);
	uint32_t start = in32(PORT_ACPI_TIMER);

	for (uint64_t end = tsc() + (10ULL << 31);
	     ((in32(PORT_ACPI_TIMER) - start) & 0xffffff) < ticks;)
		if (tsc() > end)
			fail("the timer stands still");
}

static void read_sector(void *sector)
{
	static struct virtio_blk_outhdr header = {.type = VIRTIO_BLK_T_IN};
	static uint8_t status = 0xff;
	struct segment segments[] = {
		{&header, sizeof(header), false},
		{sector, SECTOR, true},
		{&status, 1, true},
	};
	struct virtio_device device;
	struct virtqueue queue;
	uint32_t head, length;

	if (!virtio_find(&device, VIRTIO_ID_BLOCK, 0))
		fail("there is no disk");
	virtio_start(&device, 0);
	virtio_queue(&device, &queue, 0);
	virtio_driver_ok(&device);
	if (!virtqueue_add(&queue, segments, 3))
		fail("no room in the ring");
	virtqueue_kick(&queue);
	for (uint64_t end = tsc() + (60ULL << 31); !virtqueue_poll(&queue, &head, &length);)
		if (tsc() > end)
			fail("the disk does not answer");
	if (status != VIRTIO_BLK_S_OK)
		fail("the disk says %u", status);
}

bool bare_main(void)
{
	uint8_t *sector = allocate(SECTOR, SECTOR);

	say("firmware\n");
	look_at_memory();
	look_at_tables();
	look_at_smbios();
	look_at_host_bridge();
	wait_by_timer(1000);
	read_sector(sector);
	say("boot sector read\n");
	return sector[SECTOR - 2] == 0x55 && sector[SECTOR - 1] == 0xaa;
}
