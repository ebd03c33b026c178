/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state directory of a machine: what was accepted can be read again, as the same machine.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/sha256.h"
#include "document/document.h"
#include "graph/generation.h"
#include "reload/state.h"
#include "tests/unit/cu-tap.h"

static const char description[] =
	"version: 1\n"
	"name: state-test\n"
	"vars: { size: 64MiB }\n"
	"memory: { size: \"${size}\" }\n"
	"boot: { kernel: vmlinux, cmdline: \"a=$${b} # ü\" }\n"
	"lifecycle: { power-off-timeout: 1500ms }\n"
	"devices:\n"
	"  rng: { type: virtio-rng, slot: 7 }\n"
	"  disk: { type: virtio-blk, path: disk.img }\n"
	"  serial: { type: serial, output: [{ type: null }, { type: file, path: log }] }\n";

static char directory[] = "/tmp/weft-state-XXXXXX";

static struct generation *load(const char *path)
{
	struct generation *generation = generation_load(path, NULL, NULL);

	CU_ASSERT_PTR_NOT_NULL_FATAL(generation->graph);
	return generation;
}

static void last_good_is_the_same_machine(void)
{
	cleanup_generation struct generation *first = NULL, *second = NULL;
	struct state *state = NULL;
	char path[256];
	pid_t pid;
	FILE *f;

	snprintf(path, sizeof(path), "%s/vm.yaml", directory);
	f = fopen(path, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	fputs(description, f);
	fclose(f);
	first = load(path);
	CU_ASSERT_EQUAL_FATAL(state_open("state-test", &state, &pid), 0);
	CU_ASSERT_EQUAL(state_accept(state, first->graph, first->root, 1), 0);
	snprintf(path, sizeof(path), "%s", state_path(state, "last-good.yaml"));
	state_close(state); /* waits for the disk */
	second = load(path);
	CU_ASSERT_EQUAL(memcmp(first->graph->hash, second->graph->hash, SHA256_SIZE), 0);

	CU_ASSERT_EQUAL_FATAL(state_open("state-test", &state, &pid), 0);
	CU_ASSERT(state_is(state, second->graph));
	CU_ASSERT_EQUAL(state_generation(state), 1);
	state_close(state);
}

static ino_t inode_of(struct state *state, const char *file)
{
	struct stat st;

	return stat(state_path(state, file), &st) < 0 ? 0 : st.st_ino;
}

static void what_is_there_is_not_written_again(void)
{
	cleanup_generation struct generation *generation = NULL;
	struct state *state = NULL;
	char path[256];
	ino_t good, numbers;
	pid_t pid;

	snprintf(path, sizeof(path), "%s/vm.yaml", directory);
	generation = load(path);
	CU_ASSERT_EQUAL_FATAL(state_open("again", &state, &pid), 0);
	/* In a hurry it is there when the call returns. */
	state_hurry(state);
	CU_ASSERT_EQUAL(state_accept(state, generation->graph, generation->root, 1), 0);
	good = inode_of(state, "last-good.yaml");
	numbers = inode_of(state, "state.yaml");
	CU_ASSERT(good != 0 && numbers != 0);
	CU_ASSERT_EQUAL(state_accept(state, generation->graph, generation->root, 2), 0);
	CU_ASSERT_EQUAL(inode_of(state, "last-good.yaml"), good);
	CU_ASSERT_NOT_EQUAL(inode_of(state, "state.yaml"), numbers);
	state_close(state);
	CU_ASSERT_EQUAL_FATAL(state_open("again", &state, &pid), 0);
	CU_ASSERT_EQUAL(state_generation(state), 2);
	state_close(state);
}

static void one_machine_of_a_name(void)
{
	struct state *state = NULL, *other = NULL;
	pid_t pid = 0;

	CU_ASSERT_EQUAL_FATAL(state_open("one", &state, &pid), 0);
	CU_ASSERT_EQUAL(state_open("one", &other, &pid), -EBUSY);
	CU_ASSERT_EQUAL(pid, getpid());
	state_close(state);
	CU_ASSERT_EQUAL(state_open("one", &state, &pid), 0);
	state_close(state);
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"the last good description is the same machine", last_good_is_the_same_machine},
		{"what is there is not written again", what_is_there_is_not_written_again},
		{"one machine of a name", one_machine_of_a_name},
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = {{"state", NULL, NULL, NULL, NULL, tests}, CU_SUITE_INFO_NULL};
	char remove[64];
	int status;

	if (!mkdtemp(directory) || setenv("XDG_STATE_HOME", directory, 1) < 0)
		return 99;
	status = cu_tap_run(suites);
	snprintf(remove, sizeof(remove), "rm -r %s", directory);
	return system(remove) ? 99 : status;
}
