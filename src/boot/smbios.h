/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SMBIOS 3.0: what the machine says it is (DSP0134). dmidecode, systemd and cloud-init read it.
 */
#pragma once

#include <stdint.h>

#include "base/compiler.h"

struct guest_memory;

/**
 * struct smbios_machine - what the tables say
 * @serial: serial number of the system, or NULL
 * @uuid: 16 bytes in the order they are written in text, or NULL for "not set"
 * @name: name of the machine: the product's SKU is "", its family is this; or NULL
 * @version: version of weft
 * @sockets: processor packages, at least 1
 * @cores, @threads: all of one socket: 2 cores of 2 threads have 4
 * @ram_size: bytes
 */
struct smbios_machine {
	const char *serial;
	const uint8_t *uuid;
	const char *name;
	const char *version;
	unsigned sockets, cores, threads;
	uint64_t ram_size;
};

/**
 * smbios_write() - write the entry point and the tables to LAYOUT_SMBIOS
 * @machine: what to say; strings longer than 64 bytes are cut
 * @memory: guest memory
 *
 * Return: 0, or -EFAULT when there is no RAM, -E2BIG when the tables do not fit.
 */
int smbios_write(const struct smbios_machine *machine, struct guest_memory *memory) must_use;
