/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "did you mean 'queues'?": the known word nearest to a wrong one.
 */
#pragma once

#include <stddef.h>

/**
 * suggest() - the word nearest to what was written
 * @word: what was written
 * @candidates: what is known; NULL entries are passed over
 * @n: how many
 *
 * Near means: an edit distance (insert, delete, change, swap of neighbours) of at most a third of
 * the word's length and never above 3, letter case and `_` for `-` counting nothing; or one word
 * being the beginning of the other (three letters at least). Words above 64 bytes have no
 * neighbours.
 *
 * Return: one of @candidates, or NULL.
 */
const char *suggest(const char *word, const char *const *candidates, size_t n);
