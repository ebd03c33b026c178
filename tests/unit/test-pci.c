/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PCI configuration space as a guest meets it: by ECAM and by ports, BAR sizing and moves, what is
 * refused, MSI-X masks and pending bits.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <stdlib.h>
#include <string.h>

#include "graph/graph.h"
#include "machine/address-space.h"
#include "pci/bus.h"
#include "pci/function.h"
#include "pci/msix.h"
#include "tests/unit/cu-tap.h"
#include "tests/unit/fake-machine.h"

#define BAR_SIZE   0x10000ULL
#define HOME(slot) (0x200000000ULL + (slot)*BAR_SIZE)
#define TABLE      0x8000
#define PBA        0xc000
#define N_VECTORS  3
#define GSI        10

struct toy {
	struct pci_function fn;
	struct msix *msix;
	unsigned mapped, unmapped;
	uint64_t reg;
};

static struct pci_bus *bus;
static struct toy toys[3];

static uint64_t toy_read(void *opaque, uint64_t offset, unsigned size)
{
	struct toy *toy = opaque;

	if (offset >= PBA)
		return msix_pba_read(toy->msix, offset - PBA, size);
	return offset >= TABLE ? msix_table_read(toy->msix, offset - TABLE, size) : toy->reg;
}

static void toy_write(void *opaque, uint64_t offset, unsigned size, uint64_t value)
{
	struct toy *toy = opaque;

	if (offset >= TABLE)
		msix_table_write(toy->msix, offset - TABLE, size, value);
	else
		toy->reg = value;
}

static const struct io_ops toy_io = {.read = toy_read, .write = toy_write};

static void on_mapped(struct pci_function *fn, unsigned bar unused)
{
	container_of(fn, struct toy, fn)->mapped++;
}

static void on_unmapped(struct pci_function *fn, unsigned bar unused)
{
	container_of(fn, struct toy, fn)->unmapped++;
}

static const struct pci_function_ops toy_ops = {
	.bar_mapped = on_mapped,
	.bar_unmapped = on_unmapped,
};

static void toy_init(unsigned i)
{
	const struct pci_identity identity = {
		.vendor = 0x1af4,
		.device = 0x1044,
		.class = 0x00ff00,
		.revision = 1,
	};
	struct toy *toy = &toys[i];

	memset(toy, 0, sizeof(*toy));
	pci_function_init(&toy->fn, "toy", &identity, &toy_ops);
	pci_function_add_bar(&toy->fn, 0, &(struct graph_bar){HOME(i + 1), BAR_SIZE}, &toy_io, toy);
	toy->msix = msix_create((struct machine *)&fake, &toy->fn, N_VECTORS, GSI + 4 * i, 0, TABLE,
				0, PBA);
	CU_ASSERT_PTR_NOT_NULL_FATAL(toy->msix);
	toy->reg = 0x700 + i;
}

static void start(void)
{
	struct machine *machine = fake_machine_init();

	CU_ASSERT_EQUAL_FATAL(pci_bus_create(machine, &bus), 0);
	for (unsigned i = 0; i < ARRAY_SIZE(toys); i++) {
		toy_init(i);
		CU_ASSERT_EQUAL_FATAL(pci_bus_plug(bus, i + 1, &toys[i].fn), 0);
	}
}

static void stop(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(toys); i++) {
		pci_bus_unplug(bus, &toys[i].fn);
		msix_destroy(toys[i].msix);
	}
	bus = pci_bus_destroy(bus);
	fake_machine_fini();
}

static uint64_t ecam(unsigned slot, unsigned offset)
{
	return LAYOUT_ECAM + (slot << 15) + offset;
}

static uint32_t rd(unsigned slot, unsigned offset, unsigned size)
{
	uint64_t value;

	CU_ASSERT_TRUE(fake_mmio_read(ecam(slot, offset), size, &value));
	return (uint32_t)value;
}

