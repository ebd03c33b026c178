/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The watch, with the shell doing to files what people and programs do to them. Every change must
 * be told, once it is over, and nothing else.
 */
#include <event2/event.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "loop/loop.h"
#include "reload/watch.h"
#include "tests/unit/cu-tap.h"

#define MS         1000000ULL
#define PATIENCE   (4000 * MS)
#define NOTHING_IN (400 * MS)

static struct loop *loop;
static struct loop_source *deadline;
static struct watch *watch;
static unsigned told;
static bool late;
static char directory[] = "/tmp/weft-watch-XXXXXX";
static char origin[PATH_MAX];

static void on_told(void *opaque)
{
	told++;
}

static void on_deadline(void *opaque)
{
	late = true;
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000ULL + (uint64_t)t.tv_nsec;
}

/* Turns the loop until a change is told or @patience is over. Return: whether one was told. */
static bool wait_for_change(uint64_t patience)
{
	unsigned before = told;

	late = false;
	loop_timer_arm(deadline, patience);
	while (told == before && !late)
		CU_ASSERT_EQUAL_FATAL(event_base_loop(loop_event_base(loop), EVLOOP_ONCE), 0);
	loop_timer_arm(deadline, 0);
	return told > before;
}

static void shell(const char *command)
{
	CU_ASSERT_EQUAL_FATAL(system(command), 0);
}

static void watch_one(const char *path)
{
	CU_ASSERT_EQUAL(watch_set(watch, WATCH_INOTIFY, 0, &path, 1), 0);
}

/* Does it, is told, and sets the watch again as the reader of the file does. */
static void sees(const char *path, const char *command)
{
	bool seen;

	watch_one(path);
	shell(command);
	seen = wait_for_change(PATIENCE);
	if (!seen)
		fprintf(stderr, "# not seen: %s\n", command);
	CU_ASSERT(seen);
	watch_one(path);
}

static int set_up(void)
{
	if (!getcwd(origin, sizeof(origin)) || !mkdtemp(directory) || chdir(directory) < 0)
		return 1;
	loop = loop_create();
	if (!loop || loop_add_timer(loop, on_deadline, NULL, &deadline) < 0)
		return 1;
	watch = watch_create(loop, on_told, NULL);
	return 0;
}

static int tear_down(void)
{
	char command[64];

	watch_destroy(watch);
	loop_source_remove(deadline);
	loop_destroy(loop);
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	return chdir(origin) < 0 || system(command) != 0;
}

static void editors_are_seen(void)
{
	shell("mkdir plain; echo 0 >plain/vm.yaml");
	sees("plain/vm.yaml", "echo 1 >plain/vm.yaml");
	sees("plain/vm.yaml", "echo 2 >plain/new; mv plain/new plain/vm.yaml");
	sees("plain/vm.yaml", "sed -i s/2/3/ plain/vm.yaml");
	sees("plain/vm.yaml", "touch plain/vm.yaml");
	sees("plain/vm.yaml", "rm plain/vm.yaml");
	sees("plain/vm.yaml", "echo 4 >plain/vm.yaml");
	sees("plain/vm.yaml", "echo 5 >plain/vm.yaml; echo 6 >plain/vm.yaml");
}

static void directories_may_come_and_go(void)
{
	shell("mkdir -p a/b/c; echo 0 >a/b/c/vm.yaml");
	sees("a/b/c/vm.yaml", "rm -r a");
	sees("a/b/c/vm.yaml", "mkdir a");
	sees("a/b/c/vm.yaml", "mkdir -p a/b/c");
	sees("a/b/c/vm.yaml", "echo 1 >a/b/c/vm.yaml");
	/* Whole releases are swapped: nothing happens in c itself. */
	shell("mkdir -p next/b/c; echo 2 >next/b/c/vm.yaml");
	sees("a/b/c/vm.yaml", "mv a old; mv next a");
	sees("a/b/c/vm.yaml", "echo 3 >a/b/c/vm.yaml");
	shell("mkdir -p b2/c; echo 4 >b2/c/vm.yaml");
	sees("a/b/c/vm.yaml", "mv a/b old/b2; mv b2 a/b");
	sees("a/b/c/vm.yaml", "echo 5 >a/b/c/vm.yaml");
}

