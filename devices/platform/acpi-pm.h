/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sleep and reset registers of hardware-reduced ACPI (ACPI 6.4 §4.8.3.6, §4.8.3.7).
 */
#pragma once

#include "base/compiler.h"

struct acpi_pm;
struct machine;

/*
 * Puts the registers at PORT_ACPI_SLEEP_CONTROL, _SLEEP_STATUS and PORT_ACPI_RESET. Return: 0 or a
 * negative errno; the caller owns @ret. Main thread.
 */
int acpi_pm_create(struct machine *machine, struct acpi_pm **ret) must_use;

/* Takes them out, with vCPUs stopped. Takes NULL. Returns NULL. */
struct acpi_pm *acpi_pm_destroy(struct acpi_pm *pm);
