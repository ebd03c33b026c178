/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The real-time clock (Motorola MC146818A) and the battery-backed memory beside it.
 */
#pragma once

#include <stdint.h>

#include "base/compiler.h"

struct cmos;
struct machine;

/**
 * cmos_create() - put the clock at PORT_CMOS
 * @low_ram: bytes of RAM below 4 GiB
 * @high_ram: bytes of RAM above 4 GiB
 *
 * Main thread. Return: 0 or a negative errno; the caller owns @ret.
 */
int cmos_create(struct machine *machine, uint64_t low_ram, uint64_t high_ram,
		struct cmos **ret) must_use;

/* Takes it out, with vCPUs stopped. Takes NULL. Returns NULL. */
struct cmos *cmos_destroy(struct cmos *cmos);
