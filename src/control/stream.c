/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streams. Each waits in its connection's output buffer, which is bounded; nothing else is kept of
 * it.
 */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/http.h>

#include "base/log.h"
#include "control/internal.h"
#include "control/stream.h"
#include "loop/loop.h"
#include "reload/converge.h"

/* The last line of a reader that was too slow has this long to get out. */
#define FAREWELL (2 * 1000000000ULL)

enum stream_kind {
	STREAM_EVENTS,
	STREAM_LOGS,
};

struct stream {
	struct list link; /* control->streams */
	struct connection *connection;
	struct evhttp_request *http;
	enum stream_kind kind;
	uint64_t position; /* in the log */
	bool ended;
};

static void stream_end(struct stream *stream)
{
	stream->ended = true;
	connection_limit(stream->connection, FAREWELL);
	evhttp_send_reply_end(stream->http);
}

static void put(struct stream *stream, const char *text, size_t size)
{
	struct evbuffer *chunk = evbuffer_new();

	invariant(chunk);
	evbuffer_add(chunk, text, size);
	evhttp_send_reply_chunk(stream->http, chunk);
	evbuffer_free(chunk);
}

static void drop(struct stream *stream)
{
	static const char *const last[] = {
		[STREAM_EVENTS] =
			"{\"type\":\"dropped\",\"message\":\"this reader is too slow: events "
			"were lost\"}\n",
		[STREAM_LOGS] = "weft: this reader is too slow: lines were lost\n",
	};

	put(stream, last[stream->kind], strlen(last[stream->kind]));
	stream_end(stream);
}

static void stream_put(struct stream *stream, const char *text, size_t size)
{
	if (stream->ended)
		return;
	if (connection_backlog(stream->connection) + size > STREAM_MAX_BACKLOG)
		drop(stream);
	else
		put(stream, text, size);
}

/* The peer is gone, or has all of it. evhttp leaves a request that is not ended to its user. */
static void stream_gone(struct connection *connection)
{
	struct stream *stream = connection->gone_opaque;

	if (!stream->ended && !evhttp_request_get_connection(stream->http))
		evhttp_send_reply_end(stream->http);
	list_del(&stream->link);
	free(stream);
}

static unsigned count_streams(const struct control *control)
{
	const struct stream *stream;
	unsigned n = 0;

	list_for_each (stream, &control->streams, link)
		n++;
	return n;
}

static struct stream *stream_start(struct request *request, enum stream_kind kind, const char *type)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(request->http);
	struct stream *stream;

	if (count_streams(request->control) >= STREAM_MAX_READERS) {
		request_error(request, 503, "too-many-readers", "end one of them",
			      "%d readers listen already", STREAM_MAX_READERS);
		return NULL;
	}
	stream = calloc(1, sizeof(*stream));
	invariant(stream);
	stream->connection = request->connection;
	stream->http = request->http;
	stream->kind = kind;
	connection_keep(request->connection);
	request->connection->gone = stream_gone;
	request->connection->gone_opaque = stream;
	list_add_tail(&request->control->streams, &stream->link);
	evhttp_add_header(headers, "Content-Type", type);
	evhttp_add_header(headers, "Cache-Control", "no-store");
	evhttp_add_header(headers, "Connection", "close");
	evhttp_send_reply_start(request->http, 200, NULL);
	return stream;
}

/* --- Events. --- */

static void put_event(struct stream *stream, const json_t *event)
{
	char *text = json_dumps(event, JSON_COMPACT);
	size_t size;

	invariant(text);
	/* The newline takes the place of the string's end. */
	size = strlen(text);
	text[size] = '\n';
	stream_put(stream, text, size + 1);
	free(text);
}

static void on_event(json_t *event, void *opaque)
{
	struct control *control = opaque;
	struct stream *stream, *tmp;

	list_for_each_safe (stream, tmp, &control->streams, link)
		if (stream->kind == STREAM_EVENTS)
			put_event(stream, event);
}

void stream_events(struct request *request)
{
	struct stream *stream = stream_start(request, STREAM_EVENTS, "application/x-ndjson");
	json_t *event;

	if (!stream)
		return;
	event = json_pack("{s:s, s:o}", "type", "status", "status",
			  converge_status(supervisor_converge(request->control->supervisor)));
	put_event(stream, event);
	json_decref(event);
}

/* --- The log. --- */

static void put_log(struct stream *stream)
{
	char lines[4096];
	size_t size;

	while (!stream->ended && (size = log_peek(&stream->position, lines, sizeof(lines))) > 0)
		stream_put(stream, lines, size);
}

/* Any thread. */
static void on_log(void *opaque)
{
	struct control *control = opaque;

	loop_wake(control->log_bell);
}

static void on_log_bell(void *opaque)
{
	struct control *control = opaque;
	struct stream *stream, *tmp;

	list_for_each_safe (stream, tmp, &control->streams, link)
		if (stream->kind == STREAM_LOGS)
			put_log(stream);
}

void stream_logs(struct request *request)
{
	struct stream *stream = stream_start(request, STREAM_LOGS, "text/plain; charset=utf-8");

	if (!stream)
		return;
	put_log(stream);
	if (!stream->ended && !request_query(request, "follow", 0, 1))
		stream_end(stream);
}

int streams_start(struct control *control)
{
	int r = loop_add_bell(supervisor_loop(control->supervisor), on_log_bell, control,
			      &control->log_bell);

	if (r < 0)
		return r;
	converge_set_listener(supervisor_converge(control->supervisor), on_event, control);
	log_watch(on_log, control);
	return 0;
}

void streams_stop(struct control *control)
{
	struct stream *stream, *tmp;

	converge_set_listener(supervisor_converge(control->supervisor), NULL, NULL);
	log_watch(NULL, NULL);
	control->log_bell = loop_source_remove(control->log_bell);
	list_for_each_safe (stream, tmp, &control->streams, link)
		if (!stream->ended)
			stream_end(stream);
}