static void wr(unsigned slot, unsigned offset, unsigned size, uint32_t value)
{
	CU_ASSERT_TRUE(fake_mmio_write(ecam(slot, offset), size, value));
}

static void move_bar(unsigned slot, uint64_t base)
{
	wr(slot, PCI_BASE_ADDRESS_0, 4, (uint32_t)base);
	wr(slot, PCI_BASE_ADDRESS_1, 4, (uint32_t)(base >> 32));
}

static void decode(unsigned slot, bool on)
{
	wr(slot, PCI_COMMAND, 2, on ? PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER : 0);
}

/* Which toy answers at @gpa: 0, 1, 2, or -1. */
static int who(uint64_t gpa)
{
	uint64_t value;

	return fake_mmio_read(gpa, 4, &value) ? (int)value - 0x700 : -1;
}

static void both_mechanisms_all_widths(void)
{
	uint64_t value;

	start();
	CU_ASSERT_EQUAL(rd(0, 0, 4), 0x0d578086);
	CU_ASSERT_EQUAL(rd(0, PCI_CLASS_DEVICE, 2), 0x0600);
	CU_ASSERT_EQUAL(rd(2, 0, 4), 0x10441af4);
	CU_ASSERT_EQUAL(rd(2, 2, 2), 0x1044);
	CU_ASSERT_EQUAL(rd(2, 1, 1), 0x1a);
	CU_ASSERT_TRUE(fake_mmio_read(ecam(2, 8), 8, &value));
	CU_ASSERT_EQUAL(value, 0x00ff0001ULL);

	fake_pio_write(0xcf8, 4, 0x80000000 | 2 << 11);
	CU_ASSERT_EQUAL(fake_pio_read(0xcf8, 4), 0x80000000 | 2 << 11);
	CU_ASSERT_EQUAL(fake_pio_read(0xcfb, 1), 0x80);
	CU_ASSERT_EQUAL(fake_pio_read(0xcfc, 4), 0x10441af4);
	CU_ASSERT_EQUAL(fake_pio_read(0xcfe, 2), 0x1044);
	CU_ASSERT_EQUAL(fake_pio_read(0xcfd, 1), 0x1a);
	CU_ASSERT_EQUAL(fake_pio_read(0xcfe, 4), 0xffffffff); /* leaves the register */
	CU_ASSERT_EQUAL(fake_pio_read(0xcfa, 4), 0xffffffff);
	/* A probe writes a byte there: it is no write of the address. */
	fake_pio_write(0xcfb, 1, 1);
	CU_ASSERT_EQUAL(fake_pio_read(0xcf8, 4), 0x80000000 | 2 << 11);
	fake_pio_write(0xcf8, 4, 0x80000000 | 2 << 11 | PCI_COMMAND);
	fake_pio_write(0xcfc, 1, PCI_COMMAND_MEMORY);
	CU_ASSERT_EQUAL(rd(2, PCI_COMMAND, 2), PCI_COMMAND_MEMORY);
	fake_pio_write(0xcf8, 4, 2 << 11); /* not enabled */
	CU_ASSERT_EQUAL(fake_pio_read(0xcfc, 4), 0xffffffff);
	stop();
}

static void absent_functions_read_all_ones(void)
{
	uint64_t value;

	start();
	CU_ASSERT_EQUAL(rd(9, 0, 4), 0xffffffff);
	CU_ASSERT_EQUAL(rd(31, 2, 2), 0xffff);
	CU_ASSERT_TRUE(fake_mmio_read(LAYOUT_ECAM + (2 << 15) + (1 << 12), 4, &value));
	CU_ASSERT_EQUAL(value, 0xffffffff);
	CU_ASSERT_TRUE(fake_mmio_read(LAYOUT_ECAM + (1 << 20) + (2 << 15), 4, &value));
	CU_ASSERT_EQUAL(value, 0xffffffff);
	CU_ASSERT_TRUE(fake_mmio_read(LAYOUT_ECAM + LAYOUT_ECAM_SIZE - 8, 8, &value));
	CU_ASSERT_EQUAL(value, UINT64_MAX);
	/* Past 256 bytes, and across that end. */
	CU_ASSERT_EQUAL(rd(1, 0x100, 4), 0xffffffff);
	CU_ASSERT_EQUAL(rd(1, 0xfe, 4), 0xffffffff);
	CU_ASSERT_EQUAL(rd(1, 0xffe, 4), 0xffffffff);
	wr(1, 0xfe, 4, 0);
	wr(9, 0, 4, 0);
	stop();
}

