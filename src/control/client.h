/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The other side of the control interface: plain blocking HTTP over the socket, for commands.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/compiler.h"
#include "base/strbuf.h"

struct json_t;

struct client_reply {
	int status;          /* of HTTP */
	struct json_t *json; /* the body; the caller owns the reference */
};

/**
 * client_call() - ask a machine for something, and wait for the answer
 * @name: the machine
 * @method, @path: of the route
 * @body: an object, or NULL for none; its reference is taken
 * @ret: the answer, whatever its status
 * @why: on failure, in a sentence, why the machine cannot be reached and what to do
 *
 * Return: 0 or a negative errno.
 */
int client_call(const char *name, const char *method, const char *path, struct json_t *body,
		struct client_reply *ret, struct strbuf *why) must_use;

/**
 * client_stream() - read an answer as it comes
 * @take: is given every piece; a negative return ends the stream
 *
 * An answer other than 200 is in @ret, and @take is not called. Return: 0 at the end of the stream
 * (or with @ret set), or a negative errno with @why.
 */
int client_stream(const char *name, const char *path,
		  int (*take)(const char *data, size_t size, void *opaque), void *opaque,
		  struct client_reply *ret, struct strbuf *why) must_use;

/**
 * client_attach() - become the peer of a console
 * @id: the device
 * @ret_fd: the console
 * @first: gets what came of it already
 *
 * Return: 0, with @ret set instead when the machine says no; or a negative errno with @why.
 */
int client_attach(const char *name, const char *id, int *ret_fd, struct strbuf *first,
		  struct client_reply *ret, struct strbuf *why) must_use;

/* Whether a machine of that name answers at its socket. */
bool client_is_running(const char *name);
