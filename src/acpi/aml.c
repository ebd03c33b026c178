/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AML encoding. A body's length has 1 to 4 bytes, depending on the length: it is put in when the
 * body is closed, and what follows moves up.
 */
#include <string.h>

#include "acpi/aml.h"

#define AML_FIRST_SIZE 2048

enum {
	OP_NAME = 0x08,
	OP_BYTE = 0x0a,
	OP_WORD = 0x0b,
	OP_DWORD = 0x0c,
	OP_STRING = 0x0d,
	OP_QWORD = 0x0e,
	OP_SCOPE = 0x10,
	OP_BUFFER = 0x11,
	OP_PACKAGE = 0x12,
	OP_METHOD = 0x14,
	OP_DUAL_NAME = 0x2e,
	OP_MULTI_NAME = 0x2f,
	OP_EXTENDED = 0x5b,
	OP_IF = 0xa0,
	OP_ELSE = 0xa1,
	OP_WHILE = 0xa2,
	OPX_REGION = 0x80,
	OPX_FIELD = 0x81,
	OPX_DEVICE = 0x82,
	METHOD_SERIALIZED = 0x08,
};

void aml_init(struct aml *a)
{
	*a = (struct aml){.size = AML_FIRST_SIZE};
	a->bytes = malloc(a->size);
	invariant(a->bytes != NULL);
}

void aml_fini(struct aml *a)
{
	free(a->bytes);
	a->bytes = NULL;
}

static uint8_t *grow(struct aml *a, size_t n)
{
	uint8_t *p;

	if (n > a->size - a->len) {
		a->size = MAX(a->size * 2, a->len + n);
		a->bytes = realloc(a->bytes, a->size);
		invariant(a->bytes != NULL);
	}
	p = a->bytes + a->len;
	a->len += n;
	return p;
}

/* @n bytes of @value, little endian. */
static void put(struct aml *a, unsigned n, uint64_t value)
{
	memcpy(grow(a, n), &value, n);
}

static void begin(struct aml *a)
{
	invariant(a->depth < AML_MAX_DEPTH);
	a->open[a->depth++] = a->len;
}

/* §20.2.4: the length counts itself. */
void aml_end(struct aml *a)
{
	size_t at, body, len;
	unsigned n = 1;
	uint8_t *p;

	invariant(a->depth > 0);
	at = a->open[--a->depth];
	body = a->len - at;
	if (body + 1 > 0x3f)
		n = body + 2 <= 0xfff ? 2 : body + 3 <= 0xfffff ? 3 : 4;
	len = body + n;
	grow(a, n);
	p = a->bytes + at;
	memmove(p + n, p, body);
	if (n == 1) {
		p[0] = (uint8_t)len;
		return;
	}
	p[0] = (uint8_t)((n - 1) << 6 | (len & 0xf));
	for (unsigned i = 1; i < n; i++)
		p[i] = (uint8_t)(len >> (8 * i - 4));
}

static void put_segment(struct aml *a, const char *name, size_t len)
{
	uint8_t *p = grow(a, 4);

	invariant(len >= 1 && len <= 4);
	memset(p, '_', 4);
	memcpy(p, name, len);
}

void aml_path(struct aml *a, const char *path)
{
	unsigned segments = 1;

	while (*path == '\\' || *path == '^')
		put(a, 1, (uint8_t)*path++);
	for (const char *p = path; *p; p++)
		segments += *p == '.';
	if (*path == '\0') {
		put(a, 1, 0);
		return;
	}
	if (segments == 2)
		put(a, 1, OP_DUAL_NAME);
	else if (segments > 2)
		put(a, 2, OP_MULTI_NAME | segments << 8);
	for (;;) {
		size_t len = strcspn(path, ".");

		put_segment(a, path, len);
		if (path[len] == '\0')
			return;
		path += len + 1;
	}
}

