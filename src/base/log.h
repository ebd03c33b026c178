/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log: what the program tells its operator while it runs, on standard error, one line each,
 * with the seconds since the start. What is wrong with a description is a diagnostic, not a log
 * line.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

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

/* How much of the newest is kept in memory: up to LOG_INFO, also what log_level does not show. */
#define LOG_RING_SIZE 65536u

/**
 * log_peek() - read what is kept
 * @position: where the reader is, 0 at first; moved behind what was read, and up to the next whole
 *line when the ring has gone on meanwhile
 * @buffer: gets the text
 * @size: of the buffer
 *
 * Any thread. Return: how many bytes, 0 when there is no more.
 */
size_t log_peek(uint64_t *position, char *buffer, size_t size);

/* Who is told of each line that is kept; on the thread that logs, so it does no more than wake. */
void log_watch(void (*fn)(void *opaque), void *opaque);

#define log_error(...) log_write(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)  log_write(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_write(LOG_INFO, __VA_ARGS__)
#define log_debug(...)                                     \
	do {                                               \
		if (log_level >= LOG_DEBUG)                \
			log_write(LOG_DEBUG, __VA_ARGS__); \
	} while (0)
