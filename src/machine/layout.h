/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest-physical map, fixed for every machine. RAM splits at 3 GiB; what is above 4 GiB and
 * depends on the size of RAM is computed by the graph.
 */
#pragma once

#include "base/compiler.h"

/* Low memory: what the boot protocols put there (docs: PVH, Linux boot protocol). */
#define LAYOUT_GDT            0x500ULL
#define LAYOUT_PVH_START_INFO 0x6000ULL
#define LAYOUT_ZERO_PAGE      0x7000ULL /* struct boot_params, or the PVH memory map */
#define LAYOUT_BOOT_STACK     0x8ff0ULL /* grows down; in usable RAM */
#define LAYOUT_PML4           0x9000ULL /* identity map of the first 4 GiB: 0x9000-0xefff */
#define LAYOUT_CMDLINE        0x20000ULL
#define LAYOUT_CMDLINE_MAX    (64 * KiB)
#define LAYOUT_LOW_RAM_END    0xa0000ULL
#define LAYOUT_ACPI           0xe0000ULL /* RSDP first; tables up to 0xf0000 */
#define LAYOUT_ACPI_END       0xf0000ULL
#define LAYOUT_SMBIOS         0xf0000ULL
#define LAYOUT_SMBIOS_END     0xffff0ULL
#define LAYOUT_RESET_VECTOR   0xffff0ULL /* where a PC has its BIOS begin */
#define LAYOUT_HIGH_RAM       0x100000ULL

/* The 32-bit hole. */
#define LAYOUT_RAM_SPLIT        (3 * GiB)
#define LAYOUT_MMIO32           0xc0000000ULL /* 32-bit BARs */
#define LAYOUT_MMIO32_END       0xe8000000ULL
#define LAYOUT_ECAM             0xe8000000ULL /* 256 buses, 1 MiB each */
#define LAYOUT_ECAM_SIZE        (256 * MiB)
#define LAYOUT_PLATFORM         0xfeb00000ULL /* GED and hotplug controllers */
#define LAYOUT_PLATFORM_SIZE    MiB
#define LAYOUT_IOAPIC           0xfec00000ULL
#define LAYOUT_IOAPIC_SIZE      0x1000ULL
#define LAYOUT_LAPIC            0xfee00000ULL
#define LAYOUT_KVM_IDENTITY_MAP 0xfffbc000ULL
#define LAYOUT_KVM_TSS          0xfffbd000ULL /* 3 pages */
#define LAYOUT_RAM_HIGH         (4 * GiB)

/* Inside the platform window. */
#define LAYOUT_GED               (LAYOUT_PLATFORM + 0x0000)
#define LAYOUT_CPU_HOTPLUG       (LAYOUT_PLATFORM + 0x1000)
#define LAYOUT_MEMORY_HOTPLUG    (LAYOUT_PLATFORM + 0x2000)
#define LAYOUT_PCI_HOTPLUG       (LAYOUT_PLATFORM + 0x3000)
#define LAYOUT_NVDIMM            (LAYOUT_PLATFORM + 0x4000)
#define LAYOUT_NVDIMM_SLOTS      (LAYOUT_PLATFORM + 0x5000)  /* who comes and goes */
#define LAYOUT_NVDIMM_FLUSH      (LAYOUT_PLATFORM + 0x10000) /* a page for each NVDIMM */
#define LAYOUT_NVDIMM_FLUSH_SIZE 0x1000ULL

/* I/O ports. */
#define PORT_PIC1               0x20
#define PORT_PIT                0x40
#define PORT_SYSTEM_CONTROL_B   0x61
#define PORT_I8042              0x60
#define PORT_I8042_COMMAND      0x64
#define PORT_CMOS               0x70
#define PORT_POST               0x80
#define PORT_DEBUGCON           0xe9
#define PORT_DEBUGCON_EDK2      0x402
#define PORT_COM1               0x3f8
#define PORT_ACPI_SLEEP_CONTROL 0x600
#define PORT_ACPI_SLEEP_STATUS  0x601
#define PORT_ACPI_RESET         0x602
#define PORT_ACPI_TIMER         0x608
#define PORT_PCI_CONFIG         0xcf8

/* Interrupts: pins of the IOAPIC, then one GSI for each MSI-X vector. */
#define IOAPIC_PINS   24
#define IRQ_COM1      4
#define IRQ_GED       5
#define GSI_MSI_FIRST IOAPIC_PINS
#define GSI_MSI_END   4096 /* KVM_MAX_IRQ_ROUTES */

/* All NVDIMMs that there can be are in the DSDT, which does not grow. */
#define NVDIMM_SLOTS 8

/* PCI. */
#define PCI_SLOTS 32 /* slot 0 is the host bridge */
