/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event loop: libevent's epoll backend without its locks. Other threads reach a loop only
 * through its mailbox, a list under a mutex and an eventfd that is made when the loop first runs.
 *
 * Signals are libevent's (a handler that writes to the pipe every base has anyhow): one sigaction
 * each, nothing to undo in a child, and no thread has to block what another one handles.
 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "base/fault.h"
#include "base/fd.h"
#include "base/list.h"
#include "base/log.h"
#include "loop/loop.h"

struct loop {
	struct event_base *base;
	_Atomic(const void *) owner; /* thread_mark of the loop's thread */
	atomic_bool quit;

	struct event mailbox_event;
	pthread_mutex_t lock; /* guards what follows */
	struct list mail;
	int mailbox; /* eventfd, -1 before the first loop_run() */
	bool rung;   /* the eventfd is readable: it is written once a batch */
	bool ended;
};

/* An entry of the mailbox: a post (heap), a call (on the caller's stack) or a bell (in its source).
 */
struct letter {
	struct list link; /* empty: not in the mailbox */
	loop_fn fn;
	void *opaque;
	enum { LETTER_POST, LETTER_CALL, LETTER_BELL } kind;
	sem_t *done; /* of a call */
	bool ran;
};

enum source_kind {
	SOURCE_FD,
	SOURCE_TIMER,
	SOURCE_SIGNAL,
	SOURCE_BELL,
};

struct loop_source {
	enum source_kind kind;
	struct loop *loop;
	struct event event;
	unsigned events; /* of a descriptor, LOOP_* */
	union {
		loop_fd_fn fd_fn;
		loop_timer_fn timer_fn;
		loop_signal_fn signal_fn;
	};
	void *opaque;
	struct letter letter; /* of a bell */
};

struct io_thread {
	struct loop *loop;
	pthread_t thread;
	char name[16]; /* the kernel's limit */
};

/* Its address names the thread, without a system call. */
static _Thread_local char thread_mark;

static bool on_loop_thread(struct loop *loop)
{
	return atomic_load_explicit(&loop->owner, memory_order_acquire) == &thread_mark;
}

/* --- The mailbox. --- */

/* The lock is held. */
static void ring(struct loop *loop)
{
	uint64_t one = 1;

	if (loop->rung || loop->mailbox < 0)
		return;
	loop->rung = true;
	/* Cannot fail: the counter is read before it is written again. */
	invariant(write(loop->mailbox, &one, sizeof(one)) == sizeof(one));
}

/* Return: false when the loop has ended. */
static bool deliver(struct loop *loop, struct letter *letter)
{
	bool taken;

	pthread_mutex_lock(&loop->lock);
	taken = !loop->ended;
	if (taken && (letter->kind != LETTER_BELL || list_empty(&letter->link))) {
		list_add_tail(&loop->mail, &letter->link);
		ring(loop);
	}
	pthread_mutex_unlock(&loop->lock);
	return taken;
}

static struct letter *take_letter(struct list *batch)
{
	struct letter *letter;

	if (list_empty(batch))
		return NULL;
	letter = list_entry(batch->next, struct letter, link);
	list_del(&letter->link);
	return letter;
}

/* Gives a letter back to where it came from; after that a call's memory is the caller's again. */
static void finish_letter(struct letter *letter, bool ran)
{
	switch (letter->kind) {
	case LETTER_POST:
		free(letter);
		break;
	case LETTER_CALL:
		letter->ran = ran;
		sem_post(letter->done);
		break;
	case LETTER_BELL:
		break;
	}
}

static void move_list(struct list *from, struct list *to)
{
	list_init(to);
	if (list_empty(from))
		return;
	*to = *from;
	to->next->prev = to;
	to->prev->next = to;
	list_init(from);
}

/*
 * Runs what is in the mailbox now, not what comes meanwhile: descriptors get their turn between
 * batches. The batch is a list that bells can still be taken out of, so each step takes the lock.
 */
