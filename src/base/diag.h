/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Diagnostics: what is wrong with a description, where, and the way out. They are collected in a
 * list and shown all together; a system error is a negative errno, never a diagnostic.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

struct arena;
struct source; /* a file that was read: its name, its text, its lines (base/source.h) */

/*
 * A place in a file, its end excluded. Lines and columns count from 1, columns in characters.
 * Line 0: no place in it; without a source: no file either.
 */
struct span {
	const struct source *source;
	uint32_t line, column, end_line, end_column;
};

enum diag_severity {
	DIAG_ERROR,
	DIAG_WARNING,
	DIAG_NOTE,
};

struct diag_related {
	struct span span;
	const char *message; /* "first defined here" */
};

struct diag {
	const char *code; /* stable, of base/diag-codes.h */
	enum diag_severity severity;
	struct span span;
	const char *path; /* "devices.root.path", or NULL */
	const char *message;
	const char *hint; /* or NULL */
	const struct diag_related *related;
	size_t n_related;
};

struct diag_list;

/* The strings of the list live in @arena, which must outlive it. */
struct diag_list *diag_list_create(struct arena *arena);

/**
 * diag_add() - add a diagnostic
 * @list: the list; owns nothing of the caller's, strings are copied
 * @code: a stable code of base/diag-codes.h; a constant
 * @severity: whether the description is refused
 * @span: the place
 * @fmt: the message, a sentence without a full stop
 *
 * What came from a file may be put into messages as it is: control characters are made visible, and
 * what is too long is cut. A diagnostic with the code, place and message of an earlier one is
 * dropped.
 *
 * Return: the diagnostic, for diag_hint(), diag_relate() and diag_path(); never NULL (past the
 * limit of the list it is a scratch one that is not shown).
 */
struct diag *diag_add(struct diag_list *list, const char *code, enum diag_severity severity,
		      struct span span, const char *fmt, ...) printf_like(5, 6);
void diag_hint(struct diag_list *list, struct diag *diag, const char *fmt, ...) printf_like(3, 4);
void diag_relate(struct diag_list *list, struct diag *diag, struct span span, const char *fmt, ...)
	printf_like(4, 5);
void diag_set_path(struct diag_list *list, struct diag *diag, const char *path);

/* How many errors there are; warnings do not count. Duplicates count once. */
size_t diag_errors(const struct diag_list *list);
size_t diag_warnings(const struct diag_list *list);

/* Brings the list into the order of file, line and column; what is equal stays as it was added. */
void diag_sort(struct diag_list *list);

/* The diagnostics that are kept, at most DIAG_MAX_KEPT; the counts above tell of all. */
#define DIAG_MAX_KEPT 1000
size_t diag_count(const struct diag_list *list);
const struct diag *diag_get(const struct diag_list *list, size_t i);

/* Whether what is added from now on is only counted: no use to think of a hint. */
bool diag_is_full(const struct diag_list *list);
