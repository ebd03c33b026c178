/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many descriptions against each other: what only one machine can have, and two ask for.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct diag_list;
struct fleet;
struct generation;

struct fleet *fleet_create(void);

/* Takes NULL. Returns NULL. */
struct fleet *fleet_destroy(struct fleet *fleet);

/**
 * fleet_add() - note what a machine takes
 * @fleet: keeps nothing of @generation, which may go
 * @generation: a valid one
 * @host: machines of one number are on one host; files, taps, sockets and names are compared within
 *	it, MAC addresses and UUIDs everywhere
 * @id: any number from 0 on, for fleet_check()
 */
void fleet_add(struct fleet *fleet, const struct generation *generation, int host, size_t id);

/**
 * fleet_check() - tell of everything that two machines have
 * @fleet: outlives @diags
 * @left_out: for each id whether it turned out to be no machine
 * @diags: gets E0321 and E0322
 */
void fleet_check(struct fleet *fleet, const bool *left_out, struct diag_list *diags);
