/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The supervisor: the life of one machine from `weft run` to its end. It boots the description,
 * acts on what the guest and the host ask for, and starts the guest again with the newest valid
 * description.
 */
#pragma once

#include <stdbool.h>

#include "base/compiler.h"

struct console_hub;
struct converge;
struct document_options;
struct loop;
struct supervisor;

/* What may be asked of a running machine. */
enum supervisor_action {
	SUPERVISOR_PAUSE,
	SUPERVISOR_RESUME,
	SUPERVISOR_POWER_BUTTON,
	SUPERVISOR_REBOOT, /* the power button, then a new start with the newest description */
	SUPERVISOR_RESET,  /* a new start at once */
	SUPERVISOR_STOP,   /* the power button, then by force after lifecycle.power-off-timeout */
	SUPERVISOR_KILL,   /* the end at once */
};

/* What stands above and serves the machine while it runs: the control interface. */
struct supervisor_attendant {
	/* The guest runs. What it returns is given to stop(). */
	void *(*start)(struct supervisor *supervisor);
	/* The loop has ended; the machine is still there. */
	void (*stop)(void *attendant);
};

/**
 * supervisor_run() - run the machine until it ends
 * @path: the description, "-" for standard input
 * @options: overrides from the command line, or NULL; must live until the return
 * @attendant: started after the guest, or NULL
 *
 * Main thread; takes over SIGTERM, SIGINT and SIGHUP.
 *
 * Return: an exit code of base/exit-code.h.
 */
int supervisor_run(const char *path, const struct document_options *options,
		   const struct supervisor_attendant *attendant);

/**
 * supervisor_act() - do what somebody asks for
 *
 * Main thread, while the loop runs; not from a callback of the machine. All but a reset and a kill
 * only begin here: the guest takes its time. Pausing a machine that is paused is done, and so on.
 *
 * Return: 0, or -EBUSY when a paused guest cannot hear the power button.
 */
int supervisor_act(struct supervisor *supervisor, enum supervisor_action action) must_use;

bool supervisor_is_paused(const struct supervisor *supervisor);
struct loop *supervisor_loop(struct supervisor *supervisor);
struct converge *supervisor_converge(struct supervisor *supervisor);
struct console_hub *supervisor_consoles(struct supervisor *supervisor);