static void only_writable_bits_change(void)
{
	uint8_t before[PCI_CONFIG_SIZE];

	start();
	memcpy(before, toys[0].fn.config, sizeof(before));
	srand(1);
	for (unsigned i = 0; i < 100000; i++) {
		unsigned size = 1u << (rand() % 4);
		unsigned offset = (unsigned)rand() % PCI_CONFIG_SIZE;

		fake_mmio_write(ecam(1, offset), size, (uint64_t)rand() << 33 ^ (uint64_t)rand());
	}
	for (unsigned i = 0; i < PCI_CONFIG_SIZE; i++)
		CU_ASSERT_EQUAL((toys[0].fn.config[i] ^ before[i]) & ~toys[0].fn.writable[i], 0);
	/* Every mapping had its end, and the address space is sane. */
	CU_ASSERT(toys[0].mapped - toys[0].unmapped <= 1);
	CU_ASSERT_EQUAL(rd(0, 0, 4), 0x0d578086);
	pci_function_reset(&toys[0].fn);
	CU_ASSERT_EQUAL(memcmp(toys[0].fn.config, before, sizeof(before)), 0);
	CU_ASSERT_EQUAL(toys[0].mapped, toys[0].unmapped);
	stop();
}

static void bars_are_sized_and_moved(void)
{
	start();
	/* After power-on: an address, but no decoding. */
	CU_ASSERT_EQUAL(rd(1, PCI_BASE_ADDRESS_0, 4), (uint32_t)HOME(1) | 4);
	CU_ASSERT_EQUAL(rd(1, PCI_BASE_ADDRESS_1, 4), HOME(1) >> 32);
	CU_ASSERT_EQUAL(rd(1, PCI_BASE_ADDRESS_2, 4), 0);
	CU_ASSERT_EQUAL(who(HOME(1)), -1);
	decode(1, true);
	CU_ASSERT_EQUAL(who(HOME(1)), 0);
	CU_ASSERT_EQUAL(who(HOME(1) + BAR_SIZE), -1);

	/* Sizing with decoding on takes it away and brings it back. */
	wr(1, PCI_BASE_ADDRESS_0, 4, 0xffffffff);
	wr(1, PCI_BASE_ADDRESS_1, 4, 0xffffffff);
	CU_ASSERT_EQUAL(rd(1, PCI_BASE_ADDRESS_0, 4), (uint32_t) ~(BAR_SIZE - 1) | 4);
	CU_ASSERT_EQUAL(rd(1, PCI_BASE_ADDRESS_1, 4), 0xffffffff);
	CU_ASSERT_EQUAL(who(HOME(1)), -1);
	move_bar(1, HOME(1));
	CU_ASSERT_EQUAL(who(HOME(1)), 0);

	move_bar(1, 0x300000000ULL);
	CU_ASSERT_EQUAL(who(0x300000000ULL), 0);
	CU_ASSERT_EQUAL(who(HOME(1)), -1);
	/* Byte by byte, too. */
	wr(1, PCI_BASE_ADDRESS_0 + 3, 1, 0x40);
	CU_ASSERT_EQUAL(who(0x340000000ULL), 0);
	decode(1, false);
	CU_ASSERT_EQUAL(who(0x340000000ULL), -1);
	CU_ASSERT_EQUAL(toys[0].mapped, toys[0].unmapped);
	stop();
}

