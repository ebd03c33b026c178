/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random descriptions, most of them valid, and random edits of them; the same for the same seed.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "graph/generation.h"

#define RANDOM_MAX_DEVICES 40

/* Not 0. */
extern uint64_t random_seed;

unsigned random_below(unsigned n);
bool random_maybe(unsigned percent);

/* A description in lines: the keys at the top, and those of devices. */
struct random_text {
	char *top[16];
	char *devices[RANDOM_MAX_DEVICES];
	unsigned n_top, n_devices;
};

void random_text(struct random_text *text);

/* Another description that has much in common with @from. */
void random_edit(const struct random_text *from, struct random_text *text);
void random_text_fini(struct random_text *text);

/* Puts lines into another order. */
void random_shuffle(char **lines, unsigned n);

/* Its generation, which has no graph when it is not valid. */
struct generation *random_text_load(const struct random_text *text, const struct graph_pins *pins);