static void read_mail(struct loop *loop)
{
	struct list batch;

	pthread_mutex_lock(&loop->lock);
	move_list(&loop->mail, &batch);
	loop->rung = false;
	for (;;) {
		struct letter *letter = take_letter(&batch);
		struct letter copy;

		if (!letter)
			break;
		copy = *letter;
		pthread_mutex_unlock(&loop->lock);
		/* A bell may be removed, with its letter, by its own function. */
		copy.fn(copy.opaque);
		if (copy.kind != LETTER_BELL)
			finish_letter(letter, true);
		pthread_mutex_lock(&loop->lock);
	}
	pthread_mutex_unlock(&loop->lock);
}

static void on_mailbox(evutil_socket_t fd, short what, void *opaque)
{
	struct loop *loop = opaque;
	uint64_t count;

	/* Read before the batch is taken: a ring after that makes the descriptor readable again. */
	pthread_mutex_lock(&loop->lock);
	if (read(fd, &count, sizeof(count)) < 0)
		(void)0; /* EAGAIN: it was read with an earlier batch */
	pthread_mutex_unlock(&loop->lock);
	read_mail(loop);
	if (atomic_load(&loop->quit))
		event_base_loopbreak(loop->base);
}

static int open_mailbox(struct loop *loop)
{
	int fd;

	if (loop->mailbox >= 0)
		return 0;
	fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (fd < 0)
		return -errno;
	event_assign(&loop->mailbox_event, loop->base, fd, EV_READ | EV_PERSIST, on_mailbox, loop);
	if (event_add(&loop->mailbox_event, NULL) < 0) {
		close(fd);
		return -ENOMEM;
	}
	pthread_mutex_lock(&loop->lock);
	loop->mailbox = fd;
	if (!list_empty(&loop->mail))
		ring(loop);
	pthread_mutex_unlock(&loop->lock);
	return 0;
}

void loop_post(struct loop *loop, loop_fn fn, void *opaque)
{
	struct letter *letter = calloc(1, sizeof(*letter));

	invariant(letter);
	list_init(&letter->link);
	letter->fn = fn;
	letter->opaque = opaque;
	letter->kind = LETTER_POST;
	if (!deliver(loop, letter))
		free(letter);
}

bool loop_call(struct loop *loop, loop_fn fn, void *opaque)
{
	struct letter letter = {.fn = fn, .opaque = opaque, .kind = LETTER_CALL};
	sem_t done;

	if (on_loop_thread(loop)) {
		fn(opaque);
		return true;
	}
	sem_init(&done, 0, 0);
	list_init(&letter.link);
	letter.done = &done;
	if (deliver(loop, &letter))
		while (sem_wait(&done) < 0 && errno == EINTR)
			;
	sem_destroy(&done);
	return letter.ran;
}

void loop_wake(struct loop_source *bell)
{
	invariant(bell->kind == SOURCE_BELL);
	deliver(bell->loop, &bell->letter);
}

/* --- The loop. --- */

/* Every failure comes back to the caller, who knows what it means: libevent's own words are detail.
 */
static void log_libevent(int severity, const char *message)
{
	log_debug("libevent: %s", message);
}

struct loop *loop_create(void)
{
	struct event_config *config = event_config_new();
	struct loop *loop = calloc(1, sizeof(*loop));

	if (!config || !loop)
		goto fail;
	event_set_log_callback(log_libevent);
	/* NOLOCK: see above. NO_CACHE_TIME: a time-out counts from when it is set, not from the
	 * wake-up. */
	event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_IGNORE_ENV |
					      EVENT_BASE_FLAG_NO_CACHE_TIME);
	event_config_avoid_method(config, "poll");
	event_config_avoid_method(config, "select");
	loop->base = event_base_new_with_config(config);
	if (!loop->base)
		goto fail;
	event_config_free(config);
	pthread_mutex_init(&loop->lock, NULL);
	list_init(&loop->mail);
	loop->mailbox = -1;
	atomic_store(&loop->owner, &thread_mark);
	return loop;

fail:
	if (config)
		event_config_free(config);
	free(loop);
	if (!errno)
		errno = ENOMEM;
	return NULL;
}

