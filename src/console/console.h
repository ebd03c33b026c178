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

struct arena;
struct console;
struct console_hub;
struct console_output; /* generated from schemas/console-output.yaml */
struct device_needs;
struct diag_list;
struct graph_node;
struct loop;

/* How much of the last output is kept, and how far a sink may lag behind. */
#define CONSOLE_RING_SIZE 65536u

/*
 * The hub keeps consoles across a reboot of the guest: a console that is opened again with the same
 * id is the same one, and so are those of its outputs that are written as before: a pty keeps its
 * name and a socket its peers. Main thread.
 */
struct console_hub *console_hub_create(struct loop *loop);

/* Writes what is left, removes links and sockets, restores the terminal. Takes NULL. */
struct console_hub *console_hub_destroy(struct console_hub *hub);

/* Ends the consoles that no device has open: after a boot or an apply, when the devices are known.
 */
void console_hub_prune(struct console_hub *hub);

/*
 * What the keys that leave the terminal do: Ctrl-] q (@now false: press the power button) and
 * Ctrl-] x
 * (@now: end the machine). Without this they are one SIGTERM and two. @leave is called on the main
 * thread.
 */
void console_hub_on_leave(struct console_hub *hub, void (*leave)(bool now, void *opaque),
			  void *opaque);

struct console_events {
	/*
	 * Input is waiting for console_read(). Main thread. NULL for a device that has no input:
	 * then the terminal is not read and stays as it is.
	 */
	void (*readable)(void *opaque);
	/* The window changed (terminal, pty). Main thread. NULL when the device has no use for it.
	 */
	void (*resized)(void *opaque, unsigned columns, unsigned rows);
};

/**
 * console_needs() - what the outputs take that no second device may have
 * @output: the outputs, NULL for none
 * @property: the property that holds them, "output"; a constant
 * @reads: whether the device takes input: the terminal has one reader
 * @needs: gets the keys ("terminal", "write:/path" …)
 * @arena: of the keys
 *
 * For needs() of a device type, so that two devices that want the same are an error of the
 * description, with both places, before anything runs.
 */
void console_needs(const struct console_output *output, const char *property, bool reads,
		   struct device_needs *needs, struct arena *arena);

/**
 * console_open() - open the outputs of a device
 * @hub: the hub
 * @node: the device's node, for its id and for diagnostics
 * @property: the property that holds the outputs, "output"
 * @output: the outputs, NULL for none; not kept
 * @events: a constant; called on the main thread until console_close()
 *
 * Nobody sees anything of it before console_start(). Main thread. Return: 0 or a negative errno
 * with a diagnostic.
 */
int console_open(struct console_hub *hub, const struct graph_node *node, const char *property,
		 const struct console_output *output, const struct console_events *events,
		 void *opaque, struct console **ret, struct diag_list *diags) must_use;

/**
 * console_prepare() - open other outputs for a console that has some
 * @output: the outputs; they live until console_start() or console_cancel()
 *
 * Those that are written as before stay as they are. An output may still be that of another
 * console, which gives it up in the same edit: once all are prepared, they may start in any order.
 * Main thread. Return: 0 or a negative errno with a diagnostic, and nothing has changed.
 */
int console_prepare(struct console *console, const struct graph_node *node, const char *property,
		    const struct console_output *output, struct diag_list *diags) must_use;

/* What was opened or prepared takes the place of what there was. Main thread. */
void console_start(struct console *console);

/* Closes what was prepared and not started. Main thread. */
void console_cancel(struct console *console);

/* console_start(), after console_prepare() if that has not been done. Main thread. */
int console_update(struct console *console, const struct graph_node *node, const char *property,
		   const struct console_output *output, struct diag_list *diags) must_use;

/* Detaches the device; the hub keeps the outputs until console_hub_prune(). Takes NULL. Main
 * thread. */
struct console *console_close(struct console *console);

struct console_peer;

/**
 * console_attach() - one more peer on a console that a device has open
 * @id: the device
 * @fd: a socket; closed with the peer, given away on success only
 * @gone: called once when the peer hung up or the console ended, not by console_detach(): it is
 *freed after that
 * @ret: the peer, for console_attached() and console_detach()
 *
 * Main thread. Return: 0, -ENOENT: no device of that name has a console, -EBUSY: too many peers, or
 * another negative errno.
 */
int console_attach(struct console_hub *hub, const char *id, int fd, void (*gone)(void *opaque),
		   void *opaque, struct console_peer **ret) must_use;

/* The peer is given what the ring holds; it may be gone after that. */
void console_attached(struct console_peer *peer);

/* Takes NULL. */
void console_detach(struct console_peer *peer);

/* The devices that have a console, up to @max. Return: how many. */
size_t console_ids(struct console_hub *hub, const char **ids, size_t max);

/*
 * Output of the guest. Never blocks, never fails: the main thread passes the bytes on, at once when
 * it was quiet and every few milliseconds in a burst. A sink that lags by more than the ring loses
 * bytes, and the log says so once. Any thread.
 */
void console_write(struct console *console, const void *buf, size_t len);

/* Input for the guest, up to @len bytes; 0 when there is none. Any thread. */
size_t console_read(struct console *console, void *buf, size_t len);

/* The window of the newest terminal or pty; false when there is none. Any thread. */
bool console_size(struct console *console, unsigned *ret_columns, unsigned *ret_rows);
