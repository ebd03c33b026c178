/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The clock shows the host's time in UTC, plus what the guest has set it off by: nothing ticks
 * here, a register is computed when it is read. There is no interrupt: the update-ended flag can be
 * polled, the alarm registers only keep what is written.
 */
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "devices/platform/cmos.h"
#include "machine/address-space.h"
#include "machine/layout.h"
#include "machine/machine.h"

enum {
	RTC_SECONDS = 0x00,
	RTC_MINUTES = 0x02,
	RTC_HOURS = 0x04,
	RTC_WEEKDAY = 0x06,
	RTC_DAY = 0x07,
	RTC_MONTH = 0x08,
	RTC_YEAR = 0x09,
	RTC_A = 0x0a,
	RTC_B = 0x0b,
	RTC_C = 0x0c,
	RTC_D = 0x0d,
	CMOS_BASE_MEMORY = 0x15,  /* KiB, 2 bytes */
	CMOS_EXT_MEMORY = 0x17,   /* KiB above 1 MiB, 2 bytes */
	CMOS_EXT_MEMORY_2 = 0x30, /* the same */
	RTC_CENTURY = 0x32,
	CMOS_MEMORY_16M = 0x34, /* 64 KiB above 16 MiB, 2 bytes */
	CMOS_MEMORY_4G = 0x5b,  /* 64 KiB above 4 GiB, 3 bytes */
	CMOS_SIZE = 0x80,
};

#define A_UIP     0x80 /* an update is in progress */
#define A_DIVIDER 0x26 /* 32768 Hz, 1024 Hz */
#define B_SET     0x80 /* no updates */
#define B_BINARY  0x04
#define B_24H     0x02
#define C_UPDATED 0x10
#define D_VALID   0x80
#define HOUR_PM   0x80

/* From UIP until the registers change (MC146818A figure 14, table 6). */
#define UPDATE_NS 244000

struct cmos {
	struct machine *machine;
	pthread_mutex_t lock; /* guards what follows */
	uint8_t index;
	uint8_t ram[CMOS_SIZE]; /* the time registers in it are good only while B_SET is */
	int64_t offset;         /* seconds from the host's clock to the guest's */
	int64_t seen;           /* the second of the last read of register C */
};

static void host_time(struct timespec *now)
{
	clock_gettime(CLOCK_REALTIME, now);
}

/* --- Between time and registers. --- */

static uint8_t encode(const struct cmos *cmos, int value)
{
	if (cmos->ram[RTC_B] & B_BINARY)
		return (uint8_t)value;
	return (uint8_t)(value / 10 << 4 | value % 10);
}

static int decode(const struct cmos *cmos, uint8_t value)
{
	if (cmos->ram[RTC_B] & B_BINARY)
		return value;
	return (value >> 4) * 10 + (value & 0xf);
}

static uint8_t encode_hour(const struct cmos *cmos, int hour)
{
	if (cmos->ram[RTC_B] & B_24H)
		return encode(cmos, hour);
	return encode(cmos, hour % 12 ? hour % 12 : 12) | (hour >= 12 ? HOUR_PM : 0);
}

static int decode_hour(const struct cmos *cmos, uint8_t value)
{
	if (cmos->ram[RTC_B] & B_24H)
		return decode(cmos, value);
	return decode(cmos, value & (uint8_t)~HOUR_PM) % 12 + (value & HOUR_PM ? 12 : 0);
}

/* Brings the time registers up to date; while B_SET is, they are the guest's. */
static void show_time(struct cmos *cmos)
{
	struct timespec now;
	struct tm tm;
	time_t t;
	int year;

	if (cmos->ram[RTC_B] & B_SET)
		return;
	host_time(&now);
	t = (time_t)(now.tv_sec + cmos->offset);
	if (!gmtime_r(&t, &tm))
		return;
	/* A month before January of the year 0 can be set. */
	year = MAX(1900 + tm.tm_year, 0);
	cmos->ram[RTC_SECONDS] = encode(cmos, tm.tm_sec);
	cmos->ram[RTC_MINUTES] = encode(cmos, tm.tm_min);
	cmos->ram[RTC_HOURS] = encode_hour(cmos, tm.tm_hour);
	cmos->ram[RTC_WEEKDAY] = encode(cmos, tm.tm_wday + 1);
	cmos->ram[RTC_DAY] = encode(cmos, tm.tm_mday);
	cmos->ram[RTC_MONTH] = encode(cmos, tm.tm_mon + 1);
	cmos->ram[RTC_YEAR] = encode(cmos, year % 100);
	cmos->ram[RTC_CENTURY] = encode(cmos, year / 100 % 100);
}

/* The guest's clock goes on from what the time registers say. Any values: timegm() carries over. */
static void take_time(struct cmos *cmos)
{
	struct tm tm = {
		.tm_sec = decode(cmos, cmos->ram[RTC_SECONDS]),
		.tm_min = decode(cmos, cmos->ram[RTC_MINUTES]),
		.tm_hour = decode_hour(cmos, cmos->ram[RTC_HOURS]),
		.tm_mday = decode(cmos, cmos->ram[RTC_DAY]),
		.tm_mon = decode(cmos, cmos->ram[RTC_MONTH]) - 1,
		.tm_year = decode(cmos, cmos->ram[RTC_CENTURY]) * 100 +
			   decode(cmos, cmos->ram[RTC_YEAR]) - 1900,
	};
	struct timespec now;

	host_time(&now);
	cmos->offset = (int64_t)timegm(&tm) - now.tv_sec;
}

