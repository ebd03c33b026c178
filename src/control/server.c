/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The listener and its connections. libevent's evhttp reads requests and writes answers; what it
 * does not do is here: how many connections there are, how long one may take as a whole, and who is
 * at the other end.
 *
 * evhttp takes its connections from the listener and frees them by itself, and tells of it only
 * once there was a request. So a reference to the socket of each is held here: one that evhttp has
 * freed has no callbacks any more. Such are looked for when a new one comes, and the deadline of
 * each ends it at the latest.
 */
#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "control/address.h"
#include "control/internal.h"
#include "control/server.h"
#include "control/stream.h"
#include "loop/loop.h"
#include "reload/converge.h"

#define IO_TIMEOUT    10            /* seconds in which a peer has to send or take something */
#define RETRY_ACCEPT  1000000000ULL /* ns, after accept() failed */
#define RETRY_FULL    100000000ULL  /* ns, while there are too many */
#define LAST_DEADLINE 1000000000ULL /* ns, for evhttp to notice */

/* evhttp answers a body that is larger by itself, and not in JSON. */
#define HARD_MAX_BODY (16 * CONTROL_MAX_BODY)

/* --- Connections. --- */

static void act(struct control *control, enum supervisor_action action)
{
	if (supervisor_act(control->supervisor, action) < 0)
		log_debug("control: an action came too late");
}

struct deferred {
	struct control *control;
	enum supervisor_action action;
};

/* From the loop: a restart or the end of the machine is not for the inside of evhttp. */
static void act_now(void *opaque)
{
	struct deferred *deferred = opaque;

	act(deferred->control, deferred->action);
	free(deferred);
}

/* evhttp has no more to do with it. */
static void connection_gone(struct connection *c)
{
	struct control *control = c->control;

	if (c->gone)
		c->gone(c);
	if (c->has_action && !control->ending) {
		struct deferred *deferred = malloc(sizeof(*deferred));

		invariant(deferred);
		*deferred = (struct deferred){control, c->action};
		loop_post(supervisor_loop(control->supervisor), act_now, deferred);
	}
	loop_source_remove(c->deadline);
	list_del(&c->link);
	bufferevent_decref(c->socket);
	if (control->n_connections-- == CONTROL_MAX_CONNECTIONS && !control->ending)
		evconnlistener_enable(control->listener);
	free(c);
}

static void on_close(struct evhttp_connection *http unused, void *opaque)
{
	connection_gone(opaque);
}

static bool is_freed(const struct connection *c)
{
	bufferevent_event_cb event;
	bufferevent_data_cb read;

	/* evhttp set them when it took the socket, as soon as on_connection() had returned. */
	bufferevent_getcb(c->socket, &read, NULL, &event, NULL);
	return !read && !event && !c->silent;
}

static void sweep(struct control *control)
{
	struct connection *c, *tmp;

	list_for_each_safe (c, tmp, &control->connections, link)
		if (is_freed(c))
			connection_gone(c);
}

/* evhttp sees the end of the stream, and lets go. */
static void on_deadline(void *opaque)
{
	struct connection *c = opaque;
	int fd = bufferevent_getfd(c->socket);

	if (is_freed(c)) {
		connection_gone(c);
		return;
	}
	if (fd >= 0)
		shutdown(fd, SHUT_RDWR);
	loop_timer_arm(c->deadline, LAST_DEADLINE);
}

/* While there are too many: is one of them gone? */
static void on_retry(void *opaque)
{
	struct control *control = opaque;

	sweep(control);
	if (control->n_connections < CONTROL_MAX_CONNECTIONS)
		evconnlistener_enable(control->listener);
	else
		loop_timer_arm(control->retry, RETRY_FULL);
}

/* evhttp asks for a bufferevent for each connection that the listener accepted. */
static struct bufferevent *on_connection(struct event_base *base, void *opaque)
{
	struct control *control = opaque;
	struct connection *c = calloc(1, sizeof(*c));

	invariant(c);
	sweep(control);
	c->control = control;
	c->socket = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
	invariant(c->socket);
	bufferevent_incref(c->socket);
	/* A timer takes memory and nothing else. */
	invariant(loop_add_timer(supervisor_loop(control->supervisor), on_deadline, c,
				 &c->deadline) == 0);
	loop_timer_arm(c->deadline, CONTROL_DEADLINE);
	list_add_tail(&control->connections, &c->link);
	/* The next ones wait in the kernel until one is gone. */
	if (++control->n_connections == CONTROL_MAX_CONNECTIONS) {
		evconnlistener_disable(control->listener);
		loop_timer_arm(control->retry, RETRY_FULL);
	}
	return c->socket;
}

