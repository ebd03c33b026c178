/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The structures of the NFIT, and the AML of NVDIMMs.
 *
 * Every NVDIMM has a root device of its own, in a container that comes and goes:
 *
 *	Device (NVDS) {				registers, and methods that all of them share
 *	    Device (N000) {			ACPI0004: _STA, _EJ0, _OST
 *		Device (NVDR) {			ACPI0012: _FIT, with this NVDIMM alone
 *		    Device (NV01) {…}		_ADR; _LSI, _LSR, _LSW, _DSM
 *
 * The specification (§9.20.2) thinks of one root device for all. From that one nothing can be
 *taken: Linux refuses a _FIT that lacks an NVDIMM it has seen ("new nfit deletes entries
 *(unsupported)"), keeps the region, and makes a second one of it should the NVDIMM come again; and
 *to eject the root device would take every NVDIMM along. A root device that goes takes its own
 *NVDIMM, in order. In Linux a container is asked for, and goes when it has been taken offline in
 *the guest, never before: what is mounted from it is its administrator's to know.
 *
 * Labels are reached by _LSI, _LSR and _LSW (§6.5.10). Linux looks for these only beside a _DSM
 *whose function 0 knows one of five UUIDs. Of Hyper-V's it asks the least: its few functions are
 *asked for one by one, and of Intel's, which has some thirty, it does not use the methods. No
 *function but 0 is there. An NVDIMM without labels answers its label methods with a failure, and
 *knows no UUID, which makes Linux treat it as one without labels.
 */
#include <stdio.h>
#include <string.h>

#include "acpi/acpi.h"
#include "acpi/aml.h"
#include "acpi/dsdt.h"
#include "acpi/hotplug-slots.h"
#include "acpi/nvdimm.h"

enum {
	NFIT_SPA = 0,
	NFIT_MEMORY_MAP = 1,
	NFIT_CONTROL_REGION = 4,
	NFIT_FLUSH_HINT = 6,

	MEMORY_NOT_ARMED = 1 << 3, /* what is written to it is lost: Linux makes it read-only */
};

#define EFI_MEMORY_WB 0x8ULL
#define EFI_MEMORY_NV 0x8000ULL

/* Byte addressable persistent memory: 66f0d379-b4f3-4074-ac43-0d3318b78cdb */
static const uint8_t persistent_memory[16] = {0x79, 0xd3, 0xf0, 0x66, 0xf3, 0xb4, 0x74, 0x40,
					      0xac, 0x43, 0x0d, 0x33, 0x18, 0xb7, 0x8c, 0xdb};
/* Hyper-V's DSM: 5746c5f2-a9a2-4264-ad0e-e4ddc9e09e80 */
static const uint8_t hyperv_dsm[16] = {0xf2, 0xc5, 0x46, 0x57, 0xa2, 0xa9, 0x64, 0x42,
				       0xad, 0x0e, 0xe4, 0xdd, 0xc9, 0xe0, 0x9e, 0x80};

/* ---- the table ---- */

struct out {
	uint8_t *at;
};

/* @n bytes of @value, little endian. */
static void put(struct out *out, unsigned n, uint64_t value)
{
	memcpy(out->at, &value, n);
	out->at += n;
}

/* §5.2.25.2 */
static void put_spa(struct out *out, const struct nfit_dimm *dimm)
{
	put(out, 2, NFIT_SPA);
	put(out, 2, 56);
	put(out, 2, dimm->slot + 1); /* index of the range */
	put(out, 2, 0);
	put(out, 8, 0); /* no proximity domain */
	memcpy(out->at, persistent_memory, sizeof(persistent_memory));
	out->at += sizeof(persistent_memory);
	put(out, 8, dimm->base);
	put(out, 8, dimm->size);
	put(out, 8, EFI_MEMORY_WB | EFI_MEMORY_NV);
}

/* §5.2.25.3: the whole range is the one NVDIMM, from its first byte on. */
static void put_memory_map(struct out *out, const struct nfit_dimm *dimm)
{
	put(out, 2, NFIT_MEMORY_MAP);
	put(out, 2, 48);
	put(out, 4, nvdimm_handle(dimm->slot));
	put(out, 2, 0xffff); /* no SMBIOS structure */
	put(out, 2, 0);
	put(out, 2, dimm->slot + 1); /* the range */
	put(out, 2, dimm->slot + 1); /* the control region */
	put(out, 8, dimm->size);
	put(out, 8, 0);
	put(out, 8, 0);
	put(out, 2, 0);
	put(out, 2, 1); /* not interleaved */
	put(out, 2, dimm->read_only ? MEMORY_NOT_ARMED : 0);
	put(out, 2, 0);
}

/* §5.2.25.6, without block windows. The ids are of no vendor; a serial number tells DIMMs apart. */
static void put_control_region(struct out *out, const struct nfit_dimm *dimm)
{
	put(out, 2, NFIT_CONTROL_REGION);
	put(out, 2, 32);
	put(out, 2, dimm->slot + 1);
	put(out, 2, 0x4657); /* "WF" */
	put(out, 2, 1);
	put(out, 2, 1);
	put(out, 6, 0);
	put(out, 6, 0);
	put(out, 4, __builtin_bswap32(nvdimm_handle(dimm->slot)));
	put(out, 2, 0x0301); /* byte addressable, no energy backup */
	put(out, 2, 0);
}

/* §5.2.25.9 */
static void put_flush_hint(struct out *out, const struct nfit_dimm *dimm)
{
	put(out, 2, NFIT_FLUSH_HINT);
	put(out, 2, 24);
	put(out, 4, nvdimm_handle(dimm->slot));
	put(out, 2, 1);
	put(out, 6, 0);
	put(out, 8, dimm->flush);
}

void nfit_put_dimm(uint8_t *to, const struct nfit_dimm *dimm)
{
	struct out out = {to};

	put_spa(&out, dimm);
	put_memory_map(&out, dimm);
	put_control_region(&out, dimm);
	put_flush_hint(&out, dimm);
	invariant(out.at == to + NFIT_DIMM_SIZE);
}

/* ---- AML ---- */

static void store_integer(struct aml *a, uint64_t value, const char *to)
{
	aml_op(a, AML_STORE);
	aml_integer(a, value);
	aml_path(a, to);
}

static void store_op(struct aml *a, enum aml_op from, const char *to)
{
	aml_op(a, AML_STORE);
	aml_op(a, from);
	aml_path(a, to);
}

/* Store (from, Index (@package, i)); what to store is put by the caller. */
static void index_target(struct aml *a, enum aml_op package, unsigned i)
{
	aml_op(a, AML_INDEX);
	aml_op(a, package);
	aml_integer(a, i);
	aml_op(a, AML_NOTHING);
}

static void store_element(struct aml *a, const char *from, enum aml_op package, unsigned i)
{
	aml_op(a, AML_STORE);
	aml_path(a, from);
	index_target(a, package, i);
}

static void return_op(struct aml *a, enum aml_op value)
{
	aml_op(a, AML_RETURN);
	aml_op(a, value);
}

/* Local0 = Package (n) {} */
static void new_package(struct aml *a, unsigned n)
{
	aml_op(a, AML_STORE);
	aml_package(a, n);
	aml_end(a);
	aml_op(a, AML_LOCAL0);
}

static void add_registers(struct aml *a)
{
	aml_mutex(a, "NMTX");
	aml_region(a, "NREG", AML_SYSTEM_MEMORY, LAYOUT_NVDIMM, NVDIMM_REGISTERS_SIZE);
	aml_field(a, "NREG", AML_ACCESS_DWORD | AML_PRESERVE);
	aml_field_unit(a, "NCMD", 32);
	aml_field_unit(a, "NHDL", 32);
	aml_field_unit(a, "NOFF", 32);
	aml_field_unit(a, "NLEN", 32);
	aml_field_unit(a, "NSTA", 32);
	aml_field_unit(a, "NSIZ", 32);
	aml_field_unit(a, "NMAX", 32);
	aml_end(a);
	aml_field(a, "NREG", AML_ACCESS_QWORD | AML_PRESERVE);
	aml_field_unit(a, NULL, NVDIMM_DATA * 8);
	aml_field_unit(a, "NDAT", NVDIMM_DATA_SIZE * 8);
	aml_end(a);
}

/* NFIT (handle): what _FIT (§6.5.9) of its root device returns. */
static void add_fit(struct aml *a)
{
	aml_method(a, "NFIT", 1);
	aml_acquire(a, "NMTX");
	store_op(a, AML_ARG0, "NHDL");
	store_integer(a, NVDIMM_FIT, "NCMD");
	aml_op(a, AML_STORE);
	aml_op(a, AML_MID);
	aml_path(a, "NDAT");
	aml_integer(a, 0);
	aml_path(a, "NSIZ");
	aml_op(a, AML_NOTHING);
	aml_op(a, AML_LOCAL0);
	aml_release(a, "NMTX");
	return_op(a, AML_LOCAL0);
	aml_end(a);
}

/* NLSI (handle): {status, size, largest transfer} */
static void add_label_info(struct aml *a)
{
	aml_method(a, "NLSI", 1);
	aml_acquire(a, "NMTX");
	store_op(a, AML_ARG0, "NHDL");
	store_integer(a, NVDIMM_LABEL_INFO, "NCMD");
	new_package(a, 3);
	store_element(a, "NSTA", AML_LOCAL0, 0);
	store_element(a, "NSIZ", AML_LOCAL0, 1);
	store_element(a, "NMAX", AML_LOCAL0, 2);
	aml_release(a, "NMTX");
	return_op(a, AML_LOCAL0);
	aml_end(a);
}

/* NLSR (handle, offset, length): {status, data} */
static void add_label_read(struct aml *a)
{
	aml_method(a, "NLSR", 3);
	aml_acquire(a, "NMTX");
	store_op(a, AML_ARG0, "NHDL");
	store_op(a, AML_ARG1, "NOFF");
	store_op(a, AML_ARG2, "NLEN");
	store_integer(a, NVDIMM_LABEL_READ, "NCMD");
	new_package(a, 2);
	store_element(a, "NSTA", AML_LOCAL0, 0);
	aml_op(a, AML_STORE);
	aml_op(a, AML_MID);
	aml_path(a, "NDAT");
	aml_integer(a, 0);
	aml_op(a, AML_ARG2);
	aml_op(a, AML_NOTHING);
	index_target(a, AML_LOCAL0, 1);
	aml_release(a, "NMTX");
	return_op(a, AML_LOCAL0);
	aml_end(a);
}

/* NLSW (handle, offset, length, data): status */
static void add_label_write(struct aml *a)
{
	aml_method(a, "NLSW", 4);
	aml_acquire(a, "NMTX");
	store_op(a, AML_ARG0, "NHDL");
	store_op(a, AML_ARG1, "NOFF");
	store_op(a, AML_ARG2, "NLEN");
	store_op(a, AML_ARG3, "NDAT");
	store_integer(a, NVDIMM_LABEL_WRITE, "NCMD");
	aml_op(a, AML_STORE);
	aml_path(a, "NSTA");
	aml_op(a, AML_LOCAL0);
	aml_release(a, "NMTX");
	return_op(a, AML_LOCAL0);
	aml_end(a);
}

/* NDSM (handle, UUID): which functions there are, of the UUID that counts */
static void add_dsm(struct aml *a)
{
	static const uint8_t none = 0, known = 1;

	aml_method(a, "NDSM", 2);
	aml_if(a);
	aml_op(a, AML_EQUAL);
	aml_op(a, AML_ARG1);
	aml_buffer(a, hyperv_dsm, sizeof(hyperv_dsm));
	aml_acquire(a, "NMTX");
	store_op(a, AML_ARG0, "NHDL");
	store_integer(a, NVDIMM_LABEL_INFO, "NCMD");
	aml_op(a, AML_STORE);
	aml_path(a, "NSTA");
	aml_op(a, AML_LOCAL0);
	aml_release(a, "NMTX");
	aml_if(a);
	aml_op(a, AML_LNOT);
	aml_op(a, AML_LOCAL0);
	aml_op(a, AML_RETURN);
	aml_buffer(a, &known, 1);
	aml_end(a);
	aml_end(a);
	aml_op(a, AML_RETURN);
	aml_buffer(a, &none, 1);
	aml_end(a);
}

/* Method (@name, @args) {Return (@call (handle, the first @passed of its arguments))} */
static void add_call(struct aml *a, const char *name, unsigned args, const char *call,
		     uint32_t handle, unsigned passed)
{
	aml_method(a, name, args);
	aml_op(a, AML_RETURN);
	aml_path(a, call);
	aml_integer(a, handle);
	for (unsigned i = 0; i < passed; i++)
		aml_op(a, AML_ARG0 + i);
	aml_end(a);
}

static void add_child(struct aml *a, unsigned slot)
{
	const uint32_t handle = nvdimm_handle(slot);
	char name[5];

	snprintf(name, sizeof(name), "NV%02X", handle & 0xff);
	aml_device(a, name);
	aml_name_integer(a, "_ADR", handle);
	add_call(a, "_LSI", 0, "NLSI", handle, 0);
	add_call(a, "_LSR", 2, "NLSR", handle, 2);
	add_call(a, "_LSW", 3, "NLSW", handle, 3);
	add_call(a, "_DSM", 4, "NDSM", handle, 1);
	aml_end(a);
}

static void add_slot(struct aml *a, unsigned slot)
{
	char name[5];

	aml_slot_name('N', slot, name);
	aml_device(a, name);
	aml_name(a, "_HID");
	aml_string(a, "ACPI0004");
	aml_name_integer(a, "_UID", slot);
	aml_slot_methods(a, slot, true);
	aml_device(a, "NVDR");
	aml_name(a, "_HID");
	aml_string(a, "ACPI0012");
	aml_name_integer(a, "_UID", slot);
	add_call(a, "_FIT", 0, "NFIT", nvdimm_handle(slot), 0);
	add_child(a, slot);
	aml_end(a);
	aml_end(a);
}

void dsdt_add_nvdimm(struct aml *a)
{
	aml_device(a, "NVDS");
	aml_name(a, "_HID");
	aml_eisa_id(a, "PNP0A06");
	add_registers(a);
	add_fit(a);
	add_label_info(a);
	add_label_read(a);
	add_label_write(a);
	add_dsm(a);
	aml_slots_registers(a, LAYOUT_NVDIMM_SLOTS, NVDIMM_SLOTS);
	for (unsigned slot = 0; slot < NVDIMM_SLOTS; slot++)
		add_slot(a, slot);
	aml_slots_scan(a, 'N', NVDIMM_SLOTS);
	aml_end(a);
}
