/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The DSDT, made of parts: one function each, called inside `Scope (\_SB)`. A part that is not in
 * the machine adds nothing. Every object costs boot time in the guest, so there are few.
 */
#pragma once

struct acpi_machine;
struct aml;

/* The whole DSDT without its header. */
void dsdt_build(struct aml *a, const struct acpi_machine *machine);

/* PCI0, the host bridge, and MBRD, which holds the ECAM window. */
void dsdt_add_pci(struct aml *a, const struct acpi_machine *machine);

/* Inside PCI0: S001 to S031, a slot each, and PCNT for the GED. */
void dsdt_add_pci_hotplug(struct aml *a);

/* COM1, RTC, PWRB: devices at fixed ports, and the power button. */
void dsdt_add_platform(struct aml *a, const struct acpi_machine *machine);

/* CPUS: processors that come and go. Nothing without CPU hotplug. */
void dsdt_add_cpus(struct aml *a, const struct acpi_machine *machine);

/* MEMS: blocks of memory that come and go. Nothing when there are none. */
void dsdt_add_dimms(struct aml *a, const struct acpi_machine *machine);

/* NVDS: NVDIMMs that come and go, each with its root device (acpi/nvdimm.c). */
void dsdt_add_nvdimm(struct aml *a);

/* GED: the events, and who is told of each. */
void dsdt_add_ged(struct aml *a, const struct acpi_machine *machine);
