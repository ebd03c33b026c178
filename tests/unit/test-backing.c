/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mapped files that lose pages: who touches what is gone goes on, on whichever thread and under
 * whoever's handler, and what is left of the file stays the file.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"
#include "machine/backing.h"
#include "tests/unit/cu-tap.h"

#define PAGE 4096u
#define SIZE (64 * PAGE)
#define GPA  (40 * GiB)

static char path[] = "/tmp/weft-test-backing-XXXXXX";
static int fd, wake_fd;
static uint8_t *host;
static struct backing *backing;

static void set_up(void)
{
	CU_ASSERT_EQUAL_FATAL(ftruncate(fd, 0) | ftruncate(fd, SIZE), 0);
	host = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CU_ASSERT_PTR_NOT_EQUAL_FATAL(host, MAP_FAILED);
	memset(host, 5, SIZE);
	CU_ASSERT_EQUAL_FATAL(backing_add(host, SIZE, GPA, fd, false, wake_fd, &backing), 0);
}

static void tear_down(void)
{
	backing = backing_remove(backing);
	munmap(host, SIZE);
}

static bool woken(void)
{
	uint64_t count;

	return read(wake_fd, &count, sizeof(count)) > 0;
}

static void what_is_cut_off_is_memory(void)
{
	uint8_t found = 0;

	set_up();
	CU_ASSERT_EQUAL(ftruncate(fd, 10 * PAGE + 100), 0);
	/* The page in which the file ends is there. */
	CU_ASSERT_EQUAL(host[10 * PAGE + 99], 5);
	CU_ASSERT_EQUAL(backing_size(backing), SIZE);
	CU_ASSERT_FALSE(woken());
	CU_ASSERT_EQUAL(host[11 * PAGE], 0);
	CU_ASSERT(woken());
	CU_ASSERT_EQUAL(backing_size(backing), 11 * PAGE);
	CU_ASSERT_FALSE(backing_has_holes(backing));
	memset(host + 11 * PAGE, 6, SIZE - 11 * PAGE);
	CU_ASSERT_EQUAL(host[SIZE - 1], 6);
	CU_ASSERT_FALSE(woken());
	/* What is left is the file. */
	host[3] = 7;
	CU_ASSERT(pread(fd, &found, 1, 3) == 1 && found == 7);
	/* Shorter again; and longer, which brings nothing back. */
	CU_ASSERT_EQUAL(ftruncate(fd, PAGE), 0);
	host[2 * PAGE] = 8;
	CU_ASSERT_EQUAL(backing_size(backing), PAGE);
	CU_ASSERT_EQUAL(ftruncate(fd, SIZE), 0);
	CU_ASSERT_EQUAL(host[2 * PAGE], 8);
	CU_ASSERT_EQUAL(host[SIZE - 1], 6);
	CU_ASSERT_EQUAL(backing_size(backing), PAGE);
	tear_down();
}

static void it_can_be_looked_for(void)
{
	unsigned mends;

	set_up();
	mends = backing_mend_all();
	CU_ASSERT_EQUAL(backing_mend_at(GPA + 5), mends);
	CU_ASSERT_EQUAL(backing_mend_at(GPA + SIZE), mends);
	CU_ASSERT_EQUAL(backing_mend_holes(), mends);
	CU_ASSERT_EQUAL(ftruncate(fd, PAGE), 0);
	CU_ASSERT_EQUAL(backing_mend_all(), mends + 1);
	CU_ASSERT_EQUAL(backing_mend_all(), mends + 1);
	CU_ASSERT_EQUAL(ftruncate(fd, 0), 0);
	CU_ASSERT_EQUAL(backing_mend_at(GPA), mends + 2);
	CU_ASSERT_EQUAL(host[0], 0);
	CU_ASSERT(woken());
	tear_down();
}

static void *touch_all(void *opaque)
{
	sigset_t set;

	fault_fill_mask(&set);
	pthread_sigmask(SIG_SETMASK, &set, NULL);
	for (unsigned at = 0; at < SIZE; at += PAGE)
		host[at]++;
	return NULL;
}

static void threads_that_block_signals_go_on(void)
{
	pthread_t threads[4];

	set_up();
	CU_ASSERT_EQUAL(ftruncate(fd, 0), 0);
	for (unsigned i = 0; i < ARRAY_SIZE(threads); i++)
		CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, touch_all, NULL), 0);
	for (unsigned i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
	CU_ASSERT(host[SIZE - PAGE] > 0);
	CU_ASSERT(woken());
	tear_down();
}

static unsigned asked;

static void over_it(int sig, siginfo_t *info, void *context)
{
	asked++;
	if (!fault_mend(info))
		_exit(9);
}

static void a_handler_over_it_asks(void)
{
	struct sigaction action = {.sa_sigaction = over_it, .sa_flags = SA_SIGINFO}, before;

	set_up();
	sigaction(SIGBUS, &action, &before);
	CU_ASSERT_EQUAL(ftruncate(fd, 0), 0);
	CU_ASSERT_EQUAL(host[PAGE], 0);
	CU_ASSERT_EQUAL(asked, 1);
	sigaction(SIGBUS, &before, NULL);
	CU_ASSERT(woken());
	tear_down();
}

/* What nobody watches over ends the process by its signal, with words. */
static void what_is_not_known_is_said(void)
{
	char said[256] = "";
	int status, fds[2];
	pid_t pid;

	set_up();
	backing = backing_remove(backing);
	CU_ASSERT_EQUAL_FATAL(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		signal(SIGALRM, SIG_DFL);
		alarm(10);
		dup2(fds[1], STDERR_FILENO);
		if (ftruncate(fd, 0) == 0)
			host[0] = 1;
		_exit(0);
	}
	close(fds[1]);
	CU_ASSERT(read(fds[0], said, sizeof(said) - 1) > 0);
	close(fds[0]);
	CU_ASSERT_PTR_NOT_NULL(strstr(said, "(SIGBUS)"));
	CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
	CU_ASSERT_FALSE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	CU_ASSERT_FALSE(WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM);
	tear_down();
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"what is cut off is memory", what_is_cut_off_is_memory},
		{"it can be looked for", it_can_be_looked_for},
		{"threads that block signals go on", threads_that_block_signals_go_on},
		{"a handler over it asks", a_handler_over_it_asks},
		{"what is not known is said", what_is_not_known_is_said},
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = {{"backing", NULL, NULL, NULL, NULL, tests}, CU_SUITE_INFO_NULL};
	int r;

	fd = mkstemp(path);
	wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (fd < 0 || wake_fd < 0)
		return 99;
	r = cu_tap_run(suites);
	unlink(path);
	return r;
}
