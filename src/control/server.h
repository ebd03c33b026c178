/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control interface of one machine: HTTP over control.sock in its state directory. It runs on
 * the main loop, so it never waits for a peer, and what a peer can make it hold is bounded. Only
 * the owner of the process, and root, are answered.
 */
#pragma once

struct supervisor_attendant;

/*
 * For supervisor_run(). The socket is made after the guest began to run; a machine without a state
 * directory has none, and one whose socket cannot be made runs on without it, with a warning.
 */
extern const struct supervisor_attendant control_attendant;
