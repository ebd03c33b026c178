/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Generic Event Device (ACPI 6.4 §5.6.9): one interrupt and one register that says what
 * happened.
 */
#pragma once

#include <stdint.h>

#include "base/compiler.h"

struct ged;
struct machine;

/* Puts the device at LAYOUT_GED. Return: 0 or a negative errno; the caller owns @ret. Main thread.
 */
int ged_create(struct machine *machine, struct ged **ret) must_use;

/* Takes it out, with vCPUs stopped. Takes NULL. Returns NULL. */
struct ged *ged_destroy(struct ged *ged);

/* Tells the guest of ACPI_EVENT_* bits. Any thread. */
void ged_raise(struct ged *ged, uint32_t events);

/* Forgets what the guest did not read, with vCPUs stopped. */
void ged_reset(struct ged *ged);
