/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A builder of AML, the byte code of ACPI (ACPI 6.4 §20). AML is prefix notation, and so is its
 * building: what takes operands is called first, its operands follow. What has a body is closed by
 * aml_end().
 *
 *	aml_method(a, "_STA", 0);		Method (_STA, 0) {
 *	aml_op(a, AML_RETURN);			    Return (
 *	aml_integer(a, 15);			        15)
 *	aml_end(a);				}
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

#define AML_MAX_DEPTH 12

struct aml {
	uint8_t *bytes; /* on the heap */
	size_t len, size;
	size_t open[AML_MAX_DEPTH]; /* where each open body's length belongs */
	unsigned depth;
	size_t resources; /* where the open resource template's size belongs */
};

/* Starts with nothing. aml_fini() frees. No memory ends the program: tables are small. */
void aml_init(struct aml *a);
void aml_fini(struct aml *a);

/* Names are paths: "PCI0", "\\_SB.GED", "^PWRB"; segments shorter than four are padded with '_'. */
void aml_path(struct aml *a, const char *path);

/* Values. */
void aml_integer(struct aml *a, uint64_t value);
void aml_string(struct aml *a, const char *text);
void aml_eisa_id(struct aml *a, const char *id); /* "PNP0A08" */
void aml_buffer(struct aml *a, const void *bytes, size_t len);

/* Name (NAME, value): the value follows. */
void aml_name(struct aml *a, const char *name);
void aml_name_integer(struct aml *a, const char *name, uint64_t value);

/* Bodies, closed by aml_end(). */
void aml_scope(struct aml *a, const char *path);
void aml_device(struct aml *a, const char *name);
void aml_method(struct aml *a, const char *name, unsigned args); /* serialized */
void aml_package(struct aml *a, unsigned elements);
void aml_if(struct aml *a); /* the predicate follows, then the body */
void aml_else(struct aml *a);
void aml_while(struct aml *a); /* as aml_if() */
void aml_end(struct aml *a);

/* Operators whose operands follow; those with a target take it last: AML_NOTHING for none. */
enum aml_op {
	AML_NOTHING = 0x00,
	AML_LOCAL0 = 0x60,
	AML_LOCAL1,
	AML_LOCAL2,
	AML_LOCAL3,
	AML_LOCAL4,
	AML_LOCAL5,
	AML_LOCAL6,
	AML_LOCAL7,
	AML_ARG0,
	AML_ARG1,
	AML_ARG2,
	AML_ARG3,
	AML_ARG4,
	AML_ARG5,
	AML_ARG6,
	AML_STORE = 0x70,
	AML_ADD = 0x72,
	AML_SUBTRACT = 0x74,
	AML_INCREMENT = 0x75,
	AML_SHIFT_LEFT = 0x79,
	AML_SHIFT_RIGHT = 0x7a,
	AML_AND = 0x7b,
	AML_OR = 0x7d,
	AML_DEREF_OF = 0x83,
	AML_NOTIFY = 0x86,
	AML_INDEX = 0x88,
	AML_CREATE_QWORD_FIELD = 0x8f,
	AML_LAND = 0x90,
	AML_LOR = 0x91,
	AML_LNOT = 0x92,
	AML_EQUAL = 0x93,
	AML_GREATER = 0x94,
	AML_LESS = 0x95,
	AML_MID = 0x9e,
	AML_RETURN = 0xa4,
	AML_BREAK = 0xa5,
	/* Extended: 0x5b and a byte. */
	AML_MUTEX = 0x5b01,   /* path, byte 0 */
	AML_ACQUIRE = 0x5b23, /* path, word timeout */
	AML_RELEASE = 0x5b27, /* path */
};
void aml_op(struct aml *a, enum aml_op op);

/* Mutex (NAME, 0); Acquire (NAME, 0xffff); Release (NAME). */
void aml_mutex(struct aml *a, const char *name);
void aml_acquire(struct aml *a, const char *name);
void aml_release(struct aml *a, const char *name);

/* Operation regions, and fields in them. */
enum aml_space {
	AML_SYSTEM_MEMORY = 0,
	AML_SYSTEM_IO = 1,
};
enum aml_access {
	AML_ACCESS_BYTE = 1,
	AML_ACCESS_DWORD = 3,
	AML_ACCESS_QWORD = 4,
	AML_PRESERVE = 0 << 5,
	AML_WRITE_AS_ZEROS = 2 << 5,
};
void aml_region(struct aml *a, const char *name, enum aml_space space, uint64_t base,
		uint64_t size);
void aml_field(struct aml *a, const char *region, unsigned access);  /* units follow; aml_end() */
void aml_field_unit(struct aml *a, const char *name, unsigned bits); /* NULL: bits to skip */

/* Name (NAME, ResourceTemplate () {…}): descriptors follow; aml_end_resources(). §6.4 */
void aml_resources(struct aml *a, const char *name);
void aml_end_resources(struct aml *a);
void aml_res_io(struct aml *a, uint16_t base, uint8_t size);
void aml_res_memory32(struct aml *a, uint32_t base, uint32_t size);
void aml_res_interrupt(struct aml *a, uint32_t gsi); /* edge, active high, exclusive */

/* RAM; the first and the last address. */
void aml_res_memory64(struct aml *a, uint64_t first, uint64_t last);

/* Ranges that a bridge gives to what is behind it; the first and the last address. */
void aml_res_bus(struct aml *a, uint8_t first, uint8_t last);
void aml_res_window_io(struct aml *a, uint16_t first, uint16_t last);
void aml_res_window32(struct aml *a, uint32_t first, uint32_t last);
void aml_res_window64(struct aml *a, uint64_t first, uint64_t last);
