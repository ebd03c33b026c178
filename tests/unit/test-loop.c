/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop: timers, signals, removal inside a batch, and everything that crosses threads. Worth
 * running under ThreadSanitizer (--enable-tsan).
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "loop/loop.h"
#include "tests/unit/cu-tap.h"

#define MS 1000000ULL

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
}

static void quit_timer(void *opaque)
{
	loop_quit(opaque);
}

/* --- Timers. --- */

struct timer_test {
	struct loop *loop;
	struct loop_source *first, *second, *never;
	char order[8];
	unsigned n;
	unsigned rearmed;
};

static void on_first(void *opaque)
{
	struct timer_test *t = opaque;

	t->order[t->n++] = '1';
	if (++t->rearmed < 3)
		loop_timer_arm(t->first, 10 * MS);
	/* The other timer goes while it is pending. */
	if (t->rearmed == 2)
		t->never = loop_source_remove(t->never);
}

static void on_second(void *opaque)
{
	struct timer_test *t = opaque;

	t->order[t->n++] = '2';
	loop_quit(t->loop);
}

static void timers_fire_in_order_and_rearm(void)
{
	struct timer_test t = {.loop = loop_create()};
	uint64_t start, took;

	CU_ASSERT_EQUAL(loop_add_timer(t.loop, on_first, &t, &t.first), 0);
	CU_ASSERT_EQUAL(loop_add_timer(t.loop, on_second, &t, &t.second), 0);
	CU_ASSERT_EQUAL(loop_add_timer(t.loop, on_second, &t, &t.never), 0);
	loop_timer_arm(t.first, 20 * MS);
	loop_timer_arm(t.first, 1); /* the newest counts */
	loop_timer_arm(t.second, 120 * MS);
	loop_timer_arm(t.never, 110 * MS);
	start = now_ns();
	CU_ASSERT_EQUAL(loop_run(t.loop), 0);
	took = now_ns() - start;
	CU_ASSERT_STRING_EQUAL(t.order, "1112");
	CU_ASSERT(took > 105 * MS);
	loop_source_remove(t.first);
	loop_source_remove(t.second);
	loop_destroy(t.loop);
}

/* --- Removal inside a batch. --- */

struct batch_test {
	struct loop *loop;
	struct loop_source *sources[8];
	unsigned calls;
};

/* Whoever comes first takes all others away, and itself. */
static void remove_all(int fd, unsigned events, void *opaque)
{
	struct batch_test *t = opaque;

	t->calls++;
	for (unsigned i = 0; i < 8; i++)
		t->sources[i] = loop_source_remove(t->sources[i]);
	loop_quit(t->loop);
}

static void sources_removed_in_a_batch_are_not_called(void)
{
	struct batch_test t = {.loop = loop_create()};
	int fds[8][2];

	for (unsigned i = 0; i < 8; i++) {
		CU_ASSERT_EQUAL_FATAL(pipe(fds[i]), 0);
		CU_ASSERT_EQUAL(write(fds[i][1], "x", 1), 1);
		CU_ASSERT_EQUAL(
			loop_add_fd(t.loop, fds[i][0], LOOP_READ, remove_all, &t, &t.sources[i]),
			0);
	}
	CU_ASSERT_EQUAL(loop_run(t.loop), 0);
	CU_ASSERT_EQUAL(t.calls, 1);
	for (unsigned i = 0; i < 8; i++) {
		close(fds[i][0]);
		close(fds[i][1]);
	}
	loop_destroy(t.loop);
}

struct events_test {
	struct loop *loop;
	struct loop_source *source;
	unsigned seen;
};

static void on_events(int fd, unsigned events, void *opaque)
{
	struct events_test *t = opaque;

	t->seen = t->seen << 4 | events;
	if (events & LOOP_WRITE)
		loop_source_set_events(t->source, LOOP_READ);
	else
		loop_source_set_events(t->source, 0);
}

