/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SMBIOS tables (DMTF DSP0134 3.2): a 64-bit entry point, then structures one after another,
 * each followed by its strings.
 */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "boot/smbios.h"
#include "machine/layout.h"
#include "machine/memory.h"

#define TABLES_OFFSET 32u /* the entry point has 24 bytes */
#define TABLES_MAX    4096u
#define STRING_MAX    64u

#define HANDLE_CHASSIS 0x0300
#define HANDLE_ARRAY   0x1000

/* Structures under construction, in one buffer. What does not fit makes @failed. */
struct smbios {
	uint8_t bytes[TABLES_MAX];
	size_t len;
	size_t start;     /* of the structure that is being made */
	unsigned strings; /* in it */
	bool failed;
};

static void put_bytes(struct smbios *s, const void *bytes, size_t len)
{
	if (len > sizeof(s->bytes) - s->len) {
		s->failed = true;
		return;
	}
	memcpy(s->bytes + s->len, bytes, len);
	s->len += len;
}

static void put(struct smbios *s, unsigned size, uint64_t value)
{
	put_bytes(s, &value, size);
}

static void begin(struct smbios *s, uint8_t type, uint16_t handle)
{
	s->start = s->len;
	s->strings = 0;
	put(s, 1, type);
	put(s, 1, 0); /* length, set by end() */
	put(s, 2, handle);
}

/* The formatted part is done, strings follow. */
static void begin_strings(struct smbios *s)
{
	if (!s->failed)
		s->bytes[s->start + 1] = (uint8_t)(s->len - s->start);
}

/* A string; its number is its place after the formatted part. An empty one ends all: "-" instead.
 */
static void put_string(struct smbios *s, const char *text)
{
	size_t len;

	if (!text || !text[0])
		text = "-";
	len = strnlen(text, STRING_MAX);
	put_bytes(s, text, len);
	put(s, 1, 0);
	s->strings++;
}

static void end(struct smbios *s)
{
	if (s->strings == 0)
		put(s, 1, 0);
	put(s, 1, 0);
}

/* §7.1 BIOS information: what systemd-detect-virt and dmidecode look at first. */
static void put_bios(struct smbios *s, const struct smbios_machine *machine)
{
	begin(s, 0, 0x0000);
	put(s, 1, 1);      /* vendor */
	put(s, 1, 2);      /* version */
	put(s, 2, 0xe000); /* segment: no matter */
	put(s, 1, 3);      /* release date */
	put(s, 1, 0);      /* 64 KiB */
	put(s, 8, 1 << 3); /* characteristics are not supported */
	put(s, 1, 0);
	put(s, 1, 1 << 4);     /* UEFI: no; it is a virtual machine */
	put(s, 4, 0xffffffff); /* releases: not known */
	put(s, 2, 0);
	begin_strings(s);
	put_string(s, "weft");
	put_string(s, machine->version);
	put_string(s, "01/01/2025");
	end(s);
}

/* §7.2 System information. */
static void put_system(struct smbios *s, const struct smbios_machine *machine)
{
	static const uint8_t not_set[16];
	const uint8_t *u = machine->uuid ? machine->uuid : not_set;
	/* The first three fields of a UUID are little endian. */
	const uint8_t uuid[16] = {u[3], u[2], u[1],  u[0],  u[5],  u[4],  u[7],  u[6],
				  u[8], u[9], u[10], u[11], u[12], u[13], u[14], u[15]};

	begin(s, 1, 0x0100);
	put(s, 1, 1); /* manufacturer */
	put(s, 1, 2); /* product */
	put(s, 1, 3); /* version */
	put(s, 1, machine->serial ? 5 : 0);
	put_bytes(s, uuid, sizeof(uuid));
	put(s, 1, 6); /* woken by the power switch */
	put(s, 1, 0); /* SKU */
	put(s, 1, machine->name ? 4 : 0);
	begin_strings(s);
	put_string(s, "weft");
	put_string(s, "weft virtual machine");
	put_string(s, machine->version);
	put_string(s, machine->name);
	put_string(s, machine->serial);
	end(s);
}

/* §7.4 Chassis: "other", as virtual machines say. */
static void put_chassis(struct smbios *s)
{
	begin(s, 3, HANDLE_CHASSIS);
	put(s, 1, 1);          /* manufacturer */
	put(s, 1, 1);          /* type: other */
	put(s, 3, 0);          /* version, serial, asset tag */
	put(s, 4, 0x02020202); /* states: unknown */
	put(s, 4, 0);
	put(s, 4, 0); /* height, power cords, no contained elements */
	put(s, 1, 0); /* SKU */
	begin_strings(s);
	put_string(s, "weft");
	end(s);
}

/* §7.5 Processor, one of each socket. */
static void put_processor(struct smbios *s, const struct smbios_machine *machine, unsigned socket)
{
	unsigned cores = machine->cores, threads = machine->threads;

	begin(s, 4, (uint16_t)(0x0400 + socket));
	put(s, 1, 1);    /* socket designation */
	put(s, 1, 3);    /* central processor */
	put(s, 1, 0x02); /* family: unknown; CPUID says */
	put(s, 1, 2);    /* manufacturer */
	put(s, 8, 0);    /* id */
	put(s, 1, 0);    /* version */
	put(s, 1, 0);    /* voltage */
	put(s, 2, 0);    /* external clock, maximal and current speed: unknown */
	put(s, 2, 0);
	put(s, 2, 0);
	put(s, 1, 0x41);           /* populated, enabled */
	put(s, 1, 1);              /* upgrade: other */
	put(s, 6, 0xffffffffffff); /* no cache structures */
	put(s, 3, 0);              /* serial, asset tag, part number */
	put(s, 1, cores < 256 ? cores : 255);
	put(s, 1, cores < 256 ? cores : 255);
	put(s, 1, threads < 256 ? threads : 255);
	put(s, 2, 0x04 | (cores > 1 ? 0x08 : 0) | (threads > cores ? 0x10 : 0));
	put(s, 2, 0x02); /* family 2 */
	put(s, 2, cores);
	put(s, 2, cores);
	put(s, 2, threads);
	begin_strings(s);
	put_string(s, "CPU");
	put_string(s, "weft");
	end(s);
}

