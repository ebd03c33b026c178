/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a fuzz target gives, and may give, to who runs it: libFuzzer, or replay.c without it.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * Optional. Folders of good inputs, below the sources, ended by NULL: replay.c changes them in
 * small ways, where random bytes would not come far. And how often an input came as far as any can:
 * replay.c fails when that is never.
 */
extern const char *const fuzz_seeds[] __attribute__((weak));
extern const char *const fuzz_seed_names __attribute__((weak)); /* a pattern; "*.yaml" */
extern unsigned long fuzz_goal __attribute__((weak));
