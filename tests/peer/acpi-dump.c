/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes the firmware tables of a machine into files, one each, as the programs of acpica-tools and
 * dmidecode read them: acpi-dump VARIANT DIRECTORY.
 */
#include <config.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "acpi/acpi.h"
#include "acpi/nvdimm.h"
#include "boot/smbios.h"
#include "machine/layout.h"
#include "machine/memory.h"

#define RAM_SIZE LAYOUT_HIGH_RAM
#define MAX_CPUS 300

static uint8_t ram[RAM_SIZE];

void *guest_memory_host(const struct guest_memory *mem unused, uint64_t gpa, uint64_t len)
{
	return gpa < RAM_SIZE && len && len <= RAM_SIZE - gpa ? ram + gpa : NULL;
}

int guest_memory_write(struct guest_memory *mem, uint64_t gpa, const void *buf, size_t len)
{
	void *p = guest_memory_host(mem, gpa, len);

	if (!p)
		return -EFAULT;
	memcpy(p, buf, len);
	return 0;
}

static void write_file(const char *dir, const char *name, const void *bytes, size_t len)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "wb");
	if (!f || fwrite(bytes, 1, len, f) != len || fclose(f) != 0) {
		perror(path);
		exit(1);
	}
}

static uint64_t read_le(uint64_t gpa, unsigned size)
{
	uint64_t v = 0;

	memcpy(&v, guest_memory_host(NULL, gpa, size), size);
	return v;
}

static void write_table(const char *dir, uint64_t gpa)
{
	char name[16];

	snprintf(name, sizeof(name), "%.4s.dat", (const char *)ram + gpa);
	write_file(dir, name, ram + gpa, read_le(gpa + 4, 4));
}

static void dump_acpi(const char *dir, uint64_t rsdp)
{
	uint64_t xsdt = read_le(rsdp + 24, 8);
	uint64_t len = read_le(xsdt + 4, 4);

	write_file(dir, "rsdp.bin", ram + rsdp, 36);
	write_table(dir, xsdt);
	for (uint64_t at = xsdt + 36; at < xsdt + len; at += 8) {
		uint64_t table = read_le(at, 8);

		write_table(dir, table);
		if (memcmp(ram + table, "FACP", 4) == 0)
			write_table(dir, read_le(table + 140, 8));
	}
}

/* dmidecode's dump: the entry point, with an address in the file, and the tables at 32. */
static void dump_smbios(const char *dir)
{
	uint8_t *ep = ram + LAYOUT_SMBIOS;
	uint64_t address = read_le(LAYOUT_SMBIOS + 16, 8) - LAYOUT_SMBIOS;

	for (unsigned i = 0; i < 8; i++) {
		ep[5] = (uint8_t)(ep[5] + ep[16 + i] - (uint8_t)(address >> (8 * i)));
		ep[16 + i] = (uint8_t)(address >> (8 * i));
	}
	write_file(dir, "smbios.bin", ep, LAYOUT_SMBIOS_END - LAYOUT_SMBIOS);
}

int main(int argc, char **argv)
{
	static const uint8_t uuid[16] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
					 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};
	static const struct nfit_dimm dimms[] = {
		{0, 40 * GiB, 64 * MiB, LAYOUT_NVDIMM_FLUSH, false},
		{7, 41 * GiB, GiB, LAYOUT_NVDIMM_FLUSH + 7 * LAYOUT_NVDIMM_FLUSH_SIZE, true},
	};
	uint8_t nfit[NFIT_MAX_SIZE];
	uint32_t apic_ids[MAX_CPUS];
	struct acpi_machine machine = {.apic_ids = apic_ids, .n_cpus = 1, .max_cpus = 1};
	struct smbios_machine smbios = {
		.version = "0.1.0",
		.sockets = 1,
		.cores = 1,
		.threads = 1,
		.ram_size = 64 * MiB,
	};
	uint64_t rsdp;

	if (argc != 3)
		return 64;
	for (unsigned i = 0; i < MAX_CPUS; i++)
		apic_ids[i] = i;
	if (strcmp(argv[1], "small") != 0) {
		machine.max_cpus = 8;
		machine.n_cpus = 4;
		machine.pci = machine.serial = machine.rtc = true;
		machine.pci_hotplug = PCI_HOTPLUG;
		machine.cpu_hotplug = true;
		machine.dimm_base = 8 * GiB - 128 * MiB;
		machine.dimm_size = 128 * MiB;
		machine.n_dimms = 3;
		machine.mmio64_base = 5 * GiB;
		machine.mmio64_end = 1ULL << 39;
		smbios = (struct smbios_machine){
			.name = "web",
			.serial = "0001",
			.uuid = uuid,
			.version = "0.1.0",
			.sockets = 2,
			.cores = 2,
			.threads = 4,
			.ram_size = 40 * GiB,
		};
	}
	if (NVDIMM && strcmp(argv[1], "small") != 0) {
		machine.nvdimm = true;
		machine.nfit = nfit;
		machine.nfit_size = 2 * NFIT_DIMM_SIZE;
		nfit_put_dimm(nfit, &dimms[0]);
		nfit_put_dimm(nfit + NFIT_DIMM_SIZE, &dimms[1]);
	}
	if (strcmp(argv[1], "large") == 0) {
		machine.max_cpus = MAX_CPUS;
		machine.pci_last_bus = 255;
	}
	if (acpi_write(&machine, NULL, &rsdp) < 0 || smbios_write(&smbios, NULL) < 0) {
		fprintf(stderr, "the tables do not fit\n");
		return 1;
	}
	dump_acpi(argv[2], rsdp);
	dump_smbios(argv[2]);
	return 0;
}