static void overlaps_are_refused_and_retried(void)
{
	start();
	for (unsigned i = 1; i <= 3; i++)
		decode(i, true);
	/* Over another device's BAR, over ECAM, at 0, past the end of addresses. */
	move_bar(1, HOME(2));
	CU_ASSERT_EQUAL(who(HOME(2)), 1);
	CU_ASSERT_EQUAL(who(HOME(1)), -1);
	move_bar(1, LAYOUT_ECAM + 0x100000);
	CU_ASSERT_EQUAL(rd(1, 0, 4), 0x10441af4);
	move_bar(1, 0);
	CU_ASSERT_EQUAL(who(0), -1);
	move_bar(1, 0xffffffffffff0000ULL);
	CU_ASSERT_EQUAL(who(0xffffffffffff0000ULL), -1);

	/* Two devices change places: the one that waits gets there when the other has gone. */
	move_bar(1, HOME(2));
	move_bar(2, HOME(1));
	CU_ASSERT_EQUAL(who(HOME(2)), 0);
	CU_ASSERT_EQUAL(who(HOME(1)), 1);
	/* So does one that waits for a device that is unplugged. */
	move_bar(1, HOME(3));
	CU_ASSERT_EQUAL(who(HOME(3)), 2);
	pci_bus_unplug(bus, &toys[2].fn);
	CU_ASSERT_EQUAL(who(HOME(3)), 0);
	stop();
}

static void slots_are_filled_and_emptied(void)
{
	struct pci_function *fn = &toys[2].fn;

	start();
	pci_bus_unplug(bus, fn);
	CU_ASSERT_EQUAL(rd(3, 0, 4), 0xffffffff);
	pci_bus_unplug(bus, fn);
	CU_ASSERT_EQUAL(pci_bus_plug(bus, 0, fn), -EINVAL);
	CU_ASSERT_EQUAL(pci_bus_plug(bus, PCI_SLOTS, fn), -EINVAL);
	CU_ASSERT_EQUAL(pci_bus_plug(bus, 2, fn), -EBUSY);
	CU_ASSERT_EQUAL(pci_bus_plug(bus, 31, fn), 0);
	CU_ASSERT_EQUAL(rd(31, 0, 4), 0x10441af4);
	stop();
}

static unsigned told_plugged, told_unplug, told_cancel;

static void tell_plugged(void *opaque unused, unsigned slot)
{
	told_plugged = slot;
}

static void tell_unplug(void *opaque unused, unsigned slot)
{
	told_unplug = slot;
}

static void tell_cancel(void *opaque unused, unsigned slot)
{
	told_cancel = slot;
}

static void hotplug_is_told_and_ejects(void)
{
	static const struct pci_hotplug_ops ops = {
		.plugged = tell_plugged,
		.unplug_requested = tell_unplug,
		.unplug_cancelled = tell_cancel,
	};
	struct device device;

	start();
	CU_ASSERT_EQUAL(pci_bus_request_unplug(bus, 1), -EOPNOTSUPP);
	CU_ASSERT_EQUAL(pci_bus_request_unplug(bus, 9), -ENOENT);
	CU_ASSERT_EQUAL(pci_bus_request_unplug(bus, 0), -ENOENT);
	pci_bus_set_hotplug(bus, &ops, NULL);
	CU_ASSERT_EQUAL(pci_bus_request_unplug(bus, 1), 0);
	CU_ASSERT_EQUAL(told_unplug, 1);
	pci_bus_cancel_unplug(bus, 9);
	CU_ASSERT_EQUAL(told_cancel, 0);
	pci_bus_cancel_unplug(bus, 1);
	CU_ASSERT_EQUAL(told_cancel, 1);
	pci_bus_unplug(bus, &toys[2].fn);
	toys[2].fn.device = &device;
	CU_ASSERT_EQUAL(pci_bus_plug(bus, 5, &toys[2].fn), 0);
	CU_ASSERT_EQUAL(told_plugged, 5);
	pci_bus_ejected(bus, 9);
	pci_bus_ejected(bus, 0);
	pci_bus_ejected(bus, 1000);
	CU_ASSERT_PTR_NULL(fake.unplugged);
	pci_bus_ejected(bus, 5);
	CU_ASSERT_PTR_EQUAL(fake.unplugged, &device);
	/* One that is taken out is not spoken of any more. */
	pci_bus_unplug(bus, &toys[2].fn);
	CU_ASSERT_PTR_NULL(fake.unplugged);
	stop();
}

