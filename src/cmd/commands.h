/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands that main.c knows, one a file.
 */
#pragma once

struct command;

extern const struct command command_completion;
extern const struct command command_explain;
extern const struct command command_schema;
extern const struct command command_graph;
extern const struct command command_plan;
extern const struct command command_run;
extern const struct command command_show;
extern const struct command command_status;
extern const struct command command_validate;
