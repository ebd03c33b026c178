/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NVDIMMs in ACPI: the NVDIMM Firmware Interface Table (ACPI 6.4 §5.2.25), and the registers by
 * which methods (§9.20) reach the machine. The AML is made by dsdt_add_nvdimm().
 *
 * The registers at LAYOUT_NVDIMM, 32 bits wide: the methods set handle, offset and length, then the
 * command, which is carried out before the write returns; then they read status, the other answers
 * and the data. An ACPI mutex keeps two of them apart. Who comes and goes is at LAYOUT_NVDIMM_SLOTS
 * (devices/platform/hotplug-slots.h).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "machine/layout.h"

enum nvdimm_register {
	NVDIMM_COMMAND = 0x00,
	NVDIMM_HANDLE = 0x04,
	NVDIMM_OFFSET = 0x08,
	NVDIMM_LENGTH = 0x0c,
	NVDIMM_STATUS = 0x10,       /* of _LSx: enum nvdimm_status */
	NVDIMM_SIZE = 0x14,         /* of the structures, or of the label area */
	NVDIMM_MAX_TRANSFER = 0x18, /* bytes of labels in one command */
	NVDIMM_DATA = 0x100,
	NVDIMM_REGISTERS_SIZE = 0x200,
};
#define NVDIMM_DATA_SIZE 256u

enum nvdimm_command {
	NVDIMM_FIT = 1,         /* HANDLE → SIZE, DATA: its structures; SIZE 0: it is not there */
	NVDIMM_LABEL_INFO = 2,  /* HANDLE → STATUS, SIZE, MAX_TRANSFER */
	NVDIMM_LABEL_READ = 3,  /* HANDLE, OFFSET, LENGTH → STATUS, DATA */
	NVDIMM_LABEL_WRITE = 4, /* HANDLE, OFFSET, LENGTH, DATA → STATUS */
};

/* What _LSI, _LSR and _LSW return (§6.5.10). */
enum nvdimm_status {
	NVDIMM_SUCCESS = 0,
	NVDIMM_FAILURE = 1,
	NVDIMM_INVALID = 2,
};

/* _ADR of the NVDIMM in a slot; 0 would be its root device. */
static inline uint32_t nvdimm_handle(unsigned slot)
{
	return slot + 1;
}

/**
 * struct nfit_dimm - what the table says of one NVDIMM
 * @slot: 0 to NVDIMM_SLOTS - 1
 * @base, @size: its guest-physical memory
 * @flush: address that the guest writes to have its writes made persistent (flush hint)
 * @read_only: the memory cannot be written
 */
struct nfit_dimm {
	unsigned slot;
	uint64_t base, size, flush;
	bool read_only;
};

/* The structures of one NVDIMM, in bytes. */
#define NFIT_DIMM_SIZE (56u + 48u + 32u + 24u)
#define NFIT_MAX_SIZE  (NVDIMM_SLOTS * NFIT_DIMM_SIZE)

/* Writes NFIT_DIMM_SIZE bytes of structures. */
void nfit_put_dimm(uint8_t *to, const struct nfit_dimm *dimm);