/* Nothing is taken in from here on; who waits in loop_call() is let go. */
static void end_mail(struct loop *loop)
{
	struct list rest;
	struct letter *letter;

	pthread_mutex_lock(&loop->lock);
	loop->ended = true;
	move_list(&loop->mail, &rest);
	while ((letter = take_letter(&rest)))
		finish_letter(letter, false);
	pthread_mutex_unlock(&loop->lock);
}

struct loop *loop_destroy(struct loop *loop)
{
	if (!loop)
		return NULL;
	end_mail(loop);
	if (loop->mailbox >= 0)
		event_del(&loop->mailbox_event);
	event_base_free(loop->base);
	fd_close(loop->mailbox);
	pthread_mutex_destroy(&loop->lock);
	free(loop);
	return NULL;
}

int loop_run(struct loop *loop)
{
	int r;

	atomic_store_explicit(&loop->owner, &thread_mark, memory_order_release);
	r = open_mailbox(loop);
	if (r == 0 && !atomic_load(&loop->quit) &&
	    event_base_loop(loop->base, EVLOOP_NO_EXIT_ON_EMPTY) < 0)
		r = errno ? -errno : -EIO;
	read_mail(loop);
	end_mail(loop);
	return r;
}

void loop_quit(struct loop *loop)
{
	atomic_store(&loop->quit, true);
	if (on_loop_thread(loop)) {
		event_base_loopbreak(loop->base);
		return;
	}
	pthread_mutex_lock(&loop->lock);
	ring(loop);
	pthread_mutex_unlock(&loop->lock);
}

struct event_base *loop_event_base(struct loop *loop)
{
	return loop->base;
}

/* --- Sources. --- */

static void on_fd(evutil_socket_t fd, short what, void *opaque)
{
	struct loop_source *source = opaque;
	unsigned events = (what & EV_READ ? LOOP_READ : 0) | (what & EV_WRITE ? LOOP_WRITE : 0);

	source->fd_fn(fd, events, source->opaque);
}

static void on_timer(evutil_socket_t fd, short what, void *opaque)
{
	struct loop_source *source = opaque;

	source->timer_fn(source->opaque);
}

static void on_signal(evutil_socket_t signal, short what, void *opaque)
{
	struct loop_source *source = opaque;

	source->signal_fn((int)signal, source->opaque);
}

static struct loop_source *source_create(struct loop *loop, enum source_kind kind, void *opaque)
{
	struct loop_source *source = calloc(1, sizeof(*source));

	invariant(on_loop_thread(loop));
	if (!source)
		return NULL;
	source->kind = kind;
	source->loop = loop;
	source->opaque = opaque;
	return source;
}

static short event_mask(unsigned events)
{
	return (short)(EV_PERSIST | (events & LOOP_READ ? EV_READ : 0) |
		       (events & LOOP_WRITE ? EV_WRITE : 0));
}

/* libevent says -1 and leaves the reason in errno, when it knows one. */
static int add_event(struct event *event, const struct timeval *timeout)
{
	errno = 0;
	if (event_add(event, timeout) < 0)
		return errno ? -errno : -ENOMEM;
	return 0;
}

int loop_add_fd(struct loop *loop, int fd, unsigned events, loop_fd_fn fn, void *opaque,
		struct loop_source **ret)
{
	struct loop_source *source = source_create(loop, SOURCE_FD, opaque);
	int r;

	if (!source)
		return -ENOMEM;
	source->fd_fn = fn;
	event_assign(&source->event, loop->base, fd, event_mask(events), on_fd, source);
	source->events = events;
	r = events ? add_event(&source->event, NULL) : 0;
	if (r < 0) {
		free(source);
		return r;
	}
	*ret = source;
	return 0;
}

int loop_source_set_events(struct loop_source *source, unsigned events)
{
	int fd = event_get_fd(&source->event);

	invariant(source->kind == SOURCE_FD);
	if (source->events == events)
		return 0;
	if (source->events)
		event_del(&source->event);
	source->events = events;
	event_assign(&source->event, source->loop->base, fd, event_mask(events), on_fd, source);
	return events ? add_event(&source->event, NULL) : 0;
}

