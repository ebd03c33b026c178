/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log, and the last words of a broken invariant.
 */
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"

enum log_level log_level = LOG_WARN;

/* Its pages are had when they are first written. */
static char ring[LOG_RING_SIZE];
static uint64_t ring_head; /* bytes ever written */
static void (*watcher)(void *opaque);
static void *watcher_opaque;
static pthread_mutex_t ring_lock = PTHREAD_MUTEX_INITIALIZER; /* guards the ring and the watcher */

static const char *const level_names[] = {
	[LOG_ERROR] = "error",
	[LOG_WARN] = "warning",
	[LOG_INFO] = "info",
	[LOG_DEBUG] = "debug",
};

static double uptime(void)
{
	static struct timespec start;
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (start.tv_sec == 0)
		start = now;
	return (double)(now.tv_sec - start.tv_sec) + (double)(now.tv_nsec - start.tv_nsec) / 1e9;
}

__attribute__((constructor)) static void start_clock(void)
{
	uptime();
}

static void copy_in(const char *line, size_t size)
{
	size_t at = ring_head % LOG_RING_SIZE, first = MIN(size, LOG_RING_SIZE - at);

	memcpy(ring + at, line, first);
	memcpy(ring, line + first, size - first);
	ring_head += size;
}

static void keep(const char *line, size_t size)
{
	pthread_mutex_lock(&ring_lock);
	copy_in(line, size);
	if (watcher)
		watcher(watcher_opaque);
	pthread_mutex_unlock(&ring_lock);
}

void log_watch(void (*fn)(void *opaque), void *opaque)
{
	pthread_mutex_lock(&ring_lock);
	watcher = fn;
	watcher_opaque = opaque;
	pthread_mutex_unlock(&ring_lock);
}

size_t log_peek(uint64_t *position, char *buffer, size_t size)
{
	size_t n = 0;

	pthread_mutex_lock(&ring_lock);
	if (ring_head - *position > LOG_RING_SIZE) {
		*position = ring_head - LOG_RING_SIZE;
		while (*position < ring_head && ring[(*position)++ % LOG_RING_SIZE] != '\n')
			;
	}
	while (n < size && *position < ring_head)
		buffer[n++] = ring[(*position)++ % LOG_RING_SIZE];
	pthread_mutex_unlock(&ring_lock);
	return n;
}

void log_write(enum log_level level, const char *fmt, ...)
{
	char line[1024];
	int saved_errno = errno;
	size_t len;
	va_list ap;
	int n;

	if (level > log_level && level > LOG_INFO)
		return;
	n = snprintf(line, sizeof(line), "weft: %.6f %s: ", uptime(), level_names[level]);
	len = (size_t)n;
	va_start(ap, fmt);
	n = vsnprintf(line + len, sizeof(line) - len, fmt, ap);
	va_end(ap);
	if (n > 0)
		len = MIN(len + (size_t)n, sizeof(line) - 2);
	line[len++] = '\n';
	keep(line, len);
	/* A log that cannot be written has nowhere to say so. */
	if (level <= log_level && write(STDERR_FILENO, line, len) < 0)
		(void)0;
	errno = saved_errno;
}

void invariant_failed(const char *cond, const char *file, int line)
{
	log_write(LOG_ERROR, "%s:%d: this must hold and does not: %s (a bug in weft)", file, line,
		  cond);
	abort();
}