void aml_integer(struct aml *a, uint64_t value)
{
	unsigned size = value <= UINT8_MAX    ? 1
			: value <= UINT16_MAX ? 2
			: value <= UINT32_MAX ? 4
					      : 8;
	uint8_t op = size == 1 ? OP_BYTE : size == 2 ? OP_WORD : size == 4 ? OP_DWORD : OP_QWORD;

	if (value <= 1) {
		put(a, 1, value); /* Zero, One */
		return;
	}
	put(a, 1, op);
	put(a, size, value);
}

void aml_string(struct aml *a, const char *text)
{
	size_t len = strlen(text) + 1;

	put(a, 1, OP_STRING);
	memcpy(grow(a, len), text, len);
}

static unsigned hex(char c)
{
	return c <= '9' ? (unsigned)(c - '0') : (unsigned)(c - 'A') + 10;
}

/* §19.3.4: three letters of five bits, four hexadecimal digits; big endian. */
void aml_eisa_id(struct aml *a, const char *id)
{
	uint32_t v = (uint32_t)(id[0] - 0x40) << 26 | (uint32_t)(id[1] - 0x40) << 21 |
		     (uint32_t)(id[2] - 0x40) << 16 | hex(id[3]) << 12 | hex(id[4]) << 8 |
		     hex(id[5]) << 4 | hex(id[6]);

	put(a, 1, OP_DWORD);
	put(a, 4, __builtin_bswap32(v));
}

void aml_buffer(struct aml *a, const void *bytes, size_t len)
{
	put(a, 1, OP_BUFFER);
	begin(a);
	aml_integer(a, len);
	if (len)
		memcpy(grow(a, len), bytes, len);
	aml_end(a);
}

void aml_name(struct aml *a, const char *name)
{
	put(a, 1, OP_NAME);
	aml_path(a, name);
}

void aml_name_integer(struct aml *a, const char *name, uint64_t value)
{
	aml_name(a, name);
	aml_integer(a, value);
}

void aml_scope(struct aml *a, const char *path)
{
	put(a, 1, OP_SCOPE);
	begin(a);
	aml_path(a, path);
}

void aml_device(struct aml *a, const char *name)
{
	put(a, 2, OP_EXTENDED | OPX_DEVICE << 8);
	begin(a);
	aml_path(a, name);
}

void aml_method(struct aml *a, const char *name, unsigned args)
{
	invariant(args <= 7);
	put(a, 1, OP_METHOD);
	begin(a);
	aml_path(a, name);
	put(a, 1, args | METHOD_SERIALIZED);
}

void aml_package(struct aml *a, unsigned elements)
{
	invariant(elements <= 255);
	put(a, 1, OP_PACKAGE);
	begin(a);
	put(a, 1, elements);
}

void aml_if(struct aml *a)
{
	put(a, 1, OP_IF);
	begin(a);
}

void aml_else(struct aml *a)
{
	put(a, 1, OP_ELSE);
	begin(a);
}

void aml_while(struct aml *a)
{
	put(a, 1, OP_WHILE);
	begin(a);
}

void aml_op(struct aml *a, enum aml_op op)
{
	if (op > UINT8_MAX)
		put(a, 1, OP_EXTENDED);
	put(a, 1, op & 0xff);
}

void aml_mutex(struct aml *a, const char *name)
{
	aml_op(a, AML_MUTEX);
	aml_path(a, name);
	put(a, 1, 0);
}

void aml_acquire(struct aml *a, const char *name)
{
	aml_op(a, AML_ACQUIRE);
	aml_path(a, name);
	put(a, 2, 0xffff);
}

void aml_release(struct aml *a, const char *name)
{
	aml_op(a, AML_RELEASE);
	aml_path(a, name);
}

void aml_region(struct aml *a, const char *name, enum aml_space space, uint64_t base, uint64_t size)
{
	put(a, 2, OP_EXTENDED | OPX_REGION << 8);
	aml_path(a, name);
	put(a, 1, space);
	aml_integer(a, base);
	aml_integer(a, size);
}

