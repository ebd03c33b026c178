/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of src/console: a console has sinks (what the description asks for), a sink has ports
 * (descriptors that somebody is at the other end of: one of a terminal, one of each peer of a
 * socket). Every port reads the console's ring at its own position. Main thread, but for the ring.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/list.h"
#include "console/console.h"

struct port;
struct sink;

enum sink_kind {
	SINK_TERMINAL,
	SINK_PTY,
	SINK_FILE,
	SINK_SOCKET,
	SINK_ATTACHED, /* of console_attach() */
};

/* A sink as it is asked for. Two that are equal are the same sink. */
struct sink_spec {
	enum sink_kind kind;
	const char *path; /* of a file or a socket; the link of a pty, or NULL */
	bool append;      /* of a file */
};

#define SINKS_MAX 8

struct sink_list {
	struct sink_spec specs[SINKS_MAX];
	size_t n;
	bool keep; /* the ring, also without a sink */
};

/* Why a sink cannot be opened, for the diagnostic. */
struct sink_error {
	size_t index; /* of the sink in the list */
	char message[256];
	char hint[256];
};

int sink_fail(struct sink_error *error, int errnum, const char *fmt, ...) printf_like(3, 4);
void sink_hint(struct sink_error *error, const char *fmt, ...) printf_like(2, 3);

struct sink_ops {
	size_t size; /* of the sink's own structure, whose first member is the struct sink */

	/*
	 * Opens, and lets nobody see it: a name that another console has is taken in start() only.
	 * What it took is given back in close(), also after a failure.
	 */
	int (*open)(struct sink *sink, struct sink_error *error);
	/* The sink is part of the console now: what must not happen before every other is open. */
	void (*start)(struct sink *sink);
	void (*close)(struct sink *sink);
	/*
	 * Another console had taken over what this one has not given up, and has closed its own:
	 * makes sure that the name is this sink's. Optional.
	 */
	void (*regain)(struct sink *sink);

	/* Changes @buf, @len bytes of input, in place; how many are left for the guest. Optional.
	 */
	size_t (*filter)(struct sink *sink, uint8_t *buf, size_t len);
	/* Whether to read now; optional. */
	bool (*may_read)(struct sink *sink);
	/* Something came in or went out: a moment to look at the window. Optional. */
	void (*active)(struct sink *sink);
	/*
	 * The other end is gone: an error of writing, or of reading, where errno 0 is the end of
	 * the input. The port may be destroyed.
	 */
	void (*hangup)(struct port *port, bool write);
};

struct sink {
	struct list link; /* console->sinks */
	struct console *console;
	const struct sink_ops *ops;
	struct sink_spec spec; /* the path is its own copy */
	struct list ports;
	bool started;
};

/* What a console has, and what it will have. See sinks.c. */
struct sink_set {
	struct list live, fresh;
	struct sink_list wanted; /* its paths live until sink_set_start() or sink_set_cancel() */
	bool prepared;
};

void sink_set_init(struct sink_set *set);
void sink_set_fini(struct sink_set *set);

/* One that is live, or NULL. */
struct sink *sink_set_find(struct sink_set *set, const struct sink_spec *spec);

/* Opens one more that is live at once. */
int sink_set_add(struct sink_set *set, struct console *console, const struct sink_spec *spec,
		 struct sink_error *error) must_use;

/* Opens what of @list is not live. On failure all is as it was, and @error says why. */
int sink_set_prepare(struct sink_set *set, struct console *console, const struct sink_list *list,
		     struct sink_error *error) must_use;

/* Closes what was prepared, if anything was. */
void sink_set_cancel(struct sink_set *set);

/* Closes what is not wanted any more, and starts what was prepared. */
void sink_set_start(struct sink_set *set);

struct port {
	struct list link; /* sink->ports */
	struct sink *sink;
	int in, out; /* may be the same; -1 for none. The sink's */
	struct loop_source *in_source, *out_source;
	uint64_t position; /* of the next byte to write, in the console's stream */
	bool is_socket;
	bool owns_out;  /* closed with the port */
	bool polls_in;  /* the descriptor is always ready (a file, /dev/null): the loop cannot watch
			   it */
	bool lost_said; /* that bytes were dropped has been logged */
};

extern const struct sink_ops sink_terminal_ops, sink_pty_ops, sink_file_ops, sink_socket_ops,
	sink_attached_ops;

/* --- console.c, for sinks --- */

struct loop *console_loop(struct console *console);
struct console_hub *console_hub_of(struct console *console);
const char *console_id(const struct console *console);
bool console_reads(const struct console *console);
bool console_wants_size(const struct console *console);
void console_set_size(struct console *console, unsigned columns, unsigned rows);

/*
 * console_open() and console_prepare() without a description: @list lives until console_start(). On
 * failure
 * @error says why.
 */
int console_open_sinks(struct console_hub *hub, const char *id, const struct sink_list *list,
		       const struct console_events *events, void *opaque, struct console **ret,
		       struct sink_error *error) must_use;
int console_prepare_sinks(struct console *console, const struct sink_list *list,
			  struct sink_error *error) must_use;

/* Whether console_start() has something to do. */
bool console_is_prepared(const struct console *console);

/* A live sink of another console that has the name (or the terminal) which @spec stands for, or
 * NULL. */
struct sink *console_find_rival(struct console *console, const struct sink_spec *spec);

/* The sink of attached peers of a console that a device has open, made if need be; NULL: no such
 * console. */
struct sink *console_attached_sink(struct console_hub *hub, const char *id);

/* The person at the terminal asked to leave. */
void console_leave(struct console *console, bool now);

/* The sink that reads the terminal, NULL when none does. */
struct sink *console_terminal_reader(struct console_hub *hub);
void console_set_terminal_reader(struct console_hub *hub, struct sink *sink);

/* A copy of what is in the ring from @*position on, which moves up over lost bytes. */
size_t console_peek(struct console *console, uint64_t *position, void *buf, size_t len);

/* Input of a sink: the room there is (0: reading is to stop until console_resume()), and the bytes.
 */
size_t console_input_room(struct console *console);
void console_input(struct console *console, const uint8_t *buf, size_t len);

/* --- port.c --- */

/**
 * port_create() - attach descriptors to a sink
 * @in: read from, -1 for none
 * @out: written to, must not block; -1 for none; begins with what the ring holds
 *
 * Return: 0 or a negative errno.
 */
int port_create(struct sink *sink, int in, int out, bool is_socket, struct port **ret);
struct port *port_destroy(struct port *port); /* leaves the descriptors to the sink */

/* Writes until the port has all or would block. The port may be destroyed. */
void port_flush(struct port *port);

/* Starts reading again after there was no room, or after the sink said not to. */
void port_resume(struct port *port);

/* No more input from this port. */
void port_end_input(struct port *port);

/* Waits for a slow reader to take the last bytes, until @deadline (CLOCK_MONOTONIC, ns). */
void port_drain(struct port *port, uint64_t deadline);
