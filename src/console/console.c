/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hub, and a console: the ring the guest's output goes to, and the buffer its input comes from.
 *
 * The guest writes byte by byte. A vCPU thread only copies into the ring; the main thread passes
 * the bytes on. It does so at once when the console was quiet, so that an echo is not delayed, and
 * otherwise after FLUSH_DELAY, so that a burst costs one write per sink and not one per byte.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "console/sink.h"
#include "loop/loop.h"

#define INPUT_SIZE       1024u
#define FLUSH_DELAY      2000000ULL /* ns */
#define FLUSH_URGENT     (CONSOLE_RING_SIZE / 4)
#define LAST_WORDS_DELAY 100000000ULL /* ns, for all sinks of a console that ends */

struct console_hub {
	struct loop *loop;
	struct list consoles;
	struct sink *terminal_reader;
	void (*leave)(bool now, void *opaque);
	void *leave_opaque;
};

struct console {
	struct list link; /* hub->consoles */
	struct console_hub *hub;
	char *id;
	struct sink_set sinks;
	struct loop_source *bell, *timer;
	bool timer_armed;
	uint64_t last_flush; /* ns, CLOCK_MONOTONIC */

	/* The device; NULL while none has it open. */
	const struct console_events *events;
	void *opaque;

	pthread_mutex_t lock; /* guards what follows */
	uint8_t *ring; /* CONSOLE_RING_SIZE bytes, its pages untouched before they are used; or NULL
			*/
	uint64_t head; /* bytes ever written */
	uint64_t flushed;   /* head at the last flush */
	bool asked, urgent; /* the main thread was rung for a flush */
	uint8_t input[INPUT_SIZE];
	size_t input_start, input_len;
	bool input_full; /* somebody stopped reading for want of room */
	bool has_size;
	unsigned columns, rows;
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
}

int sink_fail(struct sink_error *error, int errnum, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(error->message, sizeof(error->message), fmt, ap);
	va_end(ap);
	return -errnum;
}

void sink_hint(struct sink_error *error, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(error->hint, sizeof(error->hint), fmt, ap);
	va_end(ap);
}

/* --- Output. --- */

void console_write(struct console *console, const void *buf, size_t len)
{
	const uint8_t *bytes = buf;
	bool wake = false;

	pthread_mutex_lock(&console->lock);
	if (!console->ring || len == 0) {
		pthread_mutex_unlock(&console->lock);
		return;
	}
	while (len > 0) {
		size_t at = console->head % CONSOLE_RING_SIZE;
		size_t n = MIN(len, CONSOLE_RING_SIZE - at);

		memcpy(console->ring + at, bytes, n);
		console->head += n;
		bytes += n;
		len -= n;
	}
	if (!console->asked) {
		console->asked = wake = true;
	} else if (!console->urgent && console->head - console->flushed > FLUSH_URGENT) {
		console->urgent = wake = true;
	}
	pthread_mutex_unlock(&console->lock);
	if (wake)
		loop_wake(console->bell);
}

size_t console_peek(struct console *console, uint64_t *position, void *buf, size_t len)
{
	size_t at, first;

	pthread_mutex_lock(&console->lock);
	if (console->head - *position > CONSOLE_RING_SIZE)
		*position = console->head - CONSOLE_RING_SIZE;
	at = *position % CONSOLE_RING_SIZE;
	len = MIN(len, console->head - *position);
	first = MIN(len, CONSOLE_RING_SIZE - at);
	if (len > 0) {
		memcpy(buf, console->ring + at, first);
		memcpy((uint8_t *)buf + first, console->ring, len - first);
	}
	pthread_mutex_unlock(&console->lock);
	return len;
}

static void flush(struct console *console)
{
	struct sink *sink;
	struct port *port, *tmp;

	if (console->timer_armed)
		loop_timer_arm(console->timer, 0);
	console->timer_armed = false;
	pthread_mutex_lock(&console->lock);
	console->asked = console->urgent = false;
	console->flushed = console->head;
	pthread_mutex_unlock(&console->lock);
	list_for_each (sink, &console->sinks.live, link)
		list_for_each_safe (port, tmp, &sink->ports, link)
			port_flush(port);
	console->last_flush = now_ns();
}

static void on_flush_timer(void *opaque)
{
	flush(opaque);
}

/* --- Input. --- */

size_t console_input_room(struct console *console)
{
	size_t room;

	pthread_mutex_lock(&console->lock);
	room = INPUT_SIZE - console->input_len;
	if (room == 0)
		console->input_full = true;
	pthread_mutex_unlock(&console->lock);
	return room;
}

void console_input(struct console *console, const uint8_t *buf, size_t len)
{
	if (len == 0)
		return;
	pthread_mutex_lock(&console->lock);
	invariant(len <= INPUT_SIZE - console->input_len);
	for (size_t i = 0; i < len; i++)
		console->input[(console->input_start + console->input_len++) % INPUT_SIZE] = buf[i];
	pthread_mutex_unlock(&console->lock);
	if (console->events && console->events->readable)
		console->events->readable(console->opaque);
}

