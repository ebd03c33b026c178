/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the exit status of every weft command means. Scripts depend on it: a number never changes.
 */
#pragma once

enum exit_code {
	EXIT_DONE = 0,        /* nothing to do, or done */
	EXIT_INVALID = 1,     /* a description is invalid */
	EXIT_PENDING = 2,     /* there are changes, or a restart is pending */
	EXIT_ROLLED_BACK = 3, /* it failed, and everything is as before */
	EXIT_DEGRADED = 4,    /* it failed, and could not be undone as a whole */
	EXIT_HOST = 5,        /* the host: no KVM, no permission, an input or output error */
	EXIT_UNREACHABLE = 6, /* the machine cannot be reached */
	EXIT_USAGE = 64,      /* the command line is wrong */
};