void connection_limit(struct connection *c, uint64_t nanoseconds)
{
	loop_timer_arm(c->deadline, nanoseconds);
}

void connection_keep(struct connection *c)
{
	loop_timer_arm(c->deadline, 0);
	bufferevent_set_timeouts(c->socket, NULL, NULL);
}

void connection_silence(struct connection *c, struct evhttp_request *http)
{
	connection_keep(c);
	c->silent = true;
	c->http = evhttp_request_get_connection(http);
	bufferevent_setcb(c->socket, NULL, NULL, NULL, NULL);
	bufferevent_disable(c->socket, EV_READ | EV_WRITE);
}

size_t connection_backlog(const struct connection *c)
{
	return evbuffer_get_length(bufferevent_get_output(c->socket));
}

static struct connection *find_connection(struct control *control, struct evhttp_request *http)
{
	struct bufferevent *socket =
		evhttp_connection_get_bufferevent(evhttp_request_get_connection(http));
	struct connection *c;

	list_for_each (c, &control->connections, link)
		if (c->socket == socket)
			return c;
	return NULL;
}

/* --- Answers. --- */

void request_reply(struct request *request, int status, json_t *json)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(request->http);
	char *text = json_dumps(json, JSON_COMPACT);
	struct evbuffer *body = evbuffer_new();

	json_decref(json);
	invariant(text && body);
	evhttp_add_header(headers, "Content-Type", "application/json");
	evhttp_add_header(headers, "Cache-Control", "no-store");
	/* One request a connection: a peer that is answered is a peer that is gone. */
	evhttp_add_header(headers, "Connection", "close");
	evbuffer_add(body, text, strlen(text));
	evbuffer_add(body, "\n", 1);
	evhttp_send_reply(request->http, status, NULL, body);
	evbuffer_free(body);
	free(text);
}

printf_like(6, 0) static void reply_error(struct request *request, int status, const char *code,
					  const char *hint, json_t *json, const char *fmt,
					  va_list ap)
{
	cleanup_strbuf struct strbuf message = STRBUF_INIT;

	strbuf_vprintf(&message, fmt, ap);
	json_object_set_new(
		json, "error",
		json_pack("{s:s, s:s, s:s?}", "code", code, "message", message.text, "hint", hint));
	request_reply(request, status, json);
}

void request_error(struct request *request, int status, const char *code, const char *hint,
		   const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	reply_error(request, status, code, hint, json_object(), fmt, ap);
	va_end(ap);
}

void request_error_with(struct request *request, int status, const char *code, const char *hint,
			json_t *json, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	reply_error(request, status, code, hint, json, fmt, ap);
	va_end(ap);
}

uint64_t request_query(const struct request *request, const char *name, uint64_t fallback,
		       uint64_t max)
{
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request->http);
	const char *query = evhttp_uri_get_query(uri), *value, *end;
	struct evkeyvalq list;
	uint64_t number = 0;

	if (!query || evhttp_parse_query_str(query, &list) < 0)
		return fallback;
	value = evhttp_find_header(&list, name);
	for (end = value; end && *end >= '0' && *end <= '9' && number <= max; end++)
		number = number * 10 + (uint64_t)(*end - '0');
	if (!value || end == value || *end)
		number = fallback;
	evhttp_clear_headers(&list);
	return MIN(number, max);
}

/* --- Requests. --- */

static const char *method_name(const struct evhttp_request *http)
{
	switch (evhttp_request_get_command(http)) {
	case EVHTTP_REQ_GET:
		return "GET";
	case EVHTTP_REQ_POST:
		return "POST";
	case EVHTTP_REQ_HEAD:
		return "HEAD";
	case EVHTTP_REQ_PUT:
		return "PUT";
	case EVHTTP_REQ_DELETE:
		return "DELETE";
	default:
		return "other";
	}
}

/* The owner, and root, who could do everything anyhow. */
static bool is_allowed(struct request *request)
{
	socklen_t size = sizeof(request->peer);
	int fd = bufferevent_getfd(request->connection->socket);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &request->peer, &size) == 0 &&
	       (request->peer.uid == geteuid() || request->peer.uid == 0);
}

