/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of weft validate: what is told of each file, in every format, and the end of it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/strbuf.h"

struct diag_list;
struct generation;
struct json_t;

enum report_format {
	REPORT_TEXT,
	REPORT_JSON,
	REPORT_GCC,
	REPORT_SARIF,
	REPORT_ANNOTATED,
};

/* What is left of a file when its generation is gone. */
struct record {
	const char *path;
	const char *name; /* of the machine; NULL when the file is invalid */
	uint64_t cpus, memory;
	size_t n_devices, errors, warnings, host_errors;
	bool layer;          /* another description includes it: it is no machine */
	struct strbuf text;  /* of the text formats, until it is written */
	struct json_t *json; /* of the others: its object or results */
};

struct report {
	enum report_format format;
	bool color, host, fleet; /* with --host; with a directory or --fleet */
	struct strbuf out;
	int write_error;
};

/* Fills what @record tells; @host has the host's faults, or is NULL. */
void report_file(struct report *report, struct record *record, const struct generation *generation,
		 struct diag_list *host);

/**
 * report_end() - tell of all
 * @report: the format
 * @records: of every file, in order
 * @n: how many
 * @general: what is wrong with no file: directories, or several machines together
 * @exit_code: for formats that tell it
 */
void report_end(struct report *report, struct record *records, size_t n, struct diag_list *general,
		int exit_code);

/* Writes what is gathered to standard output. */
void report_flush(struct report *report);