/* §7.20 Where the array is mapped; in KiB, and in bytes where that has not enough bits. */
static void put_mapped(struct smbios *s, uint16_t handle, uint64_t base, uint64_t size)
{
	uint64_t last = base + size - 1;
	bool wide = last / KiB >= UINT32_MAX;

	begin(s, 19, handle);
	put(s, 4, wide ? UINT32_MAX : base / KiB);
	put(s, 4, wide ? UINT32_MAX : last / KiB);
	put(s, 2, HANDLE_ARRAY);
	put(s, 1, 1);
	put(s, 8, wide ? base : 0);
	put(s, 8, wide ? last : 0);
	begin_strings(s);
	end(s);
}

/* §7.17 to §7.18: one array with one device that is all of the RAM. */
static void put_memory(struct smbios *s, const struct smbios_machine *machine)
{
	uint64_t mib = machine->ram_size / MiB, kib = machine->ram_size / KiB;

	begin(s, 16, HANDLE_ARRAY);
	put(s, 1, 1); /* location: other */
	put(s, 1, 3); /* system memory */
	put(s, 1, 6); /* multi-bit ECC: what is asked is whether it may be trusted */
	put(s, 4, kib < 0x80000000 ? kib : 0x80000000);
	put(s, 2, 0xfffe); /* no error information */
	put(s, 2, 1);      /* devices */
	put(s, 8, kib < 0x80000000 ? 0 : machine->ram_size);
	begin_strings(s);
	end(s);

	begin(s, 17, 0x1100);
	put(s, 2, HANDLE_ARRAY);
	put(s, 2, 0xfffe);
	put(s, 2, 0xffff); /* widths: unknown */
	put(s, 2, 0xffff);
	put(s, 2, mib < 0x7fff ? mib : 0x7fff);
	put(s, 1, 9); /* DIMM */
	put(s, 1, 0);
	put(s, 1, 1); /* locator */
	put(s, 1, 0);
	put(s, 1, 7); /* RAM */
	put(s, 2, 2); /* details: other */
	put(s, 2, 0); /* speed */
	put(s, 1, 2); /* manufacturer */
	put(s, 3, 0);
	put(s, 1, 0);
	put(s, 4, mib < 0x7fff ? 0 : mib);
	put(s, 2, 0);
	put(s, 6, 0); /* voltages */
	begin_strings(s);
	put_string(s, "DIMM 0");
	put_string(s, "weft");
	end(s);

	put_mapped(s, 0x1300, 0, MIN(machine->ram_size, LAYOUT_RAM_SPLIT));
	if (machine->ram_size > LAYOUT_RAM_SPLIT)
		put_mapped(s, 0x1301, LAYOUT_RAM_HIGH, machine->ram_size - LAYOUT_RAM_SPLIT);
}

static void put_ends(struct smbios *s)
{
	begin(s, 32, 0x2000); /* §7.33 boot information: no error */
	put(s, 6, 0);
	put(s, 1, 0);
	begin_strings(s);
	end(s);
	begin(s, 127, 0x7f00);
	begin_strings(s);
	end(s);
}

/* §5.2.2 */
struct entry_point {
	uint8_t anchor[5];
	uint8_t checksum, length, major, minor, docrev, revision, reserved;
	uint32_t max_size;
	uint64_t address;
} __attribute__((packed));

_Static_assert(sizeof(struct entry_point) == 24, "SMBIOS 3.0 entry point");

static struct entry_point make_entry_point(size_t tables_len)
{
	struct entry_point ep = {
		.anchor = {'_', 'S', 'M', '3', '_'},
		.length = sizeof(ep),
		.major = 3,
		.minor = 2,
		.revision = 1,
		.max_size = (uint32_t)tables_len,
		.address = LAYOUT_SMBIOS + TABLES_OFFSET,
	};
	const uint8_t *bytes = (const uint8_t *)&ep;
	uint8_t sum = 0;

	for (size_t i = 0; i < sizeof(ep); i++)
		sum = (uint8_t)(sum + bytes[i]);
	ep.checksum = (uint8_t)-sum;
	return ep;
}

int smbios_write(const struct smbios_machine *machine, struct guest_memory *memory)
{
	struct smbios s = {.len = 0};
	struct entry_point ep;

	_Static_assert(TABLES_OFFSET + TABLES_MAX <= LAYOUT_SMBIOS_END - LAYOUT_SMBIOS, "it fits");
	put_bios(&s, machine);
	put_system(&s, machine);
	put_chassis(&s);
	/* More sockets than this are in CPUID, where Linux looks. */
	for (unsigned socket = 0; socket < MIN(machine->sockets, 16u); socket++)
		put_processor(&s, machine, socket);
	put_memory(&s, machine);
	put_ends(&s);
	if (s.failed)
		return -E2BIG;
	ep = make_entry_point(s.len);
	if (guest_memory_write(memory, LAYOUT_SMBIOS, &ep, sizeof(ep)) < 0)
		return -EFAULT;
	return guest_memory_write(memory, LAYOUT_SMBIOS + TABLES_OFFSET, s.bytes, s.len);
}
