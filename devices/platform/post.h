/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The port of power-on self-test codes: a time line of the boot in the log.
 */
#pragma once

#include "base/compiler.h"

struct machine;
struct post;

/* Puts the port at PORT_POST. Return: 0 or a negative errno; the caller owns @ret. Main thread. */
int post_create(struct machine *machine, struct post **ret) must_use;

/* Takes it out, with vCPUs stopped. Takes NULL. Returns NULL. */
struct post *post_destroy(struct post *post);
