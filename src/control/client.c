/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client: one connection a request. What the server says is checked as if it were anybody: it
 * may be another version of weft.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "control/address.h"
#include "control/client.h"
#include "reload/state.h"

#define ANSWER_TIMEOUT 60 /* seconds: an apply opens disks and asks for memory */
#define MAX_HEADERS    16384
#define MAX_ANSWER     (16 * MiB)

/* A reading position in what comes from the server. */
struct response {
	int fd;
	int status;
	bool chunked;
	size_t length; /* Content-Length, or SIZE_MAX: to the end of the stream */
	char buffer[MAX_HEADERS];
	size_t start, end; /* what of the buffer is not taken yet */
};

/* --- The connection. --- */

static int connect_to(const char *path)
{
	const struct timeval timeout = {.tv_sec = ANSWER_TIMEOUT};
	cleanup_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cleanup_fd int directory = -1;
	struct sockaddr_un address;
	int r;

	if (fd < 0)
		return -errno;
	r = unix_address(path, &address, &directory);
	if (r < 0)
		return r;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	return TAKE_FD(fd);
}

static char *socket_path(const char *name)
{
	cleanup_free char *base = state_directory();
	char *path;

	if (!base || asprintf(&path, "%s/%s/control.sock", base, name) < 0)
		return NULL;
	return path;
}

/* Says why in words that help. Return: @error. */
static int explain(struct strbuf *why, const char *name, const char *path, int error)
{
	switch (error) {
	case -ENOENT:
	case -ECONNREFUSED:
		strbuf_printf(
			why, "no machine '%s' runs (%s); 'weft list --all' shows what there is",
			name, error == -ENOENT ? "it has no control socket" : "nobody answers");
		break;
	case -EACCES:
	case -EPERM:
		strbuf_printf(why, "the machine '%s' is another user's: %s is closed to you", name,
			      path);
		break;
	case -EAGAIN:
	case -ETIMEDOUT:
		strbuf_printf(why,
			      "the machine '%s' does not answer: it is busy, or it hangs; "
			      "its log may tell",
			      name);
		break;
	case -ECONNRESET:
	case -EPIPE:
		strbuf_printf(why, "the machine '%s' hung up before it answered: it has just ended",
			      name);
		break;
	case -EPROTO:
		strbuf_printf(why,
			      "the machine '%s' answers what this weft does not understand: "
			      "is it another version?",
			      name);
		break;
	default:
		strbuf_printf(why, "the machine '%s' cannot be reached: %s", name,
			      strerror(-error));
	}
	return error;
}

/* A machine listens only when its guest runs: who comes in its first moments waits for that. */
static int connect_to_machine(const char *name, const char *path)
{
	const struct timespec pause = {.tv_nsec = 10 * 1000000};
	int fd;

	while ((fd = connect_to(path)) < 0 && (fd == -ENOENT || fd == -ECONNREFUSED) &&
	       state_was_just_taken(name))
		nanosleep(&pause, NULL);
	return fd;
}

static int open_connection(const char *name, struct strbuf *why)
{
	cleanup_free char *path = socket_path(name);
	int fd;

	if (!path) {
		strbuf_puts(why,
			    "there is no state directory: neither XDG_STATE_HOME nor HOME is set");
		return -ENOENT;
	}
	fd = connect_to_machine(name, path);
	return fd < 0 ? explain(why, name, path, fd) : fd;
}

bool client_is_running(const char *name)
{
	cleanup_free char *path = socket_path(name);
	cleanup_fd int fd = path ? connect_to_machine(name, path) : -1;

	return fd >= 0;
}

static int send_all(int fd, const char *data, size_t size)
{
	while (size) {
		ssize_t n = send(fd, data, size, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		size -= (size_t)n;
	}
	return 0;
}

static int send_request(int fd, const char *method, const char *path, const char *upgrade,
			const char *body)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT;
	int r;

	strbuf_printf(&text, "%s %s HTTP/1.1\r\nHost: weft\r\n", method, path);
	if (upgrade)
		strbuf_printf(&text, "Connection: Upgrade\r\nUpgrade: %s\r\n", upgrade);
	else
		strbuf_puts(&text, "Connection: close\r\n");
	if (body)
		strbuf_printf(&text, "Content-Type: application/json\r\n");
	if (strcmp(method, "POST") == 0)
		strbuf_printf(&text, "Content-Length: %zu\r\n", body ? strlen(body) : 0);
	strbuf_printf(&text, "\r\n%s", body ? body : "");
	r = send_all(fd, text.text, text.size);
	/* A refusal may be there already when the rest cannot be sent. */
	return r == -EPIPE ? 0 : r;
}

/* --- The answer. --- */

/* More bytes behind those there are. Return: how many, 0 at the end of the stream, negative errno.
 */
static ssize_t fill(struct response *response)
{
	ssize_t n;

	if (response->start == response->end)
		response->start = response->end = 0;
	do
		n = read(response->fd, response->buffer + response->end,
			 sizeof(response->buffer) - 1 - response->end);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	response->end += (size_t)n;
	response->buffer[response->end] = '\0';
	return n;
}

static void read_header(struct response *response, char *line)
{
	char *value = strchr(line, ':');

	if (!value)
		return;
	*value++ = '\0';
	value += strspn(value, " \t");
	if (strcasecmp(line, "Content-Length") == 0)
		response->length = strtoul(value, NULL, 10);
	else if (strcasecmp(line, "Transfer-Encoding") == 0)
		response->chunked = strcasecmp(value, "chunked") == 0;
}

