/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The supervisor: the life of one machine from `weft run` to its end. It boots the description, acts on
 * what the guest and the host ask for, and starts the guest again with the newest valid description.
 */
#pragma once

struct document_options;

/**
 * supervisor_run() - run the machine until it ends
 * @path: the description, "-" for standard input
 * @options: overrides from the command line, or NULL; must live until the return
 *
 * Main thread; takes over SIGTERM, SIGINT and SIGHUP.
 *
 * Return: an exit code of base/exit-code.h.
 */
int supervisor_run(const char *path, const struct document_options *options);
