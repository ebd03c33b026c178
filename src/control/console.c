/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection that becomes a console. evhttp has no words for that: its bufferevent is silenced,
 * and a duplicate of the descriptor goes to the console, which knows how to serve peers that are
 * slow. evhttp keeps the connection until one side ends it.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>

#include "base/fd.h"
#include "base/strbuf.h"
#include "console/console.h"
#include "control/console.h"
#include "control/internal.h"

#define MAX_NAMED 16

static const char switching[] = "HTTP/1.1 101 Switching Protocols\r\n"
				"Connection: Upgrade\r\n"
				"Upgrade: weft-console\r\n\r\n";

/* The console hung up. */
static void on_gone(void *opaque)
{
	struct connection *c = opaque;
	struct evhttp_connection *http = c->http;

	c->gone = NULL;
	evhttp_connection_free(http);
}

/* The connection ends first: the end of the machine. */
static void on_connection_gone(struct connection *c)
{
	console_detach(c->gone_opaque);
}

static void say_unknown(struct request *request)
{
	struct console_hub *hub = supervisor_consoles(request->control->supervisor);
	cleanup_strbuf struct strbuf hint = STRBUF_INIT;
	const char *ids[MAX_NAMED];
	size_t n = console_ids(hub, ids, MAX_NAMED);

	for (size_t i = 0; i < n; i++)
		strbuf_printf(&hint, "%s%s", i ? ", " : "there are: ", ids[i]);
	request_error(request, 404, "no-console", n ? hint.text : "the machine has none",
		      "'%.64s' has no console", request->parameter);
}

static void hand_over(struct request *request)
{
	struct connection *c = request->connection;
	struct console_hub *hub = supervisor_consoles(request->control->supervisor);
	cleanup_fd int fd = fcntl(bufferevent_getfd(c->socket), F_DUPFD_CLOEXEC, 0);
	struct console_peer *peer;
	int r;

	if (fd < 0)
		r = -errno;
	else
		r = console_attach(hub, request->parameter, fd, on_gone, c, &peer);
	if (r == -ENOENT) {
		say_unknown(request);
		return;
	}
	if (r < 0) {
		request_error(request, 503, "console", NULL, "the console cannot be had: %s",
			      strerror(-r));
		return;
	}
	connection_silence(c, request->http);
	c->gone = on_connection_gone;
	c->gone_opaque = peer;
	/* The socket is empty: it has room for this. */
	(void)!send(fd, switching, strlen(switching), MSG_NOSIGNAL | MSG_DONTWAIT);
	TAKE_FD(fd);
	console_attached(peer);
}

void console_connect(struct request *request)
{
	const char *upgrade =
		evhttp_find_header(evhttp_request_get_input_headers(request->http), "Upgrade");

	if (upgrade && strcmp(upgrade, "weft-console") == 0)
		hand_over(request);
	else
		request_error(request, 426, "upgrade", "send 'Upgrade: weft-console'",
			      "a console is not read by HTTP");
}
