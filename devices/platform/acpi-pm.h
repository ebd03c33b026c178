/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sleep and reset registers of hardware-reduced ACPI (ACPI 6.4 §4.8.3.6, §4.8.3.7), and the
 * power management timer (§4.8.3.3). Hardware-reduced ACPI has no such timer and the tables do not
 * name it: it is for firmware, which knows it by its port and has no other clock of known speed.
 */
#pragma once

#include "base/compiler.h"

struct acpi_pm;
struct machine;

/*
 * Puts the registers at PORT_ACPI_SLEEP_CONTROL, _SLEEP_STATUS, PORT_ACPI_RESET and _TIMER. Return:
 * 0 or a negative errno; the caller owns @ret. Main thread.
 */
int acpi_pm_create(struct machine *machine, struct acpi_pm **ret) must_use;

/* Takes them out, with vCPUs stopped. Takes NULL. Returns NULL. */
struct acpi_pm *acpi_pm_destroy(struct acpi_pm *pm);
