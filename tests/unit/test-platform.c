/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fixed devices of every machine: clock, keyboard controller, POST port.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "devices/platform/cmos.h"
#include "devices/platform/i8042.h"
#include "devices/platform/post.h"
#include "machine/layout.h"
#include "tests/unit/cu-tap.h"
#include "tests/unit/fake-machine.h"

static struct cmos *cmos;
static struct i8042 *i8042;
static struct post *post;

static void set_up(void)
{
	struct machine *machine = fake_machine_init();

	CU_ASSERT_EQUAL_FATAL(cmos_create(machine, 2 * GiB, 5 * GiB, &cmos), 0);
	CU_ASSERT_EQUAL_FATAL(i8042_create(machine, &i8042), 0);
	CU_ASSERT_EQUAL_FATAL(post_create(machine, &post), 0);
}

static void tear_down(void)
{
	cmos_destroy(cmos);
	i8042_destroy(i8042);
	post_destroy(post);
	CU_ASSERT_EQUAL(fake_pio_read(PORT_CMOS + 1, 1), 0xff);
	CU_ASSERT_EQUAL(fake_pio_read(PORT_I8042_COMMAND, 1), 0xff);
	CU_ASSERT_EQUAL(fake_pio_read(PORT_POST, 1), 0xff);
	fake_machine_fini();
}

static uint8_t in(uint16_t port)
{
	return (uint8_t)fake_pio_read(port, 1);
}

static void out(uint16_t port, uint8_t value)
{
	fake_pio_write(port, 1, value);
}

static uint8_t cmos_in(uint8_t index)
{
	out(PORT_CMOS, index);
	return in(PORT_CMOS + 1);
}

static void cmos_out(uint8_t index, uint8_t value)
{
	out(PORT_CMOS, index);
	out(PORT_CMOS + 1, value);
}

static int bcd(uint8_t value)
{
	return (value >> 4) * 10 + (value & 15);
}

/* As Linux reads it: not while an update is in progress, and the same twice. */
static time_t read_clock(void)
{
	struct tm tm = {0};
	uint8_t second;

	do {
		second = cmos_in(0);
		tm.tm_sec = bcd(second);
		tm.tm_min = bcd(cmos_in(2));
		tm.tm_hour = bcd(cmos_in(4));
		tm.tm_mday = bcd(cmos_in(7));
		tm.tm_mon = bcd(cmos_in(8)) - 1;
		tm.tm_year = bcd(cmos_in(0x32)) * 100 + bcd(cmos_in(9)) - 1900;
	} while (cmos_in(0x0a) & 0x80 || cmos_in(0) != second);
	return timegm(&tm);
}

static void the_clock_shows_utc_and_can_be_set(void)
{
	time_t before = time(NULL), now = read_clock();

	CU_ASSERT(now >= before && now <= before + 2);
	CU_ASSERT_EQUAL(cmos_in(0x0b), 0x02);
	CU_ASSERT_EQUAL(cmos_in(0x0d), 0x80);
	/* 1999-12-31 23:59:50, with updates stopped. */
	cmos_out(0x0b, 0x82);
	cmos_out(0, 0x50);
	cmos_out(2, 0x59);
	cmos_out(4, 0x23);
	cmos_out(7, 0x31);
	cmos_out(8, 0x12);
	cmos_out(9, 0x99);
	cmos_out(0x32, 0x19);
	CU_ASSERT_EQUAL(cmos_in(0), 0x50);
	CU_ASSERT_EQUAL(cmos_in(0x0a) & 0x80, 0);
	cmos_out(0x0b, 0x02);
	now = read_clock();
	CU_ASSERT(now >= 946684790 && now <= 946684792);
	/* Binary, 12 hours: 23 is 11 with the PM bit. */
	cmos_out(0x0b, 0x04);
	CU_ASSERT_EQUAL(cmos_in(4), 0x80 | 11);
	CU_ASSERT_EQUAL(cmos_in(9), 99);
}

static void the_clock_takes_any_values(void)
{
	for (unsigned value = 0; value < 256; value++) {
		for (uint8_t i = 0; i < 0x7f; i++)
			cmos_out(i, (uint8_t)(value + i * 37));
		for (uint8_t i = 0; i < 0x7f; i++)
			cmos_in(i);
	}
	fake_pio_write(PORT_CMOS, 2, 0x1234);
	CU_ASSERT_EQUAL(fake_pio_read(PORT_CMOS, 2) >> 8, 0x12);
}