static bool is_time(unsigned index)
{
	return index == RTC_SECONDS || index == RTC_MINUTES || index == RTC_HOURS ||
	       (index >= RTC_WEEKDAY && index <= RTC_YEAR) || index == RTC_CENTURY;
}

/* --- Registers. --- */

static uint8_t read_a(const struct cmos *cmos)
{
	struct timespec now;

	host_time(&now);
	if (!(cmos->ram[RTC_B] & B_SET) && now.tv_nsec >= 1000000000 - UPDATE_NS)
		return cmos->ram[RTC_A] | A_UIP;
	return cmos->ram[RTC_A];
}

static uint8_t read_c(struct cmos *cmos)
{
	struct timespec now;
	bool updated;

	host_time(&now);
	updated = !(cmos->ram[RTC_B] & B_SET) && now.tv_sec != cmos->seen;
	cmos->seen = now.tv_sec;
	return updated ? C_UPDATED : 0;
}

static uint8_t read_register(struct cmos *cmos, unsigned index)
{
	if (is_time(index))
		show_time(cmos);
	switch (index) {
	case RTC_A:
		return read_a(cmos);
	case RTC_C:
		return read_c(cmos);
	default:
		return cmos->ram[index];
	}
}

static void write_b(struct cmos *cmos, uint8_t value)
{
	bool was_set = cmos->ram[RTC_B] & B_SET;

	/* The registers show the time in the old format until the guest has stopped them. */
	if (!was_set)
		show_time(cmos);
	cmos->ram[RTC_B] = value;
	if (was_set && !(value & B_SET))
		take_time(cmos);
}

static void write_register(struct cmos *cmos, unsigned index, uint8_t value)
{
	switch (index) {
	case RTC_A:
		cmos->ram[RTC_A] = value & (uint8_t)~A_UIP;
		return;
	case RTC_B:
		write_b(cmos, value);
		return;
	case RTC_C:
	case RTC_D:
		return;
	default:
		break;
	}
	if (is_time(index))
		show_time(cmos);
	cmos->ram[index] = value;
	if (is_time(index) && !(cmos->ram[RTC_B] & B_SET))
		take_time(cmos);
}

static uint64_t cmos_read(void *opaque, uint64_t offset, unsigned size)
{
	struct cmos *cmos = opaque;
	uint64_t value = 0xff; /* the index cannot be read back */

	pthread_mutex_lock(&cmos->lock);
	if (offset == 1)
		value = read_register(cmos, cmos->index);
	else if (size > 1)
		value |= (uint64_t)read_register(cmos, cmos->index) << 8;
	pthread_mutex_unlock(&cmos->lock);
	return value;
}

static void cmos_write(void *opaque, uint64_t offset, unsigned size, uint64_t value)
{
	struct cmos *cmos = opaque;

	pthread_mutex_lock(&cmos->lock);
	/* Bit 7 masks NMIs, of which there are none. */
	if (offset == 0)
		cmos->index = value & (CMOS_SIZE - 1);
	if (offset == 1)
		write_register(cmos, cmos->index, (uint8_t)value);
	else if (size > 1)
		write_register(cmos, cmos->index, (uint8_t)(value >> 8));
	pthread_mutex_unlock(&cmos->lock);
}

static const struct io_ops cmos_ops = {.read = cmos_read, .write = cmos_write};

static void put(struct cmos *cmos, unsigned index, uint64_t value, unsigned bytes)
{
	uint64_t max = (1ULL << (8 * bytes)) - 1;

	value = MIN(value, max);
	for (unsigned i = 0; i < bytes; i++)
		cmos->ram[index + i] = (uint8_t)(value >> (8 * i));
}

static uint64_t above(uint64_t size, uint64_t start)
{
	return size > start ? size - start : 0;
}

int cmos_create(struct machine *machine, uint64_t low_ram, uint64_t high_ram, struct cmos **ret)
{
	struct cmos *cmos = calloc(1, sizeof(*cmos));
	struct io_region region = {
		.name = "cmos",
		.base = PORT_CMOS,
		.size = 2,
		.ops = &cmos_ops,
		.opaque = cmos,
	};
	int r;

	if (!cmos)
		return -ENOMEM;
	cmos->machine = machine;
	pthread_mutex_init(&cmos->lock, NULL);
	cmos->ram[RTC_A] = A_DIVIDER;
	cmos->ram[RTC_B] = B_24H;
	cmos->ram[RTC_D] = D_VALID;
	put(cmos, CMOS_BASE_MEMORY, LAYOUT_LOW_RAM_END / KiB, 2);
	put(cmos, CMOS_EXT_MEMORY, above(low_ram, MiB) / KiB, 2);
	put(cmos, CMOS_EXT_MEMORY_2, above(low_ram, MiB) / KiB, 2);
	put(cmos, CMOS_MEMORY_16M, above(low_ram, 16 * MiB) / (64 * KiB), 2);
	put(cmos, CMOS_MEMORY_4G, high_ram / (64 * KiB), 3);
	r = address_space_add(machine_pio(machine), &region);
	if (r < 0) {
		pthread_mutex_destroy(&cmos->lock);
		free(cmos);
		return r;
	}
	*ret = cmos;
	return 0;
}

struct cmos *cmos_destroy(struct cmos *cmos)
{
	if (!cmos)
		return NULL;
	address_space_remove(machine_pio(cmos->machine), PORT_CMOS);
	address_space_quiesce(machine_pio(cmos->machine));
	pthread_mutex_destroy(&cmos->lock);
	free(cmos);
	return NULL;
}
