/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of the control interface: connections, requests and their answers. Main thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/compiler.h"
#include "base/list.h"
#include "reload/supervisor.h"

struct bufferevent;
struct evconnlistener;
struct evhttp;
struct evhttp_connection;
struct evhttp_request;
struct json_t;
struct loop_source;

#define CONTROL_MAX_CONNECTIONS 64
#define CONTROL_MAX_HEADERS     16384
#define CONTROL_MAX_BODY        65536

/* A request that is not answered and gone by then is cut off, so that nobody can sit on a
 * connection. */
#define CONTROL_DEADLINE (15 * 1000000000ULL)

struct control {
	struct supervisor *supervisor;
	char *path;
	struct evhttp *http;
	struct evconnlistener *listener;
	struct list connections;
	unsigned n_connections;
	struct loop_source *retry; /* of accepting */
	struct list streams;
	struct loop_source *log_bell;
	bool ending;
};

/* One connection: one request, one answer. */
struct connection {
	struct list link;
	struct control *control;
	struct bufferevent *socket;
	struct loop_source *deadline;
	bool silent;                    /* evhttp's callbacks were taken away: a console */
	struct evhttp_connection *http; /* after connection_silence() */
	void (*gone)(struct connection *connection); /* takes back what was made for it; or NULL */
	void *gone_opaque;
	bool has_action; /* done when the answer is out, or its reader is gone */
	enum supervisor_action action;
};

struct request {
	struct control *control;
	struct connection *connection;
	struct evhttp_request *http;
	struct ucred peer;
	struct json_t *body;   /* an object; members are checked against the route */
	const char *parameter; /* what stands for {id} in the path, or NULL; decoded */
};

/* Answers with JSON; takes the reference. */
void request_reply(struct request *request, int status, struct json_t *json);

/* {error: {code, message, hint}}; @hint may be NULL. */
void request_error(struct request *request, int status, const char *code, const char *hint,
		   const char *fmt, ...) printf_like(5, 6);

/* The same with more in it: @json is an object that gets the error; takes the reference. */
void request_error_with(struct request *request, int status, const char *code, const char *hint,
			struct json_t *json, const char *fmt, ...) printf_like(6, 7);

/* The value of ?name=… as a number up to @max; @fallback when it is not there or is none. */
uint64_t request_query(const struct request *request, const char *name, uint64_t fallback,
		       uint64_t max);

/* The connection lives as long as its peer wants: no deadline, no time-out of reading. */
void connection_keep(struct connection *connection);

/* Nothing more is read or written by evhttp; connection->http is its connection, for the end. */
void connection_silence(struct connection *connection, struct evhttp_request *http);

/* Bytes that the peer has not taken. */
size_t connection_backlog(const struct connection *connection);

/* Cuts the connection off @nanoseconds from now. */
void connection_limit(struct connection *connection, uint64_t nanoseconds);

/* --- routes.c --- */

/* Finds the route and answers. @path has no query. */
void control_dispatch(struct request *request, const char *method, const char *path,
		      const void *body, size_t size);