static void links_are_followed(void)
{
	char path[PATH_MAX];

	/* A ConfigMap: vm.yaml → ..data/vm.yaml, ..data → ..1. */
	shell("mkdir -p map/..1 map/..2; echo 1 >map/..1/vm.yaml; echo 2 >map/..2/vm.yaml;"
	      "ln -s ..1 map/..data; ln -s ..data/vm.yaml map/vm.yaml");
	sees("map/vm.yaml", "ln -s ..2 map/..tmp; mv -T map/..tmp map/..data");
	sees("map/vm.yaml", "rm -r map/..1; echo 3 >map/..2/vm.yaml");

	/* current → r1, with the file in a directory below. */
	shell("mkdir -p r1/etc r2/etc; echo 1 >r1/etc/vm.yaml; echo 2 >r2/etc/vm.yaml; ln -s r1 current");
	sees("current/etc/vm.yaml", "ln -s r2 tmp; mv -T tmp current");
	sees("current/etc/vm.yaml", "echo 3 >r2/etc/vm.yaml");
	watch_one("current/etc/vm.yaml");
	shell("echo 4 >r1/etc/vm.yaml");
	CU_ASSERT_FALSE(wait_for_change(NOTHING_IN));

	/* A chain of them, relative, absolute and through '..'. */
	shell("mkdir -p x/y z; echo 1 >z/real.yaml; ln -s ../../z/real.yaml x/y/two;"
	      "ln -s \"$PWD/x/y/two\" one; ln -s ./x/../one vm.yaml");
	sees("vm.yaml", "echo 2 >z/real.yaml");
	sees("vm.yaml", "echo 3 >z/other.yaml; ln -sfn ../../z/other.yaml x/y/two");
	sees("vm.yaml", "echo 4 >z/other.yaml");
	snprintf(path, sizeof(path), "%s//./vm.yaml", directory);
	sees(path, "echo 5 >z/other.yaml");

	shell("ln -s circle circle");
	CU_ASSERT_NOT_EQUAL(watch_set(watch, WATCH_INOTIFY, 0, &(const char *){"circle"}, 1), 0);
	shell("ln -s nowhere/vm.yaml dangling");
	sees("dangling", "mkdir nowhere");
	sees("dangling", "echo 1 >nowhere/vm.yaml");
}

static void patterns_are_directories(void)
{
	shell("mkdir conf.d");
	sees("conf.d/*.yaml", "echo 1 >conf.d/a.yaml");
	sees("conf.d/*.yaml", "rm conf.d/a.yaml");
	sees("missing.d/*.yaml", "mkdir missing.d");
	sees("missing.d/*.yaml", "echo 1 >missing.d/a.yaml");
}

/* A flood is told as often as the latest time allows, and its end is told. */
static void a_flood_is_told_seldom(void)
{
	uint64_t began = now();
	unsigned before = told, calls;

	shell("mkdir flood; echo 0 >flood/vm.yaml");
	watch_one("flood/vm.yaml");
	shell("(i=0; while [ $i -lt 20000 ]; do : >flood/$((i % 7)); i=$((i + 1)); done;"
	      "echo end >flood/vm.yaml) & echo $! >flood.pid");
	CU_ASSERT(wait_for_change(PATIENCE));
	while (wait_for_change(WATCH_LATEST_NS + 500 * MS))
		continue;
	calls = told - before;
	CU_ASSERT(calls >= 1);
	CU_ASSERT(calls <= 2 + (now() - began) / WATCH_LATEST_NS);
}

