/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Diagnostics as SARIF 2.1.0 (OASIS), the form in which code hosts take results of checks.
 */
#pragma once

struct diag_list;
struct json_t;

/* The results array of one run; a new reference. */
struct json_t *sarif_results(void);

/**
 * sarif_add() - add diagnostics to results
 * @results: of sarif_results()
 * @diags: sorted here; nothing of it is kept
 * @file: what a diagnostic is told of that points into no file, "--set" say
 */
void sarif_add(struct json_t *results, struct diag_list *diags, const char *file);

/* The whole log; takes the reference of @results. A new reference. */
struct json_t *sarif_log(struct json_t *results, int exit_code);