size_t console_read(struct console *console, void *buf, size_t len)
{
	uint8_t *bytes = buf;
	bool wake;

	pthread_mutex_lock(&console->lock);
	len = MIN(len, console->input_len);
	for (size_t i = 0; i < len; i++)
		bytes[i] = console->input[(console->input_start + i) % INPUT_SIZE];
	console->input_start = (console->input_start + len) % INPUT_SIZE;
	console->input_len -= len;
	wake = console->input_full && console->input_len <= INPUT_SIZE / 2;
	if (wake)
		console->input_full = false;
	pthread_mutex_unlock(&console->lock);
	if (wake)
		loop_wake(console->bell);
	return len;
}

static void resume_input(struct console *console)
{
	struct sink *sink;
	struct port *port, *tmp;

	if (console_input_room(console) == 0)
		return;
	list_for_each (sink, &console->sinks.live, link)
		list_for_each_safe (port, tmp, &sink->ports, link)
			port_resume(port);
}

/* Output to pass on, or room for input again. */
static void on_bell(void *opaque)
{
	struct console *console = opaque;
	bool asked, urgent;

	pthread_mutex_lock(&console->lock);
	asked = console->asked;
	urgent = console->urgent;
	pthread_mutex_unlock(&console->lock);
	if (asked && (urgent || now_ns() - console->last_flush > FLUSH_DELAY))
		flush(console);
	else if (asked && !console->timer_armed)
		console->timer_armed = loop_timer_arm(console->timer, FLUSH_DELAY) == 0;
	resume_input(console);
}

/* --- The window. --- */

void console_set_size(struct console *console, unsigned columns, unsigned rows)
{
	bool changed;

	if (columns == 0 || rows == 0)
		return;
	pthread_mutex_lock(&console->lock);
	changed = !console->has_size || console->columns != columns || console->rows != rows;
	console->has_size = true;
	console->columns = columns;
	console->rows = rows;
	pthread_mutex_unlock(&console->lock);
	if (changed && console->events && console->events->resized)
		console->events->resized(console->opaque, columns, rows);
}

bool console_size(struct console *console, unsigned *ret_columns, unsigned *ret_rows)
{
	bool has;

	pthread_mutex_lock(&console->lock);
	has = console->has_size;
	if (has) {
		*ret_columns = console->columns;
		*ret_rows = console->rows;
	}
	pthread_mutex_unlock(&console->lock);
	return has;
}

/* --- Sinks. --- */

struct loop *console_loop(struct console *console)
{
	return console->hub->loop;
}

struct console_hub *console_hub_of(struct console *console)
{
	return console->hub;
}

const char *console_id(const struct console *console)
{
	return console->id;
}

bool console_reads(const struct console *console)
{
	return console->events && console->events->readable;
}

bool console_wants_size(const struct console *console)
{
	return console->events && console->events->resized;
}

static void set_ring(struct console *console, bool wanted)
{
	uint8_t *ring = NULL;

	pthread_mutex_lock(&console->lock);
	if (wanted && !console->ring) {
		/* Pages are had when they are first written. */
		console->ring = malloc(CONSOLE_RING_SIZE);
		invariant(console->ring);
		console->head = console->flushed = 0;
	} else if (!wanted) {
		ring = TAKE_PTR(console->ring);
	}
	pthread_mutex_unlock(&console->lock);
	free(ring);
}

static const struct sink_spec attached_spec = {.kind = SINK_ATTACHED};

int console_prepare_sinks(struct console *console, const struct sink_list *list,
			  struct sink_error *error)
{
	/* The last words of before are for the outputs of before, also where those are another's
	 * soon. */
	flush(console);
	return sink_set_prepare(&console->sinks, console, list, error);
}

void console_start(struct console *console)
{
	set_ring(console, console->sinks.wanted.n > 0 || console->sinks.wanted.keep ||
				  sink_set_find(&console->sinks, &attached_spec));
	sink_set_start(&console->sinks);
	/* New ones get what was said before. */
	flush(console);
}

bool console_is_prepared(const struct console *console)
{
	return console->sinks.prepared;
}

void console_cancel(struct console *console)
{
	sink_set_cancel(&console->sinks);
}

struct sink *console_find_rival(struct console *console, const struct sink_spec *spec)
{
	struct console *other;
	struct sink *sink;

	list_for_each (other, &console->hub->consoles, link)
		list_for_each (sink, &other->sinks.live, link)
			if (other != console && sink->spec.kind == spec->kind &&
			    ((spec->kind == SINK_TERMINAL && console_reads(other)) ||
			     (spec->path && sink->spec.path &&
			      strcmp(spec->path, sink->spec.path) == 0)))
				return sink;
	return NULL;
}

/* --- The hub. --- */

static struct console *find_open(struct console_hub *hub, const char *id)
{
	struct console *console;

	list_for_each (console, &hub->consoles, link)
		if (console->events && strcmp(console->id, id) == 0)
			return console;
	return NULL;
}

