/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Event loops over libevent: the main one, and one in each I/O thread. Everything but loop_post(),
 * loop_call() and loop_quit() is called on the loop's own thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"

struct io_thread;
struct loop;
struct loop_source;

#define LOOP_READ  1u
#define LOOP_WRITE 2u

typedef void (*loop_fd_fn)(int fd, unsigned events, void *opaque);
typedef void (*loop_timer_fn)(void *opaque);
typedef void (*loop_signal_fn)(int signal, void *opaque);
typedef void (*loop_fn)(void *opaque);

struct loop *loop_create(void);
struct loop *loop_destroy(struct loop *loop);

/* Runs until loop_quit(). Return: 0 or a negative errno. */
int loop_run(struct loop *loop);
void loop_quit(struct loop *loop); /* any thread */

/*
 * Watches a descriptor, level-triggered, until the source is removed; the descriptor stays the
 * caller's and is closed after that. loop_source_remove() takes NULL and may be called in a callback.
 */
int loop_add_fd(struct loop *loop, int fd, unsigned events, loop_fd_fn fn, void *opaque,
		struct loop_source **ret) must_use;
int loop_source_set_events(struct loop_source *source, unsigned events);
struct loop_source *loop_source_remove(struct loop_source *source);

/* A timer that is not armed yet. loop_timer_arm() with 0 disarms it; the timer fires once. */
int loop_add_timer(struct loop *loop, loop_timer_fn fn, void *opaque,
		   struct loop_source **ret) must_use;
int loop_timer_arm(struct loop_source *timer, uint64_t nanoseconds);

int loop_add_signal(struct loop *loop, int signal, loop_signal_fn fn, void *opaque,
		    struct loop_source **ret) must_use;

/* Runs @fn on the loop's thread, soon (post) or before returning (call; runs at once on that thread). */
void loop_post(struct loop *loop, loop_fn fn, void *opaque); /* any thread */
void loop_call(struct loop *loop, loop_fn fn, void *opaque); /* any thread */

/* A thread with a loop of its own. Signals are blocked in it. */
struct io_thread *io_thread_create(const char *name);
struct io_thread *io_thread_destroy(struct io_thread *thread); /* stops and joins; takes NULL */
struct loop *io_thread_loop(struct io_thread *thread);