void aml_field(struct aml *a, const char *region, unsigned access)
{
	put(a, 2, OP_EXTENDED | OPX_FIELD << 8);
	begin(a);
	aml_path(a, region);
	put(a, 1, access);
}

void aml_field_unit(struct aml *a, const char *name, unsigned bits)
{
	if (name)
		put_segment(a, name, strlen(name));
	else
		put(a, 1, 0);
	/* A length in the encoding of a body's, which does not count itself. */
	invariant(bits <= 0xfffff);
	if (bits <= 0x3f)
		put(a, 1, bits);
	else
		put(a, bits <= 0xfff ? 2 : 3,
		    (bits <= 0xfff ? 0x40 : 0x80) | (bits & 0xf) | bits >> 4 << 8);
}

/* A buffer whose size is a word, so that it can be set when the size is known. */
void aml_resources(struct aml *a, const char *name)
{
	aml_name(a, name);
	put(a, 1, OP_BUFFER);
	begin(a);
	put(a, 1, OP_WORD);
	a->resources = a->len;
	put(a, 2, 0);
}

void aml_end_resources(struct aml *a)
{
	uint16_t size;

	put(a, 2, 0x79); /* end tag; a checksum of 0 is not checked */
	size = (uint16_t)(a->len - a->resources - 2);
	memcpy(a->bytes + a->resources, &size, sizeof(size));
	aml_end(a);
}

void aml_res_io(struct aml *a, uint16_t base, uint8_t size)
{
	put(a, 2, 0x47 | 1 << 8); /* all 16 bits are decoded */
	put(a, 2, base);
	put(a, 2, base);
	put(a, 1, 1);
	put(a, 1, size);
}

void aml_res_memory32(struct aml *a, uint32_t base, uint32_t size)
{
	put(a, 1, 0x86);
	put(a, 2, 9);
	put(a, 1, 1); /* writable */
	put(a, 4, base);
	put(a, 4, size);
}

void aml_res_interrupt(struct aml *a, uint32_t gsi)
{
	put(a, 1, 0x89);
	put(a, 2, 6);
	put(a, 1, 0x03); /* consumer, edge */
	put(a, 1, 1);
	put(a, 4, gsi);
}

/* §6.4.3.5: one layout for three widths. The range is what it is: minimum and maximum are fixed. */
static void put_range(struct aml *a, uint8_t tag, unsigned width, bool consumer, uint8_t type,
		      uint8_t flags, uint64_t first, uint64_t last)
{
	invariant(first <= last);
	put(a, 1, tag);
	put(a, 2, 3 + 5 * width);
	put(a, 1, type);
	put(a, 1, 0x0c | consumer);
	put(a, 1, flags);
	put(a, width, 0); /* granularity */
	put(a, width, first);
	put(a, width, last);
	put(a, width, 0); /* translation */
	put(a, width, last - first + 1);
}

static void put_window(struct aml *a, uint8_t tag, unsigned width, uint8_t type, uint8_t flags,
		       uint64_t first, uint64_t last)
{
	put_range(a, tag, width, false, type, flags, first, last);
}

void aml_res_memory64(struct aml *a, uint64_t first, uint64_t last)
{
	put_range(a, 0x8a, 8, true, 0, 3, first, last); /* cacheable, writable */
}

void aml_res_bus(struct aml *a, uint8_t first, uint8_t last)
{
	put_window(a, 0x88, 2, 2, 0, first, last);
}

void aml_res_window_io(struct aml *a, uint16_t first, uint16_t last)
{
	put_window(a, 0x88, 2, 1, 3, first, last);
}

/* Not prefetchable: Linux puts no other BAR into a prefetchable window. */
void aml_res_window32(struct aml *a, uint32_t first, uint32_t last)
{
	put_window(a, 0x87, 4, 0, 1, first, last);
}

void aml_res_window64(struct aml *a, uint64_t first, uint64_t last)
{
	put_window(a, 0x8a, 8, 0, 1, first, last);
}
