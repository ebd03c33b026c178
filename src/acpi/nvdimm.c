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
 * The specification (§9.20.2) thinks of one root device for all. From that one nothing can be taken:
 * Linux refuses a _FIT that lacks an NVDIMM it has seen ("new nfit deletes entries (unsupported)"),
 * keeps the region, and makes a second one of it should the NVDIMM come again; and to eject the root
 * device would take every NVDIMM along. A root device that goes takes its own NVDIMM, in order. In
 * Linux a container is asked for, and goes when it has been taken offline in the guest, never before:
 * what is mounted from it is its administrator's to know.
 *
 * An NVDIMM without labels answers its label methods with a failure, and its _DSM with "no
 * functions", which makes Linux treat it as one without labels. Labels are reached by _LSI, _LSR
 * and _LSW, and for Linux, which looks for these only beside a _DSM of a known family, by functions
 * 4 to 6 of Intel's "NVDIMM DSM Interface" as well.
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
/* Intel's DSM: 4309ac30-0d11-11e4-9191-0800200c9a66 */
static const uint8_t intel_dsm[16] = {0x30, 0xac, 0x09, 0x43, 0x11, 0x0d, 0xe4, 0x11,
				      0x91, 0x91, 0x08, 0x00, 0x20, 0x0c, 0x9a, 0x66};

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

