/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What state.yaml holds: the number and the hash of the generation that was carried out last, and
 * the places of its devices.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/sha256.h"
#include "graph/graph.h"

struct arena;
struct strbuf;

struct state_content {
	uint64_t generation;
	char hash[SHA256_HEX_SIZE];
	struct graph_pins pins;
	struct arena *arena; /* the pins' */
};

/**
 * state_content_parse() - read a state.yaml
 * @text, @size: the file, which may be broken
 * @ret: for state_content_fini()
 * @ret_why: on failure, what is wrong with it
 *
 * Return: 0 or -EINVAL.
 */
int state_content_parse(const char *text, size_t size, struct state_content *ret,
			const char **ret_why) must_use;

/**
 * state_content_print() - the state.yaml of a graph
 * @graph: what was carried out
 * @generation: its number
 * @text: gets the file
 * @ret: what it holds, for state_content_fini()
 *
 * Return: 0 or a negative errno; then nothing was made.
 */
int state_content_print(const struct graph *graph, uint64_t generation, struct strbuf *text,
			struct state_content *ret) must_use;

void state_content_fini(struct state_content *content);
