/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is left of the keyboard controller: the reset line, and a status that makes a guest which
 * looks for a keyboard give up at once; and system control port B.
 */
#pragma once

#include "base/compiler.h"

struct i8042;
struct machine;

/* Puts it at PORT_I8042 and beside. Return: 0 or a negative errno; the caller owns @ret. Main
 * thread. */
int i8042_create(struct machine *machine, struct i8042 **ret) must_use;

/* Takes it out, with vCPUs stopped. Takes NULL. Returns NULL. */
struct i8042 *i8042_destroy(struct i8042 *i8042);