static void capabilities_are_linked(void)
{
	unsigned at, n = 0;

	start();
	CU_ASSERT(rd(1, PCI_STATUS, 2) & PCI_STATUS_CAP_LIST);
	CU_ASSERT_EQUAL(rd(0, PCI_STATUS, 2), 0);
	for (at = rd(1, PCI_CAPABILITY_LIST, 1); at && n < 10; at = rd(1, at + 1, 1), n++)
		CU_ASSERT_EQUAL(rd(1, at, 1), PCI_CAP_ID_MSIX);
	CU_ASSERT_EQUAL(n, 1);
	at = msix_cap(toys[0].msix);
	CU_ASSERT_EQUAL(rd(1, at + PCI_MSIX_FLAGS, 2), N_VECTORS - 1);
	CU_ASSERT_EQUAL(rd(1, at + PCI_MSIX_TABLE, 4), TABLE);
	CU_ASSERT_EQUAL(rd(1, at + PCI_MSIX_PBA, 4), PBA);
	stop();
}

/* ---- MSI-X, on the first toy ---- */

static void msix_control(uint16_t value)
{
	wr(1, msix_cap(toys[0].msix) + PCI_MSIX_FLAGS, 2, value);
}

static void entry(unsigned vector, unsigned word, uint32_t value)
{
	fake_mmio_write(HOME(1) + TABLE + vector * 16 + word, 4, value);
}

static uint64_t pba(void)
{
	uint64_t value;

	fake_mmio_read(HOME(1) + PBA, 8, &value);
	return value;
}

static void fill_entry(unsigned vector)
{
	entry(vector, PCI_MSIX_ENTRY_LOWER_ADDR, 0xfee01000);
	entry(vector, PCI_MSIX_ENTRY_UPPER_ADDR, 0x2);
	entry(vector, PCI_MSIX_ENTRY_DATA, 0x40 + vector);
}

