/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a serial port or a console goes on the host: any number of sinks (terminal, file, pty, unix
 * socket, null), and a ring of the last output so that a late reader sees the boot.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

struct console;
struct console_hub;
struct console_output; /* generated from schemas/console-output.yaml */
struct diag_list;
struct graph_node;
struct loop;

/*
 * The hub keeps consoles across a reboot of the guest: a console that is opened again with the same
 * id and the same outputs is the same one, so a pty keeps its name and a socket its peers.
 */
struct console_hub *console_hub_create(struct loop *loop);
struct console_hub *console_hub_destroy(struct console_hub *hub); /* restores the terminal */

struct console_events {
	/* Input is waiting, or there is room for @console_read again. Main thread. */
	void (*readable)(void *opaque);
	/* The window changed (terminal, pty). Main thread. */
	void (*resized)(void *opaque, unsigned columns, unsigned rows);
};

/**
 * console_open() - open the outputs of a device
 * @hub: the hub
 * @node: the device's node, for its id and for diagnostics
 * @property: the property that holds the outputs, "output"
 * @events: called on the main thread until console_close()
 *
 * Return: 0 or a negative errno with a diagnostic.
 */
int console_open(struct console_hub *hub, const struct graph_node *node, const char *property,
		 const struct console_events *events, void *opaque, struct console **ret,
		 struct diag_list *diags) must_use;

/* Detaches the device; the hub may keep the sinks for a reboot. Takes NULL. */
struct console *console_close(struct console *console);

/* Output of the guest. Never blocks: a sink that is too slow loses bytes and says so once. Any thread. */
void console_write(struct console *console, const void *buf, size_t len);

/* Input for the guest, up to @len bytes; 0 when there is none. Any thread. */
size_t console_read(struct console *console, void *buf, size_t len);

/* The window of the newest terminal or pty; false when there is none. Any thread. */
bool console_size(struct console *console, unsigned *ret_columns, unsigned *ret_rows);