static void watched_events_change_in_the_callback(void)
{
	struct events_test t = {.loop = loop_create()};
	struct loop_source *timer;
	int fds[2];

	CU_ASSERT_EQUAL_FATAL(pipe(fds), 0);
	CU_ASSERT_EQUAL(write(fds[1], "x", 1), 1);
	CU_ASSERT_EQUAL(loop_add_fd(t.loop, fds[1], LOOP_WRITE, on_events, &t, &t.source), 0);
	CU_ASSERT_EQUAL(loop_add_timer(t.loop, quit_timer, t.loop, &timer), 0);
	loop_timer_arm(timer, 30 * MS);
	CU_ASSERT_EQUAL(loop_run(t.loop), 0);
	CU_ASSERT_EQUAL(t.seen, LOOP_WRITE);
	loop_source_remove(t.source);
	loop_source_remove(timer);
	loop_destroy(t.loop);
	close(fds[0]);
	close(fds[1]);
}

static void a_regular_file_is_refused(void)
{
	struct loop *loop = loop_create();
	struct loop_source *source = NULL;
	FILE *file = tmpfile();

	CU_ASSERT_EQUAL(loop_add_fd(loop, fileno(file), LOOP_READ, on_events, NULL, &source),
			-EPERM);
	CU_ASSERT_PTR_NULL(source);
	fclose(file);
	loop_destroy(loop);
}

/* --- Signals. --- */

static void on_usr1(int signal, void *opaque)
{
	struct loop *loop = opaque;

	CU_ASSERT_EQUAL(signal, SIGUSR1);
	loop_quit(loop);
}

static void signals_reach_the_loop(void)
{
	struct loop *loop = loop_create();
	struct loop_source *source;

	CU_ASSERT_EQUAL(loop_add_signal(loop, SIGUSR1, on_usr1, loop, &source), 0);
	raise(SIGUSR1);
	CU_ASSERT_EQUAL(loop_run(loop), 0);
	loop_source_remove(source);
	loop_destroy(loop);
}

/* --- Across threads. --- */

#define POSTERS 4
#define POSTS   10000

struct flood {
	struct loop *loop;
	unsigned long posts, calls, bells; /* the loop's thread only: no atomics */
	struct loop_source *bell;
	atomic_uint finished;
};

static void count_post(void *opaque)
{
	((struct flood *)opaque)->posts++;
}

static void count_call(void *opaque)
{
	((struct flood *)opaque)->calls++;
}

static void count_bell(void *opaque)
{
	((struct flood *)opaque)->bells++;
}

static void *poster(void *opaque)
{
	struct flood *flood = opaque;

	for (unsigned i = 0; i < POSTS; i++) {
		loop_post(flood->loop, count_post, flood);
		loop_wake(flood->bell);
		if (i % 100 == 0)
			loop_call(flood->loop, count_call, flood);
	}
	if (atomic_fetch_add(&flood->finished, 1) + 1 == POSTERS)
		loop_quit(flood->loop);
	return NULL;
}

static void posts_and_calls_of_four_threads_all_run(void)
{
	struct flood flood = {.loop = loop_create()};
	pthread_t threads[POSTERS];

	CU_ASSERT_EQUAL(loop_add_bell(flood.loop, count_bell, &flood, &flood.bell), 0);
	for (unsigned i = 0; i < POSTERS; i++)
		pthread_create(&threads[i], NULL, poster, &flood);
	CU_ASSERT_EQUAL(loop_run(flood.loop), 0);
	for (unsigned i = 0; i < POSTERS; i++)
		pthread_join(threads[i], NULL);
	CU_ASSERT_EQUAL(flood.posts, POSTERS * POSTS);
	CU_ASSERT_EQUAL(flood.calls, POSTERS * POSTS / 100);
	CU_ASSERT(flood.bells > 0 && flood.bells <= POSTERS * POSTS);
	loop_source_remove(flood.bell);
	loop_destroy(flood.loop);
}

struct bell_test {
	struct loop *loop;
	struct loop_source *self, *other;
	unsigned calls;
};

