/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main() of a fuzz target in a build without libFuzzer: runs the files named on the command line,
 * else a fixed series of random inputs, so that `make check` keeps every target building and
 * working.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"

#define MAX_INPUT (64 * KiB)
#define RUNS      3000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t input[MAX_INPUT];

static int replay(const char *path)
{
	FILE *file = fopen(path, "rb");

	if (!file) {
		perror(path);
		return 1;
	}
	LLVMFuzzerTestOneInput(input, fread(input, 1, sizeof(input), file));
	fclose(file);
	return 0;
}

int main(int argc, char **argv)
{
	int failed = 0;

	for (int i = 1; i < argc; i++)
		failed |= replay(argv[i]);
	if (argc > 1)
		return failed;
	log_level = LOG_ERROR;
	printf("1..1\n");
	fflush(stdout);
	srand(1);
	for (unsigned run = 0; run < RUNS; run++) {
		size_t size = (size_t)rand() % 2048;

		/* Small values are what headers, indices and lengths are made of. */
		for (size_t i = 0; i < size; i++)
			input[i] = (uint8_t)(rand() % 3 ? rand() % 8 : rand());
		LLVMFuzzerTestOneInput(input, size);
	}
	printf("ok 1 - %u random inputs\n", RUNS);
	return 0;
}
