/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables (ACPI 6.4 §5.2), written straight into guest memory: the RSDP first, the XSDT in a
 * place kept for it, then the others as they come.
 */
#include <errno.h>
#include <string.h>

#include "acpi/acpi.h"
#include "acpi/aml.h"
#include "acpi/dsdt.h"
#include "acpi/madt.h"
#include "machine/layout.h"
#include "machine/memory.h"

#define RSDP_SIZE   36u
#define HEADER_SIZE 36u
#define XSDT_OFFSET 64u
#define XSDT_MAX    16u /* tables */
#define ALIGNMENT   16u

#define SPACE_IO 1

enum {
	FADT_WBINVD = 1 << 0,
	FADT_CONTROL_METHOD_POWER_BUTTON = 1 << 4,
	FADT_CONTROL_METHOD_SLEEP_BUTTON = 1 << 5,
	FADT_RESET_REGISTER = 1 << 10,
	FADT_HARDWARE_REDUCED = 1 << 20,

	/* IAPC_BOOT_ARCH. Not set: legacy devices, 8042, and "MSI is not supported" (bit 3). */
	IAPC_NO_VGA = 1 << 2,
	IAPC_NO_ASPM = 1 << 4,
	IAPC_NO_RTC = 1 << 5,
};

/* The place for the tables. What does not fit makes @failed, and is not written. */
struct tables {
	uint8_t *host;
	size_t len, size;
	size_t start; /* of the table that is being made */
	uint64_t listed[XSDT_MAX];
	unsigned n_listed;
	bool failed;
};

static void put_bytes(struct tables *t, const void *bytes, size_t len)
{
	if (len > t->size - t->len) {
		t->failed = true;
		return;
	}
	memcpy(t->host + t->len, bytes, len);
	t->len += len;
}

/* @n bytes of @value, little endian. */
static void put(struct tables *t, unsigned n, uint64_t value)
{
	put_bytes(t, &value, n);
}

static void put_zeros(struct tables *t, size_t n)
{
	while (n-- > 0)
		put(t, 1, 0);
}

/* Generic address structure (§5.2.3.2) of a byte-wide port. */
static void put_port(struct tables *t, uint16_t port)
{
	put(t, 1, SPACE_IO);
	put(t, 1, 8);
	put(t, 1, 0);
	put(t, 1, 1);
	put(t, 8, port);
}

static uint8_t checksum(const uint8_t *bytes, size_t len)
{
	uint8_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum = (uint8_t)(sum + bytes[i]);
	return (uint8_t)-sum;
}

static void begin_table(struct tables *t, const char *signature, uint8_t revision)
{
	t->start = t->len;
	put_bytes(t, signature, 4);
	put(t, 4, 0); /* length and checksum are set at the end */
	put(t, 1, revision);
	put(t, 1, 0);
	put_bytes(t, "WEFT  ", 6);
	put_bytes(t, "WEFTVM  ", 8);
	put(t, 4, 1);
	put_bytes(t, "WEFT", 4);
	put(t, 4, 1);
}

/* Return: the guest-physical address of the table. */
static uint64_t end_table(struct tables *t)
{
	uint8_t *p = t->host + t->start;
	uint32_t len = (uint32_t)(t->len - t->start);
	uint64_t address = LAYOUT_ACPI + t->start;

	if (t->failed)
		return 0;
	memcpy(p + 4, &len, sizeof(len));
	p[9] = checksum(p, len);
	t->len = MIN(ALIGN_UP(t->len, (size_t)ALIGNMENT), t->size);
	return address;
}

/* Ends a table that the XSDT lists. */
static void end_listed(struct tables *t)
{
	uint64_t address = end_table(t);

	if (t->n_listed == XSDT_MAX)
		t->failed = true;
	else
		t->listed[t->n_listed++] = address;
}

static uint64_t put_dsdt(struct tables *t, const struct acpi_machine *machine)
{
	struct aml a;

	aml_init(&a);
	dsdt_build(&a, machine);
	begin_table(t, "DSDT", 2); /* from 2 on integers have 64 bits */
	put_bytes(t, a.bytes, a.len);
	aml_fini(&a);
	return end_table(t);
}

/* §5.2.9 */
static void put_fadt(struct tables *t, const struct acpi_machine *machine, uint64_t dsdt)
{
	begin_table(t, "FACP", 6);
	put(t, 4, 0); /* no FACS: it is optional with reduced hardware */
	put(t, 4, dsdt);
	put(t, 1, 0);
	put(t, 1, 4);     /* profile: enterprise server */
	put_zeros(t, 62); /* SCI to the alarm months: fixed hardware, there is none */
	put(t, 1, machine->rtc ? 0x32 : 0); /* CMOS register of the century */
	put(t, 2, IAPC_NO_VGA | IAPC_NO_ASPM | (machine->rtc ? 0 : IAPC_NO_RTC));
	put(t, 1, 0);
	put(t, 4,
	    FADT_WBINVD | FADT_CONTROL_METHOD_POWER_BUTTON | FADT_CONTROL_METHOD_SLEEP_BUTTON |
		    FADT_RESET_REGISTER | FADT_HARDWARE_REDUCED);
	put_port(t, PORT_ACPI_RESET);
	put(t, 1, ACPI_RESET_VALUE);
	put(t, 2, 0);
	put(t, 1, 4); /* 6.4 */
	put(t, 8, 0);
	put(t, 8, dsdt);
	put_zeros(t, 8 * 12); /* X_ addresses of fixed hardware */
	put_port(t, PORT_ACPI_SLEEP_CONTROL);
	put_port(t, PORT_ACPI_SLEEP_STATUS);
	put_bytes(t, "WEFT\0\0\0\0", 8); /* hypervisor vendor */
	end_listed(t);
}

