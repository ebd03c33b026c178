/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log: what the program tells its operator while it runs, on standard error, one line each, with
 * the seconds since the start. What is wrong with a description is a diagnostic, not a log line.
 */
#pragma once

#include "base/compiler.h"

enum log_level {
	LOG_ERROR,
	LOG_WARN,
	LOG_INFO,
	LOG_DEBUG,
};

/* Set once, before threads start. */
extern enum log_level log_level;

/**
 * log_write() - write one line to the log
 * @level: dropped when above log_level
 * @fmt: printf format, without the newline
 *
 * Any thread. The line is one write(2), so lines of several threads do not mix. errno is kept.
 */
void log_write(enum log_level level, const char *fmt, ...) printf_like(2, 3);

#define log_error(...) log_write(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)  log_write(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_write(LOG_INFO, __VA_ARGS__)
#define log_debug(...)                                                                             \
	do {                                                                                       \
		if (log_level >= LOG_DEBUG)                                                        \
			log_write(LOG_DEBUG, __VA_ARGS__);                                         \
	} while (0)
