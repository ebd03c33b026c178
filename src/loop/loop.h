/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Event loops over libevent: the main one, and one in each I/O thread. Everything but loop_post(),
 * loop_call(), loop_wake() and loop_quit() is called on the loop's own thread: the one that created
 * the loop, and the one that runs it as soon as it runs.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"

struct event_base;
struct io_thread;
struct loop;
struct loop_source;

#define LOOP_READ  1u
#define LOOP_WRITE 2u

typedef void (*loop_fd_fn)(int fd, unsigned events, void *opaque);
typedef void (*loop_timer_fn)(void *opaque);
typedef void (*loop_signal_fn)(int signal, void *opaque);
typedef void (*loop_fn)(void *opaque);

/* NULL with errno set when the host refuses an epoll descriptor. */
struct loop *loop_create(void);

/* Ends waiting loop_call()s and drops what was posted. All sources must be gone. Takes NULL. */
struct loop *loop_destroy(struct loop *loop);

/*
 * Runs until loop_quit(), then once more what was posted until then. Return: 0 or a negative errno.
 */
int loop_run(struct loop *loop);

/* Any thread. Before loop_run() it makes that return at once. */
void loop_quit(struct loop *loop);

/*
 * Watches a descriptor, level-triggered, until the source is removed; the descriptor stays the
 * caller's and is closed after that. Regular files cannot be watched (-EPERM).
 */
int loop_add_fd(struct loop *loop, int fd, unsigned events, loop_fd_fn fn, void *opaque,
		struct loop_source **ret) must_use;

/* Changes what is watched; 0 watches nothing and keeps the source. Return: 0 or a negative errno.
 */
int loop_source_set_events(struct loop_source *source, unsigned events);

/*
 * Frees any kind of source. Its function is not called again, not even when it is due in the batch
 * that is being dispatched: a callback may remove its own source and others. Takes NULL, returns
 * NULL.
 */
struct loop_source *loop_source_remove(struct loop_source *source);

/*
 * A timer that is not armed yet. loop_timer_arm() with 0 disarms it; the timer fires once, and may
 * be armed again in its callback. It is for time-outs: the clock under it ticks with the kernel's
 * timer (1 to 10 ms), because a finer one costs a system call at each turn of the loop.
 */
int loop_add_timer(struct loop *loop, loop_timer_fn fn, void *opaque,
		   struct loop_source **ret) must_use;
int loop_timer_arm(struct loop_source *timer, uint64_t nanoseconds);

/*
 * Calls @fn for a signal of the process; only one loop of the program may do so (the main one). The
 * signal is caught, not blocked: what is executed later starts with its default action.
 */
int loop_add_signal(struct loop *loop, int signal, loop_signal_fn fn, void *opaque,
		    struct loop_source **ret) must_use;

/*
 * A bell: loop_wake() from any thread makes the loop call @fn soon; many rings before that are one
 * call, and nothing is allocated. This, not loop_post(), is for what a guest can repeat at will.
 * The source must outlive the threads that ring it.
 */
int loop_add_bell(struct loop *loop, loop_fn fn, void *opaque, struct loop_source **ret) must_use;
void loop_wake(struct loop_source *bell); /* any thread */

/*
 * Runs @fn on the loop's thread soon, in the order of posting. Any thread, also before loop_run().
 * What is posted after loop_run() has returned is dropped.
 */
void loop_post(struct loop *loop, loop_fn fn, void *opaque);

/*
 * Runs @fn on the loop's thread before returning; at once when called there. Any thread, but two
 * loops must not call each other. Return: false when @fn was not run because the loop has ended:
 * whoever stops a loop may then wait for the threads that call it.
 */
bool loop_call(struct loop *loop, loop_fn fn, void *opaque);

/* For libevent's own modules (evhttp). Lives as long as the loop. */
struct event_base *loop_event_base(struct loop *loop);

/* A thread with a loop of its own. Signals are blocked in it. NULL with errno set. */
struct io_thread *io_thread_create(const char *name);

/* Runs what was posted, stops and joins. The sources of its loop must be gone. Takes NULL. */
struct io_thread *io_thread_destroy(struct io_thread *thread);

struct loop *io_thread_loop(struct io_thread *thread);