static void remove_bells(void *opaque)
{
	struct bell_test *t = opaque;

	t->calls++;
	loop_wake(t->self);
	t->self = loop_source_remove(t->self);
	t->other = loop_source_remove(t->other);
	loop_quit(t->loop);
}

static void bells_are_removed_in_their_batch(void)
{
	struct bell_test t = {.loop = loop_create()};

	CU_ASSERT_EQUAL(loop_add_bell(t.loop, remove_bells, &t, &t.self), 0);
	CU_ASSERT_EQUAL(loop_add_bell(t.loop, remove_bells, &t, &t.other), 0);
	loop_wake(t.self);
	loop_wake(t.self);
	loop_wake(t.other);
	CU_ASSERT_EQUAL(loop_run(t.loop), 0);
	CU_ASSERT_EQUAL(t.calls, 1);
	loop_destroy(t.loop);
}

struct shutdown_test {
	struct loop *loop;
	atomic_uint ran, refused;
	atomic_bool started;
};

static void count_ran(void *opaque)
{
	((struct shutdown_test *)opaque)->ran++;
}

static void *call_until_refused(void *opaque)
{
	struct shutdown_test *t = opaque;

	while (loop_call(t->loop, count_ran, t))
		t->started = true;
	t->refused++;
	return NULL;
}

static void calls_never_wait_for_a_loop_that_ended(void)
{
	struct shutdown_test t = {.loop = loop_create()};
	struct loop_source *timer;
	pthread_t threads[POSTERS];

	CU_ASSERT_EQUAL(loop_add_timer(t.loop, quit_timer, t.loop, &timer), 0);
	loop_timer_arm(timer, 20 * MS);
	for (unsigned i = 0; i < POSTERS; i++)
		pthread_create(&threads[i], NULL, call_until_refused, &t);
	CU_ASSERT_EQUAL(loop_run(t.loop), 0);
	/* What a machine does when it stops: the loop's thread joins those who call it. */
	for (unsigned i = 0; i < POSTERS; i++)
		pthread_join(threads[i], NULL);
	CU_ASSERT_EQUAL(t.refused, POSTERS);
	CU_ASSERT(t.ran > 0);
	loop_source_remove(timer);
	loop_destroy(t.loop);
}

static void note_thread(void *opaque)
{
	*(pthread_t *)opaque = pthread_self();
}

static void an_io_thread_runs_what_it_is_given(void)
{
	struct io_thread *thread = io_thread_create("test-io");
	pthread_t seen = pthread_self();
	struct flood flood = {.loop = io_thread_loop(thread)};

	CU_ASSERT(loop_call(io_thread_loop(thread), note_thread, &seen));
	CU_ASSERT_FALSE(pthread_equal(seen, pthread_self()));
	for (unsigned i = 0; i < 1000; i++)
		loop_post(io_thread_loop(thread), count_post, &flood);
	io_thread_destroy(thread);
	CU_ASSERT_EQUAL(flood.posts, 1000);
}

static void io_threads_come_and_go(void)
{
	for (unsigned i = 0; i < 200; i++)
		io_thread_destroy(io_thread_create("test-io"));
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"timers fire in order and rearm", timers_fire_in_order_and_rearm},
		{"sources removed in a batch are not called",
		 sources_removed_in_a_batch_are_not_called},
		{"watched events change in the callback", watched_events_change_in_the_callback},
		{"a regular file is refused", a_regular_file_is_refused},
		{"signals reach the loop", signals_reach_the_loop},
		{"posts and calls of four threads all run",
		 posts_and_calls_of_four_threads_all_run},
		{"bells are removed in their batch", bells_are_removed_in_their_batch},
		{"calls never wait for a loop that ended", calls_never_wait_for_a_loop_that_ended},
		{"an I/O thread runs what it is given", an_io_thread_runs_what_it_is_given},
		{"I/O threads come and go", io_threads_come_and_go},
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = {
		{"loop", NULL, NULL, NULL, NULL, tests},
		CU_SUITE_INFO_NULL,
	};

	return cu_tap_run(suites);
}
