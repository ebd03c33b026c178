/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of the history of a machine.
 */
#pragma once

#include <stdint.h>

#include "base/compiler.h"

struct json_t;

#define HISTORY_MAX_ENTRIES 1000

/**
 * history_read() - the newest entries, oldest first
 * @path: history.ndjson; one that is not there is empty. NULL: there is no history
 * @limit: how many
 * @ret: an array; the caller owns the reference
 *
 * Reads at most the last megabyte. Lines that a crash cut short are left out. Return: 0 or a
 * negative errno.
 */
int history_read(const char *path, uint64_t limit, struct json_t **ret) must_use;