static void the_clock_knows_the_memory(void)
{
	CU_ASSERT_EQUAL(cmos_in(0x15) | cmos_in(0x16) << 8, 640);
	CU_ASSERT_EQUAL(cmos_in(0x30) | cmos_in(0x31) << 8, 0xffff);
	CU_ASSERT_EQUAL(cmos_in(0x34) | cmos_in(0x35) << 8, (int)((2 * GiB - 16 * MiB) / 65536));
	CU_ASSERT_EQUAL(cmos_in(0x5b) | cmos_in(0x5c) << 8 | cmos_in(0x5d) << 16,
			(int)(5 * GiB / 65536));
	/* The rest is the guest's. */
	cmos_out(0x0f, 0x0a);
	cmos_out(0x40, 0x55);
	CU_ASSERT_EQUAL(cmos_in(0x0f), 0x0a);
	CU_ASSERT_EQUAL(cmos_in(0x40 | 0x80), 0x55);
}

static void the_reset_line_resets(void)
{
	out(PORT_I8042_COMMAND, 0xfe);
	CU_ASSERT_EQUAL(fake.n_events, 1);
	CU_ASSERT_EQUAL(fake.event, MACHINE_RESET);
	out(PORT_I8042_COMMAND, 0xff);
	out(PORT_I8042_COMMAND, 0xd1);
	out(PORT_I8042, 0xdf); /* A20, and no reset */
	out(PORT_I8042, 0x00); /* not the data of a command */
	CU_ASSERT_EQUAL(fake.n_events, 1);
	out(PORT_I8042_COMMAND, 0xd1);
	out(PORT_I8042, 0x02);
	CU_ASSERT_EQUAL(fake.n_events, 2);
}

static void nobody_waits_for_a_keyboard(void)
{
	unsigned stale = 0;

	/* Linux gives up when it cannot flush 16 bytes; others read until there are none. */
	while (in(PORT_I8042_COMMAND)&1 && stale < 1000) {
		CU_ASSERT_EQUAL(in(PORT_I8042_COMMAND)&2, 0);
		in(PORT_I8042);
		stale++;
	}
	CU_ASSERT(stale > 16 && stale < 100);
	/* Calibration against timer 2 ends at once, a wait for refreshes too. */
	CU_ASSERT(in(PORT_SYSTEM_CONTROL_B)&0x20);
	CU_ASSERT_NOT_EQUAL(in(PORT_SYSTEM_CONTROL_B)&0x10, in(PORT_SYSTEM_CONTROL_B)&0x10);
	out(PORT_SYSTEM_CONTROL_B, 0xff);
	CU_ASSERT_EQUAL(in(PORT_SYSTEM_CONTROL_B)&0x0f, 0x0f);
	CU_ASSERT_EQUAL(in(PORT_SYSTEM_CONTROL_B)&0xc0, 0);
}

static void the_boot_is_logged_within_bounds(void)
{
	FILE *log = tmpfile();
	int saved = dup(STDERR_FILENO);
	char line[256];
	unsigned lines = 0, kernel = 0;

	fflush(stderr);
	dup2(fileno(log), STDERR_FILENO);
	log_level = LOG_INFO;
	for (unsigned i = 0; i < 100000; i++) {
		out(PORT_POST, 0x41);
		out(PORT_POST, 0x41);
		out(PORT_POST, 0x61);
	}
	dup2(saved, STDERR_FILENO);
	close(saved);
	rewind(log);
	while (fgets(line, sizeof(line), log)) {
		lines++;
		kernel += strstr(line, "kernel code 0x41") != NULL;
	}
	fclose(log);
	CU_ASSERT_EQUAL(lines, 64);
	CU_ASSERT_EQUAL(kernel, 32);
	CU_ASSERT_EQUAL(in(PORT_POST), 0x61);
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"the clock shows UTC and can be set", the_clock_shows_utc_and_can_be_set},
		{"the clock takes any values", the_clock_takes_any_values},
		{"the clock knows the memory", the_clock_knows_the_memory},
		{"the reset line resets", the_reset_line_resets},
		{"nobody waits for a keyboard", nobody_waits_for_a_keyboard},
		{"the boot is logged within bounds", the_boot_is_logged_within_bounds},
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = {
		{"platform", NULL, NULL, set_up, tear_down, tests},
		CU_SUITE_INFO_NULL,
	};

	return cu_tap_run(suites);
}
