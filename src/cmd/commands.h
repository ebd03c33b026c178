/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands that main.c knows, a file for each or for a few that are alike.
 */
#pragma once

struct command;

extern const struct command command_apply;
extern const struct command command_completion;
extern const struct command command_confirm;
extern const struct command command_console;
extern const struct command command_events;
extern const struct command command_explain;
extern const struct command command_fmt;
extern const struct command command_graph;
extern const struct command command_history;
extern const struct command command_import;
extern const struct command command_init;
extern const struct command command_kill;
extern const struct command command_list;
extern const struct command command_logs;
extern const struct command command_pause;
extern const struct command command_plan;
extern const struct command command_power_button;
extern const struct command command_reboot;
extern const struct command command_resume;
extern const struct command command_run;
extern const struct command command_schema;
extern const struct command command_show;
extern const struct command command_status;
extern const struct command command_stop;
extern const struct command command_validate;
