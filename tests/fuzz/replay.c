/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main() of a fuzz target in a build without libFuzzer: runs the files named on the command line,
 * else a fixed series of inputs, so that `make check` keeps every target building and working:
 * random bytes, and where the target has seeds those, with small changes.
 */
#include <dirent.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "base/log.h"
#include "tests/fuzz/fuzz.h"

#define INPUT_ROOM (64 * KiB)
#define MAX_SEEDS  1024
#define RUNS       3000
#define CHANGES    4 /* of a seed, at most */

static uint8_t input[INPUT_ROOM];
static char *seeds[MAX_SEEDS];
static unsigned n_seeds;

static size_t read_input(const char *path)
{
	FILE *file = fopen(path, "rb");
	size_t size;

	if (!file) {
		perror(path);
		return 0;
	}
	size = fread(input, 1, sizeof(input), file);
	fclose(file);
	return size;
}

static int replay(const char *path)
{
	size_t size = read_input(path);

	LLVMFuzzerTestOneInput(input, size);
	return size == 0;
}

/* The series is the same wherever the files come from: in the order of their names. */
static void find_seeds(void)
{
	const char *names = &fuzz_seed_names ? fuzz_seed_names : "*.yaml";
	const char *source = getenv("srcdir");

	for (unsigned i = 0; fuzz_seeds && fuzz_seeds[i]; i++) {
		struct dirent **entries;
		char folder[4096];
		int n;

		snprintf(folder, sizeof(folder), "%s/%s", source ? source : ".", fuzz_seeds[i]);
		n = scandir(folder, &entries, NULL, alphasort);
		for (int j = 0; j < n; j++) {
			if (fnmatch(names, entries[j]->d_name, 0) == 0 && n_seeds < MAX_SEEDS &&
			    asprintf(&seeds[n_seeds], "%s/%s", folder, entries[j]->d_name) > 0)
				n_seeds++;
			free(entries[j]);
		}
		if (n >= 0)
			free(entries);
	}
}

static size_t make_random(void)
{
	size_t size = (size_t)rand() % 2048;

	/* Small values are what headers, indices and lengths are made of. */
	for (size_t i = 0; i < size; i++)
		input[i] = (uint8_t)(rand() % 3 ? rand() % 8 : rand());
	return size;
}

/* One change of @size bytes of input: a byte is another, a piece is gone, or is there twice. */
static size_t change(size_t size)
{
	size_t at = size ? (size_t)rand() % size : 0,
	       n = size ? (size_t)rand() % MIN(size - at + 1, (size_t)32) : 0;

	switch (rand() % 3) {
	case 0:
		if (size)
			input[at] = (uint8_t)rand();
		return size;
	case 1:
		memmove(input + at, input + at + n, size - at - n);
		return size - n;
	default:
		if (size + n > sizeof(input))
			return size;
		memmove(input + at + n, input + at, size - at);
		return size + n;
	}
}

static size_t make_changed(void)
{
	size_t size = read_input(seeds[(unsigned)rand() % n_seeds]);

	for (int n = rand() % (CHANGES + 1); n > 0; n--)
		size = change(size);
	return size;
}

int main(int argc, char **argv)
{
	int failed = 0;

	for (int i = 1; i < argc; i++)
		failed |= replay(argv[i]);
	if (argc > 1) {
		if (&fuzz_goal)
			printf("%lu of %d inputs came as far as any can\n", fuzz_goal, argc - 1);
		return failed;
	}
	log_level = LOG_ERROR;
	find_seeds();
	printf("1..%d\n", &fuzz_goal ? 2 : 1);
	fflush(stdout);
	srand(1);
	for (unsigned run = 0; run < RUNS; run++)
		LLVMFuzzerTestOneInput(input, n_seeds && run % 4 ? make_changed() : make_random());
	printf("ok 1 - %u inputs, of %u seeds\n", RUNS, n_seeds);
	if (&fuzz_goal)
		printf("%s 2 - %lu inputs came as far as any can\n", fuzz_goal ? "ok" : "not ok",
		       fuzz_goal);
	while (n_seeds > 0)
		free(seeds[--n_seeds]);
	return &fuzz_goal && !fuzz_goal;
}
