/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A console for unit tests and fuzz targets of devices: what they write is kept, what they read was
 * put there. It stands for src/console/config.c and the parts of console.c a device calls.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "console/console.h"

struct fake_console {
	uint8_t output[65536]; /* the last bytes written are not there when it is full */
	size_t output_len;
	uint64_t written;
	uint8_t input[65536];
	size_t input_start, input_len;
	unsigned opened, closed;
	const struct console_events *events;
	void *opaque;
};

extern struct fake_console fake_console;

/* What the person at the other end types; tells the device. */
void fake_console_type(const void *buf, size_t len);
