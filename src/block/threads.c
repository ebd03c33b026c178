/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine of threads: a few of them do the steps with ordinary system calls. It is the way where
 * io_uring is not permitted, and for what a ring cannot do. Threads come when requests wait and go
 * with the queue.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>

#include "base/fault.h"
#include "base/fd.h"
#include "block/internal.h"
#include "loop/loop.h"

#define MAX_THREADS 4u
#define STACK_SIZE  (64 * KiB)

struct block_threads {
	struct loop_source *source;
	unsigned in_flight; /* the queue's thread's: started and not completed */
	int done_fd;        /* eventfd: there is something in @done */

	pthread_mutex_t mutex; /* of all below */
	pthread_cond_t work;
	struct list todo, done;
	unsigned n_threads, n_idle;
	bool stopping;
	pthread_t threads[MAX_THREADS];
};

static void *worker(void *opaque)
{
	struct block_threads *threads = opaque;

	pthread_mutex_lock(&threads->mutex);
	for (;;) {
		struct block_request *req;
		struct block_step step;
		bool first;

		while (list_empty(&threads->todo) && !threads->stopping) {
			threads->n_idle++;
			pthread_cond_wait(&threads->work, &threads->mutex);
			threads->n_idle--;
		}
		if (list_empty(&threads->todo))
			break;
		req = list_entry(threads->todo.next, struct block_request, link);
		list_del(&req->link);
		pthread_mutex_unlock(&threads->mutex);

		block_step(req, &step);
		req->step_result = block_step_run(&step);

		pthread_mutex_lock(&threads->mutex);
		first = list_empty(&threads->done);
		list_add_tail(&threads->done, &req->link);
		if (first)
			eventfd_write(threads->done_fd, 1);
	}
	pthread_mutex_unlock(&threads->mutex);
	return NULL;
}

static void reap(struct block_threads *threads)
{
	struct list done;
	struct block_request *req;

	list_init(&done);
	pthread_mutex_lock(&threads->mutex);
	while (!list_empty(&threads->done)) {
		struct list *link = threads->done.next;

		list_del(link);
		list_add_tail(&done, link);
	}
	pthread_mutex_unlock(&threads->mutex);
	while (!list_empty(&done)) {
		req = list_entry(done.next, struct block_request, link);
		list_del(&req->link);
		threads->in_flight--;
		block_step_done(req, req->step_result);
	}
}

/* A drain may have read it since the loop found it readable: it must not block. */
static void done_readable(int fd, unsigned events, void *opaque)
{
	eventfd_t value;

	(void)eventfd_read(fd, &value);
	reap(opaque);
}

int block_threads_create(struct block_queue *queue, struct block_threads **ret)
{
	struct block_threads *threads = calloc(1, sizeof(*threads));
	int r;

	if (!threads)
		return -ENOMEM;
	list_init(&threads->todo);
	list_init(&threads->done);
	pthread_mutex_init(&threads->mutex, NULL);
	pthread_cond_init(&threads->work, NULL);
	threads->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (threads->done_fd < 0) {
		r = -errno;
		goto error;
	}
	if (queue->loop) {
		r = loop_add_fd(queue->loop, threads->done_fd, LOOP_READ, done_readable, threads,
				&threads->source);
		if (r < 0)
			goto error;
	}
	*ret = threads;
	return 0;
error:
	block_threads_destroy(threads);
	return r;
}

struct block_threads *block_threads_destroy(struct block_threads *threads)
{
	if (!threads)
		return NULL;
	pthread_mutex_lock(&threads->mutex);
	threads->stopping = true;
	pthread_cond_broadcast(&threads->work);
	pthread_mutex_unlock(&threads->mutex);
	for (unsigned i = 0; i < threads->n_threads; i++)
		pthread_join(threads->threads[i], NULL);
	loop_source_remove(threads->source);
	fd_close(threads->done_fd);
	pthread_cond_destroy(&threads->work);
	pthread_mutex_destroy(&threads->mutex);
	free(threads);
	return NULL;
}

/* One more thread, with all signals blocked: those are the main loop's. Under the mutex. */
static void add_thread(struct block_threads *threads)
{
	pthread_attr_t attr;
	sigset_t all, old;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	fault_fill_mask(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	if (pthread_create(&threads->threads[threads->n_threads], &attr, worker, threads) == 0)
		threads->n_threads++;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
}

void block_threads_start(struct block_threads *threads, struct block_request *req)
{
	unsigned n_threads;

	pthread_mutex_lock(&threads->mutex);
	list_add_tail(&threads->todo, &req->link);
	threads->in_flight++;
	if (threads->n_idle == 0 && threads->n_threads < MAX_THREADS)
		add_thread(threads);
	n_threads = threads->n_threads;
	if (n_threads == 0)
		list_del(&req->link);
	pthread_cond_signal(&threads->work);
	pthread_mutex_unlock(&threads->mutex);
	if (n_threads == 0) {
		threads->in_flight--;
		block_step_done(req, -ENOMEM);
	}
}

void block_threads_wait(struct block_threads *threads)
{
	struct pollfd done = {.fd = threads->done_fd, .events = POLLIN};

	while (poll(&done, 1, -1) < 0 && errno == EINTR)
		;
	done_readable(threads->done_fd, 0, threads);
}

bool block_threads_busy(const struct block_threads *threads)
{
	return threads->in_flight > 0;
}
