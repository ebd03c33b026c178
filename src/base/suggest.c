/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The nearest word, by the optimal string alignment distance.
 */
#include <stdbool.h>
#include <string.h>

#include "base/compiler.h"
#include "base/suggest.h"

#define SUGGEST_MAX_WORD     64
#define SUGGEST_MAX_DISTANCE 3
#define SUGGEST_MIN_PREFIX   3

static char fold(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (char)(c + 'a' - 'A');
	return c == '_' ? '-' : c;
}

static unsigned distance(const char *a, size_t a_size, const char *b, size_t b_size)
{
	unsigned rows[3][SUGGEST_MAX_WORD + 1];
	unsigned *before = rows[0], *above = rows[1], *row = rows[2], *spare;

	memset(rows, 0, sizeof(rows));
	for (size_t j = 0; j <= b_size; j++)
		above[j] = (unsigned)j;
	for (size_t i = 1; i <= a_size; i++) {
		row[0] = (unsigned)i;
		for (size_t j = 1; j <= b_size; j++) {
			unsigned cost = fold(a[i - 1]) != fold(b[j - 1]);

			row[j] = MIN(above[j], row[j - 1]) + 1;
			row[j] = MIN(row[j], above[j - 1] + cost);
			if (i > 1 && j > 1 && fold(a[i - 1]) == fold(b[j - 2]) &&
			    fold(a[i - 2]) == fold(b[j - 1]))
				row[j] = MIN(row[j], before[j - 2] + 1);
		}
		spare = before;
		before = above;
		above = row;
		row = spare;
	}
	return above[b_size];
}

static bool is_prefix(const char *word, size_t size, const char *candidate, size_t candidate_size)
{
	size_t shorter = MIN(size, candidate_size);

	if (shorter < SUGGEST_MIN_PREFIX)
		return false;
	for (size_t i = 0; i < shorter; i++)
		if (fold(word[i]) != fold(candidate[i]))
			return false;
	return true;
}

const char *suggest(const char *word, const char *const *candidates, size_t n)
{
	size_t size = strlen(word);
	unsigned best_distance = SUGGEST_MAX_DISTANCE + 1;
	const char *best = NULL, *prefix = NULL;
	unsigned limit;

	if (size == 0 || size > SUGGEST_MAX_WORD)
		return NULL;
	limit = MIN((unsigned)(size + 2) / 3, (unsigned)SUGGEST_MAX_DISTANCE);
	for (size_t i = 0; i < n; i++) {
		size_t candidate_size = candidates[i] ? strlen(candidates[i]) : 0;
		unsigned d;

		if (candidate_size == 0 || candidate_size > SUGGEST_MAX_WORD)
			continue;
		d = distance(word, size, candidates[i], candidate_size);
		/* A change of every letter is another word. */
		if (d <= limit && d < best_distance && d < MAX(size, candidate_size)) {
			best_distance = d;
			best = candidates[i];
		}
		if (!prefix && is_prefix(word, size, candidates[i], candidate_size))
			prefix = candidates[i];
	}
	return best ? best : prefix;
}