struct sink *console_attached_sink(struct console_hub *hub, const char *id)
{
	struct console *console = find_open(hub, id);
	struct sink_error error;
	struct sink *sink;

	if (!console)
		return NULL;
	sink = sink_set_find(&console->sinks, &attached_spec);
	if (sink)
		return sink;
	if (sink_set_add(&console->sinks, console, &attached_spec, &error) < 0)
		return NULL;
	set_ring(console, true);
	return sink_set_find(&console->sinks, &attached_spec);
}

size_t console_ids(struct console_hub *hub, const char **ids, size_t max)
{
	struct console *console;
	size_t n = 0;

	list_for_each (console, &hub->consoles, link)
		if (console->events && n < max)
			ids[n++] = console->id;
	return n;
}

struct sink *console_terminal_reader(struct console_hub *hub)
{
	return hub->terminal_reader;
}

void console_set_terminal_reader(struct console_hub *hub, struct sink *sink)
{
	hub->terminal_reader = sink;
}

void console_hub_on_leave(struct console_hub *hub, void (*leave)(bool now, void *opaque),
			  void *opaque)
{
	hub->leave = leave;
	hub->leave_opaque = opaque;
}

void console_leave(struct console *console, bool now)
{
	struct console_hub *hub = console->hub;

	if (hub->leave)
		hub->leave(now, hub->leave_opaque);
	else
		/* One presses the power button, the second does not wait for the guest. */
		for (unsigned i = 0; i < (now ? 2 : 1); i++)
			kill(getpid(), SIGTERM);
}

static struct console *console_create(struct console_hub *hub, const char *id)
{
	struct console *console = calloc(1, sizeof(*console));

	invariant(console);
	console->hub = hub;
	console->id = strdup(id);
	invariant(console->id);
	sink_set_init(&console->sinks);
	pthread_mutex_init(&console->lock, NULL);
	/* A bell and a timer take memory and nothing else. */
	invariant(loop_add_bell(hub->loop, on_bell, console, &console->bell) == 0);
	invariant(loop_add_timer(hub->loop, on_flush_timer, console, &console->timer) == 0);
	list_add_tail(&hub->consoles, &console->link);
	return console;
}

static void console_destroy(struct console *console)
{
	uint64_t deadline = now_ns() + LAST_WORDS_DELAY;
	struct sink *sink;
	struct port *port, *tmp;

	list_for_each (sink, &console->sinks.live, link)
		list_for_each_safe (port, tmp, &sink->ports, link)
			port_drain(port, deadline);
	sink_set_fini(&console->sinks);
	loop_source_remove(console->bell);
	loop_source_remove(console->timer);
	list_del(&console->link);
	pthread_mutex_destroy(&console->lock);
	free(console->ring);
	free(console->id);
	free(console);
}

/* A console that no device has open must not be in the way of one that has. */
static void evict_rivals(struct console_hub *hub, struct console *console,
			 const struct sink_list *list)
{
	struct console *rival, *tmp;

	list_for_each_safe (rival, tmp, &hub->consoles, link) {
		bool clash = false;

		for (size_t i = 0; i < list->n; i++)
			clash = clash || sink_set_find(&rival->sinks, &list->specs[i]);
		if (clash && rival != console && !rival->events)
			console_destroy(rival);
	}
}

int console_open_sinks(struct console_hub *hub, const char *id, const struct sink_list *list,
		       const struct console_events *events, void *opaque, struct console **ret,
		       struct sink_error *error)
{
	struct console *console = NULL, *c;
	bool fresh;
	int r;

	list_for_each (c, &hub->consoles, link)
		if (strcmp(c->id, id) == 0)
			console = c;
	invariant(!console || !console->events);
	fresh = !console;
	if (fresh)
		console = console_create(hub, id);
	evict_rivals(hub, console, list);
	console->events = events;
	console->opaque = opaque;
	r = console_prepare_sinks(console, list, error);
	if (r < 0) {
		console->events = NULL;
		if (fresh)
			console_destroy(console);
		return r;
	}
	*ret = console;
	return 0;
}

struct console *console_close(struct console *console)
{
	if (!console)
		return NULL;
	console_cancel(console);
	flush(console);
	console->events = NULL;
	console->opaque = NULL;
	return NULL;
}

struct console_hub *console_hub_create(struct loop *loop)
{
	struct console_hub *hub = calloc(1, sizeof(*hub));

	invariant(hub);
	hub->loop = loop;
	list_init(&hub->consoles);
	return hub;
}

void console_hub_prune(struct console_hub *hub)
{
	struct console *console, *tmp;

	list_for_each_safe (console, tmp, &hub->consoles, link)
		if (!console->events)
			console_destroy(console);
}

struct console_hub *console_hub_destroy(struct console_hub *hub)
{
	struct console *console, *tmp;

	if (!hub)
		return NULL;
	list_for_each_safe (console, tmp, &hub->consoles, link)
		console_destroy(console);
	free(hub);
	return NULL;
}
