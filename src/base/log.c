/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log, and the last words of a broken invariant.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"

enum log_level log_level = LOG_WARN;

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

void log_write(enum log_level level, const char *fmt, ...)
{
	char line[1024];
	int saved_errno = errno;
	size_t len;
	va_list ap;
	int n;

	if (level > log_level)
		return;
	n = snprintf(line, sizeof(line), "weft: %.6f %s: ", uptime(), level_names[level]);
	len = (size_t)n;
	va_start(ap, fmt);
	n = vsnprintf(line + len, sizeof(line) - len, fmt, ap);
	va_end(ap);
	if (n > 0)
		len = MIN(len + (size_t)n, sizeof(line) - 2);
	line[len++] = '\n';
	/* A log that cannot be written has nowhere to say so. */
	if (write(STDERR_FILENO, line, len) < 0)
		(void)0;
	errno = saved_errno;
}

void invariant_failed(const char *cond, const char *file, int line)
{
	log_write(LOG_ERROR, "%s:%d: this must hold and does not: %s (a bug in weft)", file, line,
		  cond);
	abort();
}