size_t madt_cpu(uint32_t number, uint32_t apic_id, uint32_t flags, uint8_t *ret)
{
	if (apic_id < 255 && number < 255) {
		memcpy(ret, (uint8_t[]){0, 8, (uint8_t)number, (uint8_t)apic_id}, 4);
		memcpy(ret + 4, &flags, sizeof(flags));
		return 8;
	}
	memcpy(ret, (uint8_t[]){9, MADT_CPU_MAX, 0, 0}, 4);
	memcpy(ret + 4, &apic_id, sizeof(apic_id));
	memcpy(ret + 8, &flags, sizeof(flags));
	memcpy(ret + 12, &number, sizeof(number));
	return MADT_CPU_MAX;
}

static void put_cpu(struct tables *t, unsigned number, uint32_t apic_id, uint32_t flags)
{
	uint8_t entry[MADT_CPU_MAX];

	put_bytes(t, entry, madt_cpu(number, apic_id, flags, entry));
}

/* §5.2.12 */
static void put_madt(struct tables *t, const struct acpi_machine *machine)
{
	begin_table(t, "APIC", 5);
	put(t, 4, LAYOUT_LAPIC);
	put(t, 4, 0); /* no 8259 */
	for (unsigned i = 0; i < machine->max_cpus; i++)
		put_cpu(t, i, machine->apic_ids[i],
			i < machine->n_cpus ? MADT_ENABLED : MADT_ONLINE_CAPABLE);
	put(t, 2, 1 | 12 << 8); /* IOAPIC */
	put(t, 2, 0);
	put(t, 4, LAYOUT_IOAPIC);
	put(t, 4, 0);
	if (machine->serial) {
		/* ISA interrupt 4 is pin 4, edge, active high: for those who read no DSDT. */
		put(t, 2, 2 | 10 << 8);
		put(t, 1, 0);
		put(t, 1, IRQ_COM1);
		put(t, 4, IRQ_COM1);
		put(t, 2, 0x05);
	}
	end_listed(t);
}

/* PCI Firmware Specification 3.3 §4.1.2 */
static void put_mcfg(struct tables *t, const struct acpi_machine *machine)
{
	begin_table(t, "MCFG", 1);
	put(t, 8, 0);
	put(t, 8, LAYOUT_ECAM);
	put(t, 2, 0);
	put(t, 1, 0);
	put(t, 1, machine->pci_last_bus);
	put(t, 4, 0);
	end_listed(t);
}

/* §5.2.25 */
static void put_nfit(struct tables *t, const struct acpi_machine *machine)
{
	begin_table(t, "NFIT", 1);
	put(t, 4, 0);
	if (machine->nfit_size)
		put_bytes(t, machine->nfit, machine->nfit_size);
	end_listed(t);
}

/* Microsoft's Serial Port Console Redirection Table, revision 2. */
static void put_spcr(struct tables *t)
{
	begin_table(t, "SPCR", 2);
	put(t, 4, 0); /* a full 16550 */
	put_port(t, PORT_COM1);
	put(t, 1, 1 << 1); /* its interrupt goes to the IOAPIC */
	put(t, 1, 0);
	put(t, 4, IRQ_COM1);
	put(t, 1, 7); /* 115200 baud */
	put(t, 1, 0); /* no parity */
	put(t, 1, 1); /* one stop bit */
	put(t, 1, 0);
	put(t, 1, 2); /* VT-UTF8 */
	put(t, 1, 0);
	put(t, 4, 0xffffffff); /* not a PCI device */
	put_zeros(t, 12);
	end_listed(t);
}

static void put_xsdt(struct tables *t)
{
	size_t len = t->len;

	t->len = XSDT_OFFSET;
	begin_table(t, "XSDT", 1);
	for (unsigned i = 0; i < t->n_listed; i++)
		put(t, 8, t->listed[i]);
	end_table(t);
	t->len = len;
}

/* §5.2.5.3 */
static void put_rsdp(struct tables *t)
{
	t->len = 0;
	put_bytes(t, "RSD PTR ", 8);
	put(t, 1, 0);
	put_bytes(t, "WEFT  ", 6);
	put(t, 1, 2);
	put(t, 4, 0); /* no RSDT */
	put(t, 4, RSDP_SIZE);
	put(t, 8, LAYOUT_ACPI + XSDT_OFFSET);
	put(t, 4, 0);
	t->host[8] = checksum(t->host, 20);
	t->host[32] = checksum(t->host, RSDP_SIZE);
}

int acpi_write(const struct acpi_machine *machine, struct guest_memory *memory, uint64_t *ret_rsdp)
{
	struct tables t = {
		.size = LAYOUT_ACPI_END - LAYOUT_ACPI,
		.len = XSDT_OFFSET + ALIGN_UP(HEADER_SIZE + 8 * XSDT_MAX, ALIGNMENT),
	};
	uint64_t dsdt;

	invariant(machine->n_cpus >= 1 && machine->n_cpus <= machine->max_cpus);
	t.host = guest_memory_host(memory, LAYOUT_ACPI, t.size);
	if (!t.host)
		return -EFAULT;
	dsdt = put_dsdt(&t, machine);
	put_fadt(&t, machine, dsdt);
	put_madt(&t, machine);
	if (machine->pci)
		put_mcfg(&t, machine);
	if (machine->serial)
		put_spcr(&t);
	/* Also without an NVDIMM: Linux asks a root device that comes later for its _FIT only then.
	 */
	if (machine->nvdimm)
		put_nfit(&t, machine);
	if (t.failed)
		return -E2BIG;
	put_xsdt(&t);
	put_rsdp(&t);
	*ret_rsdp = LAYOUT_ACPI;
	return 0;
}