static int read_head(struct response *response)
{
	char *end, *line, *rest;
	ssize_t n;

	response->length = SIZE_MAX;
	response->buffer[0] = '\0';
	while (!(end = strstr(response->buffer, "\r\n\r\n"))) {
		n = response->end < sizeof(response->buffer) - 1 ? fill(response) : -EPROTO;
		if (n <= 0)
			return n < 0 ? (int)n : -ECONNRESET;
	}
	*end = '\0';
	rest = response->buffer;
	line = strsep(&rest, "\r");
	if (sscanf(line, "HTTP/1.%*d %d", &response->status) != 1)
		return -EPROTO;
	while ((line = strsep(&rest, "\r")))
		read_header(response, *line == '\n' ? line + 1 : line);
	response->start = (size_t)(end - response->buffer) + 4;
	return 0;
}

/* A line without its end, which is part of the framing of chunks. */
static int read_line(struct response *response, char *line, size_t size)
{
	for (size_t n = 0; n < size;) {
		ssize_t r = response->start == response->end ? fill(response) : 1;
		char c;

		if (r <= 0)
			return r < 0 ? (int)r : -ECONNRESET;
		c = response->buffer[response->start++];
		if (c == '\n') {
			line[n] = '\0';
			return 0;
		}
		if (c != '\r')
			line[n++] = c;
	}
	return -EPROTO;
}

typedef int (*take_fn)(const char *data, size_t size, void *opaque);

/* @size bytes, or all to the end when it is SIZE_MAX. */
static int read_bytes(struct response *response, size_t size, take_fn take, void *opaque)
{
	while (size) {
		ssize_t r = response->start == response->end ? fill(response) : 1;
		size_t n;

		if (r == 0)
			return size == SIZE_MAX ? 0 : -ECONNRESET;
		if (r < 0)
			return (int)r;
		n = MIN(size, response->end - response->start);
		r = take(response->buffer + response->start, n, opaque);
		if (r < 0)
			return (int)r;
		response->start += n;
		if (size != SIZE_MAX)
			size -= n;
	}
	return 0;
}

static int read_chunks(struct response *response, take_fn take, void *opaque)
{
	char line[32], *end;

	for (;;) {
		unsigned long size;
		int r = read_line(response, line, sizeof(line) - 1);

		if (r < 0)
			return r;
		size = strtoul(line, &end, 16);
		if (end == line || size > MAX_ANSWER)
			return -EPROTO;
		if (size == 0)
			return 0;
		r = read_bytes(response, size, take, opaque);
		if (r >= 0)
			r = read_line(response, line, sizeof(line) - 1);
		if (r < 0)
			return r;
	}
}

static int read_body(struct response *response, take_fn take, void *opaque)
{
	return response->chunked ? read_chunks(response, take, opaque)
				 : read_bytes(response, response->length, take, opaque);
}

static int append(const char *data, size_t size, void *opaque)
{
	struct strbuf *text = opaque;

	if (text->size + size > MAX_ANSWER)
		return -EPROTO;
	strbuf_add(text, data, size);
	return 0;
}

static int read_json(struct response *response, struct client_reply *ret)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT;
	int r = read_body(response, append, &text);

	if (r < 0)
		return r;
	ret->json = text.text ? json_loadb(text.text, text.size, 0, NULL) : NULL;
	if (!ret->json)
		return -EPROTO;
	ret->status = response->status;
	return 0;
}

/* --- What commands use. --- */

int client_call(const char *name, const char *method, const char *path, json_t *body,
		struct client_reply *ret, struct strbuf *why)
{
	cleanup_free char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	cleanup_free struct response *response = calloc(1, sizeof(*response));
	cleanup_fd int fd = open_connection(name, why);
	int r;

	json_decref(body);
	if (fd < 0)
		return fd;
	invariant(response);
	response->fd = fd;
	r = send_request(fd, method, path, NULL, text);
	if (r >= 0)
		r = read_head(response);
	if (r >= 0)
		r = read_json(response, ret);
	return r < 0 ? explain(why, name, "", r) : 0;
}

int client_stream(const char *name, const char *path, take_fn take, void *opaque,
		  struct client_reply *ret, struct strbuf *why)
{
	const struct timeval forever = {0};
	cleanup_free struct response *response = calloc(1, sizeof(*response));
	cleanup_fd int fd = open_connection(name, why);
	int r;

	if (fd < 0)
		return fd;
	invariant(response);
	response->fd = fd;
	r = send_request(fd, "GET", path, NULL, NULL);
	if (r >= 0)
		r = read_head(response);
	if (r < 0)
		return explain(why, name, "", r);
	if (response->status != 200) {
		r = read_json(response, ret);
		return r < 0 ? explain(why, name, "", r) : 0;
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &forever, sizeof(forever));
	r = read_body(response, take, opaque);
	/* The end of the machine is an end like any other. */
	return r == -ECONNRESET ? 0 : r;
}

int client_attach(const char *name, const char *id, int *ret_fd, struct strbuf *first,
		  struct client_reply *ret, struct strbuf *why)
{
	const struct timeval forever = {0};
	cleanup_free struct response *response = calloc(1, sizeof(*response));
	cleanup_fd int fd = open_connection(name, why);
	char path[256];
	int r;

	if (fd < 0)
		return fd;
	invariant(response);
	response->fd = fd;
	snprintf(path, sizeof(path), "/v1/console/%s", id);
	r = send_request(fd, "GET", path, "weft-console", NULL);
	if (r >= 0)
		r = read_head(response);
	if (r >= 0 && response->status != 101)
		r = read_json(response, ret);
	if (r < 0)
		return explain(why, name, "", r);
	if (response->status != 101)
		return 0;
	ret->status = 101;
	strbuf_add(first, response->buffer + response->start, response->end - response->start);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &forever, sizeof(forever));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &forever, sizeof(forever));
	*ret_fd = TAKE_FD(fd);
	return 0;
}