static void msix_masks_and_pending_bits(void)
{
	struct msix *msix;
	uint64_t value;

	start();
	msix = toys[0].msix;
	decode(1, true);
	CU_ASSERT_TRUE(fake_mmio_read(HOME(1) + TABLE + 12, 4, &value));
	CU_ASSERT_EQUAL(value, 1); /* masked after power-on */

	/* Off: nothing is sent and nothing is remembered. */
	fill_entry(1);
	entry(1, 12, 0);
	msix_send(msix, 1);
	CU_ASSERT_EQUAL(fake.sent[GSI + 1], 0);
	CU_ASSERT_EQUAL(fake.routes, 0);

	msix_control(PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	CU_ASSERT_TRUE(msix_enabled(msix));
	msix_send(msix, 1);
	msix_send(msix, 2);
	CU_ASSERT_EQUAL(pba(), 6);
	CU_ASSERT_EQUAL(fake.routes, 0);
	/* The function mask goes: vector 1 is sent, vector 2 is masked by its own bit. */
	msix_control(PCI_MSIX_FLAGS_ENABLE);
	CU_ASSERT_EQUAL(fake.sent[GSI + 1], 1);
	CU_ASSERT_EQUAL(fake.sent[GSI + 2], 0);
	CU_ASSERT_EQUAL(fake.last_address, 0x2fee01000ULL);
	CU_ASSERT_EQUAL(fake.last_data, 0x41);
	CU_ASSERT_EQUAL(pba(), 4);
	CU_ASSERT_EQUAL(fake.routes, 1);
	fill_entry(2);
	CU_ASSERT_EQUAL(fake.routes, 1); /* filling in a masked entry asks nothing of the machine */
	entry(2, 12, 0);
	CU_ASSERT_EQUAL(fake.sent[GSI + 2], 1);
	CU_ASSERT_EQUAL(pba(), 0);

	/* Two while masked are one. */
	entry(2, 12, 1);
	msix_send(msix, 2);
	msix_send(msix, 2);
	CU_ASSERT_EQUAL(pba(), 4);
	entry(2, 12, 0);
	CU_ASSERT_EQUAL(fake.sent[GSI + 2], 2);
	/* A vector that does not exist, one far out. */
	msix_send(msix, N_VECTORS);
	msix_send(msix, 0xffff);

	/* Off again, by a write of the byte. */
	wr(1, msix_cap(msix) + PCI_MSIX_FLAGS + 1, 1, 0);
	CU_ASSERT_FALSE(msix_enabled(msix));
	msix_send(msix, 1);
	CU_ASSERT_EQUAL(fake.sent[GSI + 1], 1);
	stop();
}

static void msix_accesses_of_all_shapes(void)
{
	uint64_t value;

	start();
	decode(1, true);
	fake_mmio_write(HOME(1) + TABLE, 8, 0x1122334455667788ULL);
	fake_mmio_write(HOME(1) + TABLE + 8, 8, 0xfffffffeaabbccddULL);
	fake_mmio_read(HOME(1) + TABLE, 8, &value);
	CU_ASSERT_EQUAL(value, 0x1122334455667788ULL);
	fake_mmio_read(HOME(1) + TABLE + 8, 8, &value);
	CU_ASSERT_EQUAL(value, 0xaabbccddULL); /* only the mask bit of the control word exists */
	/* Bytes, halves, odd places, past the last entry. */
	fake_mmio_write(HOME(1) + TABLE, 1, 0);
	fake_mmio_write(HOME(1) + TABLE + 2, 4, 0);
	fake_mmio_write(HOME(1) + TABLE + 4, 8, 0);
	fake_mmio_write(HOME(1) + TABLE + N_VECTORS * 16, 4, ~0ULL);
	fake_mmio_read(HOME(1) + TABLE, 8, &value);
	CU_ASSERT_EQUAL(value, 0x1122334455667788ULL);
	fake_mmio_read(HOME(1) + TABLE + N_VECTORS * 16, 8, &value);
	CU_ASSERT_EQUAL(value, 0);
	fake_mmio_read(HOME(1) + PBA + 8, 8, &value);
	CU_ASSERT_EQUAL(value, 0);
	fake_mmio_read(HOME(1) + PBA + 4, 4, &value);
	CU_ASSERT_EQUAL(value, 0);

	/* Power-on again. */
	pci_function_reset(&toys[0].fn);
	decode(1, true);
	fake_mmio_read(HOME(1) + TABLE, 8, &value);
	CU_ASSERT_EQUAL(value, 0);
	fake_mmio_read(HOME(1) + TABLE + 8, 8, &value);
	CU_ASSERT_EQUAL(value, 1ULL << 32);
	CU_ASSERT_FALSE(msix_enabled(toys[0].msix));
	stop();
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"ECAM and the ports, all widths", both_mechanisms_all_widths},
		{"absent functions read all ones", absent_functions_read_all_ones},
		{"100,000 random writes change writable bits only", only_writable_bits_change},
		{"BARs are sized and moved", bars_are_sized_and_moved},
		{"overlaps are refused, and retried", overlaps_are_refused_and_retried},
		{"slots are filled and emptied", slots_are_filled_and_emptied},
		{"hotplug is told and ejects", hotplug_is_told_and_ejects},
		{"capabilities are linked", capabilities_are_linked},
		{"MSI-X: masks and pending bits", msix_masks_and_pending_bits},
		{"MSI-X: accesses of all shapes, reset", msix_accesses_of_all_shapes},
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = {
		{"pci", NULL, NULL, NULL, NULL, tests},
		CU_SUITE_INFO_NULL,
	};

	return cu_tap_run(suites);
}
