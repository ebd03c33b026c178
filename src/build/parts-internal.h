/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of build/parts*.c share.
 */
#pragma once

#include "build/parts.h"

struct arena;
struct machine_cpus;

/* The processors of a node as the machine wants them, with what is not said worked out. In @arena.
 */
void parts_cpus(const struct graph_node *node, struct machine_cpus *ret, struct arena *arena);

/* Whether cpus.count can change while the guest runs. */
bool parts_cpus_can_change(const struct graph_node *node);

extern const struct part_ops parts_boot_ops, parts_cpus_ops, parts_memory_ops;