/* More events than the kernel's queue holds while nobody reads: what is lost is still a change. */
static void a_full_queue_is_a_change(void)
{
	struct watch *before = watch;
	unsigned calls = told;

	shell("mkdir full; echo 0 >full/vm.yaml");
	watch_one("full/vm.yaml");
	shell("cd full; i=0; while [ $i -lt 10000 ]; do : >a; : >b; i=$((i + 1)); done");
	shell("echo 1 >full/vm.yaml");
	CU_ASSERT(wait_for_change(PATIENCE));
	CU_ASSERT_PTR_EQUAL(before, watch);
	while (wait_for_change(NOTHING_IN))
		continue;
	CU_ASSERT(told - calls <= 3);
	sees("full/vm.yaml", "echo 2 >full/vm.yaml");
}

/* A disk image that is written beside the file: it is open, and nothing is told. */
static void a_disk_image_beside_costs_nothing(void)
{
	char block[4096] = "x";
	int fd;

	shell("mkdir disk; echo 0 >disk/vm.yaml; truncate -s 1M disk/root.img");
	fd = open("disk/root.img", O_RDWR | O_CLOEXEC);
	watch_one("disk/vm.yaml");
	CU_ASSERT_FALSE(wait_for_change(NOTHING_IN));
	for (int i = 0; i < 256; i++)
		CU_ASSERT_EQUAL(pwrite(fd, block, sizeof(block), i * 4096), sizeof(block));
	fsync(fd);
	CU_ASSERT_FALSE(wait_for_change(NOTHING_IN));
	close(fd);
}

/* Something else in the directory must not make a half-written file count. */
static void a_slow_writer_is_waited_for(void)
{
	uint64_t began;
	struct stat st;

	shell("mkdir slow; echo 0 >slow/vm.yaml");
	watch_one("slow/vm.yaml");
	began = now();
	shell("(exec >slow/vm.yaml; for i in 1 2 3 4; do echo $i; sleep 0.4; done) &"
	      "sleep 0.05; touch slow/other");
	CU_ASSERT(wait_for_change(PATIENCE));
	CU_ASSERT(now() - began > 1200 * MS);
	CU_ASSERT_EQUAL(stat("slow/vm.yaml", &st), 0);
	CU_ASSERT_EQUAL(st.st_size, 8);
	while (wait_for_change(NOTHING_IN))
		continue;
}

static void polling_sees_the_same(void)
{
	static const char *const paths[] = {"poll/vm.yaml", "poll/conf.d/*.yaml"};
	static const char *const edits[] = {
		"echo 1 >poll/vm.yaml",
		"echo 2 >poll/n; mv poll/n poll/vm.yaml",
		"rm poll/vm.yaml",
		"echo 3 >poll/vm.yaml",
		"echo 1 >poll/conf.d/a.yaml",
		"rm poll/conf.d/a.yaml",
		"ln -s r2 poll/t; mv -T poll/t poll/conf.d",
	};

	shell("mkdir -p poll/r1 poll/r2; echo 0 >poll/vm.yaml; ln -s r1 poll/conf.d");
	for (size_t i = 0; i < ARRAY_SIZE(edits); i++) {
		CU_ASSERT_EQUAL(watch_set(watch, WATCH_POLL, 50 * MS, paths, 2), 0);
		CU_ASSERT_FALSE(wait_for_change(NOTHING_IN));
		shell(edits[i]);
		CU_ASSERT(wait_for_change(PATIENCE));
	}
	CU_ASSERT_EQUAL(watch_set(watch, WATCH_OFF, 0, paths, 2), 0);
	shell("echo 9 >poll/vm.yaml");
	CU_ASSERT_FALSE(wait_for_change(NOTHING_IN));
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"editors are seen", editors_are_seen},
		{"directories may come and go", directories_may_come_and_go},
		{"links are followed", links_are_followed},
		{"patterns are directories", patterns_are_directories},
		{"a flood is told seldom", a_flood_is_told_seldom},
		{"a full queue is a change", a_full_queue_is_a_change},
		{"a disk image beside costs nothing", a_disk_image_beside_costs_nothing},
		{"a slow writer is waited for", a_slow_writer_is_waited_for},
		{"polling sees the same", polling_sees_the_same},
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = {
		{"watch", set_up, tear_down, NULL, NULL, tests},
		CU_SUITE_INFO_NULL,
	};

	return cu_tap_run(suites);
}