static void answer(struct request *request)
{
	struct evhttp_request *http = request->http;
	const char *path = evhttp_uri_get_path(evhttp_request_get_evhttp_uri(http));
	struct evbuffer *body = evhttp_request_get_input_buffer(http);
	size_t size = evbuffer_get_length(body);

	if (!is_allowed(request)) {
		log_warn("control: a request of uid %d was refused", (int)request->peer.uid);
		request_error(request, 403, "forbidden", NULL,
			      "this machine is uid %d's; you are uid %d", (int)geteuid(),
			      (int)request->peer.uid);
	} else if (size > CONTROL_MAX_BODY) {
		request_error(request, 413, "too-large", NULL,
			      "the body has %zu bytes, %d are allowed", size, CONTROL_MAX_BODY);
	} else {
		control_dispatch(request, method_name(http), path ? path : "/",
				 size ? evbuffer_pullup(body, -1) : NULL, size);
	}
}

static void on_request(struct evhttp_request *http, void *opaque)
{
	struct request request = {
		.control = opaque,
		.connection = find_connection(opaque, http),
		.http = http,
	};

	invariant(request.connection);
	evhttp_connection_set_closecb(evhttp_request_get_connection(http), on_close,
				      request.connection);
	answer(&request);
	json_decref(request.body);
}

/* --- The listener. --- */

/* Out of descriptors, most likely: trying on at once would be all the loop does. */
static void on_accept_error(struct evconnlistener *listener, void *opaque)
{
	struct control *control = opaque;

	log_warn("control: a connection could not be accepted: %s", strerror(errno));
	evconnlistener_disable(listener);
	loop_timer_arm(control->retry, RETRY_ACCEPT);
}

/*
 * The state's lock is held, so nobody listens at a socket that is there. bind() takes the mode of
 * the descriptor: the file is never open to others.
 */
static int open_socket(const char *path)
{
	cleanup_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	cleanup_fd int directory = -1;
	struct sockaddr_un address;
	int r;

	if (fd < 0 || fchmod(fd, 0600) < 0)
		return -errno;
	r = unix_address(path, &address, &directory);
	if (r < 0)
		return r;
	unlink(path);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(fd, CONTROL_MAX_CONNECTIONS) < 0)
		return -errno;
	return TAKE_FD(fd);
}

static int set_up(struct control *control)
{
	struct loop *loop = supervisor_loop(control->supervisor);
	struct event_base *base = loop_event_base(loop);
	cleanup_fd int fd = open_socket(control->path);

	if (fd < 0)
		return fd;
	control->http = evhttp_new(base);
	if (!control->http)
		return -ENOMEM;
	evhttp_set_max_headers_size(control->http, CONTROL_MAX_HEADERS);
	evhttp_set_max_body_size(control->http, HARD_MAX_BODY);
	evhttp_set_timeout(control->http, IO_TIMEOUT);
	/* Those that a route cannot have are refused there, in words of our own. */
	evhttp_set_allowed_methods(control->http, EVHTTP_REQ_GET | EVHTTP_REQ_POST |
							  EVHTTP_REQ_HEAD | EVHTTP_REQ_PUT |
							  EVHTTP_REQ_DELETE);
	evhttp_set_bevcb(control->http, on_connection, control);
	evhttp_set_gencb(control->http, on_request, control);
	control->listener = evconnlistener_new(
		base, NULL, NULL, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
	if (!control->listener)
		return -ENOMEM;
	TAKE_FD(fd);
	if (!evhttp_bind_listener(control->http, control->listener)) {
		evconnlistener_free(TAKE_PTR(control->listener));
		return -ENOMEM;
	}
	evconnlistener_set_error_cb(control->listener, on_accept_error);
	return loop_add_timer(loop, on_retry, control, &control->retry);
}

static void control_stop(void *attending)
{
	struct control *control = attending;

	control->ending = true;
	if (control->path)
		unlink(control->path);
	streams_stop(control);
	if (control->http)
		evhttp_free(control->http);
	loop_source_remove(control->retry);
	free(control->path);
	free(control);
}

static void *control_start(struct supervisor *supervisor)
{
	const char *path = converge_state_path(supervisor_converge(supervisor), "control.sock");
	struct control *control;
	int r;

	if (!path)
		return NULL;
	control = calloc(1, sizeof(*control));
	invariant(control);
	control->supervisor = supervisor;
	list_init(&control->connections);
	list_init(&control->streams);
	control->path = strdup(path);
	invariant(control->path);
	r = set_up(control);
	if (r >= 0)
		r = streams_start(control);
	if (r >= 0)
		return control;
	log_warn("there is no control interface: %s: %s", path, strerror(-r));
	free(TAKE_PTR(control->path));
	control_stop(control);
	return NULL;
}

const struct supervisor_attendant control_attendant = {
	.start = control_start,
	.stop = control_stop,
};