struct loop_source *loop_source_remove(struct loop_source *source)
{
	if (!source)
		return NULL;
	if (source->kind == SOURCE_BELL) {
		pthread_mutex_lock(&source->loop->lock);
		list_del(&source->letter.link);
		pthread_mutex_unlock(&source->loop->lock);
	} else {
		event_del(&source->event);
	}
	free(source);
	return NULL;
}

int loop_add_timer(struct loop *loop, loop_timer_fn fn, void *opaque, struct loop_source **ret)
{
	struct loop_source *source = source_create(loop, SOURCE_TIMER, opaque);

	if (!source)
		return -ENOMEM;
	source->timer_fn = fn;
	event_assign(&source->event, loop->base, -1, 0, on_timer, source);
	*ret = source;
	return 0;
}

int loop_timer_arm(struct loop_source *timer, uint64_t nanoseconds)
{
	uint64_t us = nanoseconds / 1000 + (nanoseconds % 1000 != 0);
	struct timeval timeout = {.tv_sec = (time_t)(us / 1000000),
				  .tv_usec = (suseconds_t)(us % 1000000)};

	invariant(timer->kind == SOURCE_TIMER);
	if (nanoseconds == 0) {
		event_del(&timer->event);
		return 0;
	}
	return add_event(&timer->event, &timeout);
}

int loop_add_signal(struct loop *loop, int signal, loop_signal_fn fn, void *opaque,
		    struct loop_source **ret)
{
	struct loop_source *source = source_create(loop, SOURCE_SIGNAL, opaque);
	int r;

	if (!source)
		return -ENOMEM;
	source->signal_fn = fn;
	event_assign(&source->event, loop->base, signal, EV_SIGNAL | EV_PERSIST, on_signal, source);
	r = add_event(&source->event, NULL);
	if (r < 0) {
		free(source);
		return r;
	}
	*ret = source;
	return 0;
}

int loop_add_bell(struct loop *loop, loop_fn fn, void *opaque, struct loop_source **ret)
{
	struct loop_source *source = source_create(loop, SOURCE_BELL, opaque);

	if (!source)
		return -ENOMEM;
	source->letter = (struct letter){.fn = fn, .opaque = opaque, .kind = LETTER_BELL};
	list_init(&source->letter.link);
	*ret = source;
	return 0;
}

/* --- I/O threads. --- */

static void *io_thread_main(void *opaque)
{
	struct io_thread *thread = opaque;

	pthread_setname_np(pthread_self(), thread->name);
	/* Nothing but memory can be short here, and loop_call() returns false from then on. */
	loop_run(thread->loop);
	return NULL;
}

struct io_thread *io_thread_create(const char *name)
{
	struct io_thread *thread = calloc(1, sizeof(*thread));
	pthread_attr_t attr;
	sigset_t all;
	int r;

	if (!thread)
		return NULL;
	strncpy(thread->name, name, sizeof(thread->name) - 1);
	thread->loop = loop_create();
	if (!thread->loop)
		goto fail;
	atomic_store(&thread->loop->owner, NULL);
	fault_fill_mask(&all);
	pthread_attr_init(&attr);
	pthread_attr_setsigmask_np(&attr, &all);
	r = pthread_create(&thread->thread, &attr, io_thread_main, thread);
	pthread_attr_destroy(&attr);
	if (r == 0)
		return thread;
	loop_destroy(thread->loop);
	errno = r;
fail:
	free(thread);
	return NULL;
}

struct io_thread *io_thread_destroy(struct io_thread *thread)
{
	if (!thread)
		return NULL;
	loop_quit(thread->loop);
	pthread_join(thread->thread, NULL);
	loop_destroy(thread->loop);
	free(thread);
	return NULL;
}

struct loop *io_thread_loop(struct io_thread *thread)
{
	return thread->loop;
}