/* DerefOf (Index (@package, i)) */
static void element(struct aml *a, enum aml_op package, unsigned i)
{
	aml_op(a, AML_DEREF_OF);
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

/* CreateDWordField (@buffer, @offset, @name) */
static void dword_in(struct aml *a, enum aml_op buffer, unsigned offset, const char *name)
{
	aml_op(a, AML_CREATE_DWORD_FIELD);
	aml_op(a, buffer);
	aml_integer(a, offset);
	aml_path(a, name);
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

static void if_function(struct aml *a, unsigned function)
{
	aml_if(a);
	aml_op(a, AML_EQUAL);
	aml_op(a, AML_ARG2);
	aml_integer(a, function);
}

/* Local1 = Buffer (size) {}; its first bytes are the status @name, 3 ("invalid") unless Local0 is
 * 0. */
static void answer_status(struct aml *a, unsigned size, const char *name)
{
	static const uint8_t zeros[16];

	aml_op(a, AML_STORE);
	aml_buffer(a, zeros, size);
	aml_op(a, AML_LOCAL1);
	dword_in(a, AML_LOCAL1, 0, name);
	aml_if(a);
	aml_op(a, AML_LOCAL0);
	store_integer(a, 3, name);
	aml_end(a);
}

/* Local2 = the input, its first two dwords are @offset and @length. */
static void take_input(struct aml *a, const char *offset, const char *length)
{
	aml_op(a, AML_STORE);
	element(a, AML_ARG3, 0);
	aml_op(a, AML_LOCAL2);
	dword_in(a, AML_LOCAL2, 0, offset);
	dword_in(a, AML_LOCAL2, 4, length);
}

/* Function 4: status, size, largest transfer. Local3 is what NLSI returned. */
static void add_dsm_size(struct aml *a)
{
	if_function(a, 4);
	answer_status(a, 12, "IST4");
	dword_in(a, AML_LOCAL1, 4, "ISIZ");
	dword_in(a, AML_LOCAL1, 8, "IMAX");
	aml_op(a, AML_STORE);
	element(a, AML_LOCAL3, 1);
	aml_path(a, "ISIZ");
	aml_op(a, AML_STORE);
	element(a, AML_LOCAL3, 2);
	aml_path(a, "IMAX");
	return_op(a, AML_LOCAL1);
	aml_end(a);
}

/* Function 5: status, data. */
static void add_dsm_read(struct aml *a)
{
	if_function(a, 5);
	take_input(a, "ROFF", "RLEN");
	aml_op(a, AML_STORE);
	aml_path(a, "NLSR");
	aml_op(a, AML_ARG0);
	aml_path(a, "ROFF");
	aml_path(a, "RLEN");
	aml_op(a, AML_LOCAL4);
	aml_op(a, AML_STORE);
	element(a, AML_LOCAL4, 0);
	aml_op(a, AML_LOCAL0);
	answer_status(a, 4, "IST5");
	aml_op(a, AML_CONCATENATE);
	aml_op(a, AML_LOCAL1);
	element(a, AML_LOCAL4, 1);
	aml_op(a, AML_LOCAL5);
	return_op(a, AML_LOCAL5);
	aml_end(a);
}

/* Function 6: status. */
static void add_dsm_write(struct aml *a)
{
	if_function(a, 6);
	take_input(a, "WOFF", "WLEN");
	aml_op(a, AML_STORE);
	aml_path(a, "NLSW");
	aml_op(a, AML_ARG0);
	aml_path(a, "WOFF");
	aml_path(a, "WLEN");
	aml_op(a, AML_MID);
	aml_op(a, AML_LOCAL2);
	aml_integer(a, 8);
	aml_path(a, "WLEN");
	aml_op(a, AML_NOTHING);
	aml_op(a, AML_LOCAL0);
	answer_status(a, 4, "IST6");
	return_op(a, AML_LOCAL1);
	aml_end(a);
}

/* NDSM (handle, UUID, function, input) */
static void add_dsm(struct aml *a)
{
	static const uint8_t none = 0, functions = 1 | 1 << 4 | 1 << 5 | 1 << 6;

	aml_method(a, "NDSM", 4);
	aml_if(a);
	aml_op(a, AML_EQUAL);
	aml_op(a, AML_ARG1);
	aml_buffer(a, intel_dsm, sizeof(intel_dsm));
	aml_op(a, AML_STORE);
	aml_path(a, "NLSI");
	aml_op(a, AML_ARG0);
	aml_op(a, AML_LOCAL3);
	aml_op(a, AML_STORE);
	element(a, AML_LOCAL3, 0);
	aml_op(a, AML_LOCAL0);
	/* Without labels no function, and no family of functions, is there. */
	aml_if(a);
	aml_op(a, AML_LNOT);
	aml_op(a, AML_LOCAL0);
	if_function(a, 0);
	aml_op(a, AML_RETURN);
	aml_buffer(a, &functions, 1);
	aml_end(a);
	add_dsm_size(a);
	add_dsm_read(a);
	add_dsm_write(a);
	aml_end(a);
	aml_end(a);
	aml_op(a, AML_RETURN);
	aml_buffer(a, &none, 1);
	aml_end(a);
}

/* Method (@name, @args) {Return (@call (handle, its arguments from @first on, but @skip))} */
static void add_call(struct aml *a, const char *name, unsigned args, const char *call,
		     uint32_t handle, unsigned first, unsigned skip)
{
	aml_method(a, name, args);
	aml_op(a, AML_RETURN);
	aml_path(a, call);
	aml_integer(a, handle);
	for (unsigned i = first; i < args; i++)
		if (i != skip)
			aml_op(a, AML_ARG0 + i);
	aml_end(a);
}

static void add_child(struct aml *a, unsigned slot)
{
	const uint32_t handle = nvdimm_handle(slot);
	const unsigned none = UINT32_MAX;
	char name[5];

	snprintf(name, sizeof(name), "NV%02X", handle & 0xff);
	aml_device(a, name);
	aml_name_integer(a, "_ADR", handle);
	add_call(a, "_LSI", 0, "NLSI", handle, 0, none);
	add_call(a, "_LSR", 2, "NLSR", handle, 0, none);
	add_call(a, "_LSW", 3, "NLSW", handle, 0, none);
	add_call(a, "_DSM", 4, "NDSM", handle, 0, 1); /* all but the revision */
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
	add_call(a, "_FIT", 0, "NFIT", nvdimm_handle(slot), 0, 0);
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
