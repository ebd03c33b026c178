/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the control interface stands on: the end of a history, addresses of sockets, names of
 * machines, the log that is kept, and a client whose server means no good.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "control/address.h"
#include "control/client.h"
#include "control/history.h"
#include "control/machines.h"
#include "tests/unit/cu-tap.h"

static char directory[] = "/tmp/weft-test-control-XXXXXX";

static char *path_of(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

static size_t entries_of(const char *text, size_t size, uint64_t limit, json_t **ret)
{
	int fd = open(path_of("history"), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	CU_ASSERT_EQUAL_FATAL(write(fd, text, size), (ssize_t)size);
	close(fd);
	CU_ASSERT_EQUAL_FATAL(history_read(path_of("history"), limit, ret), 0);
	return json_array_size(*ret);
}

static json_int_t number(const json_t *entries, size_t i)
{
	return json_integer_value(json_object_get(json_array_get(entries, i), "n"));
}

static void history_is_read_from_its_end(void)
{
	static const char text[] = "{\"n\":1}\n{\"n\":2}\nnot json\n[]\n\n{\"n\":3}\n{\"n\":4";
	json_t *entries;

	CU_ASSERT_EQUAL(entries_of(text, strlen(text), 10, &entries), 3);
	CU_ASSERT(number(entries, 0) == 1 && number(entries, 2) == 3);
	json_decref(entries);
	CU_ASSERT_EQUAL(entries_of(text, strlen(text), 2, &entries), 2);
	CU_ASSERT(number(entries, 0) == 2 && number(entries, 1) == 3);
	json_decref(entries);
	CU_ASSERT_EQUAL(entries_of("", 0, 10, &entries), 0);
	json_decref(entries);
	CU_ASSERT_EQUAL(entries_of("\0\0\n{\"n\":5}\n", 11, 10, &entries), 0);
	json_decref(entries);
	CU_ASSERT_EQUAL(history_read(path_of("nothing"), 1, &entries), 0);
	CU_ASSERT_EQUAL(json_array_size(entries), 0);
	json_decref(entries);
	CU_ASSERT_EQUAL(history_read(NULL, 1, &entries), 0);
	json_decref(entries);
}

static void a_long_history_is_cut_at_a_line(void)
{
	size_t line = 100, n = 15000;
	char *text = malloc(line * n + 1);
	json_t *entries;

	for (size_t i = 0; i < n; i++)
		snprintf(text + i * line, line + 1, "{\"n\":%10zu,\"pad\":\"%74s\"}\n", i, "");
	CU_ASSERT_EQUAL(entries_of(text, line * n, 1000000, &entries), (1 << 20) / line);
	CU_ASSERT_EQUAL(number(entries, json_array_size(entries) - 1), (json_int_t)n - 1);
	json_decref(entries);
	free(text);
}

static void addresses_of_any_length(void)
{
	struct sockaddr_un address;
	char deep[200];
	int fd;

	CU_ASSERT_EQUAL(unix_address("/run/x.sock", &address, &fd), 0);
	CU_ASSERT(fd == -1 && strcmp(address.sun_path, "/run/x.sock") == 0);
	snprintf(deep, sizeof(deep), "%s/%0120d", directory, 0);
	CU_ASSERT_EQUAL(mkdir(deep, 0700), 0);
	strcat(deep, "/control.sock");
	CU_ASSERT_EQUAL(unix_address(deep, &address, &fd), 0);
	CU_ASSERT(fd >= 0 && strstr(address.sun_path, "/control.sock") != NULL);
	fd_close(fd);
	snprintf(deep, sizeof(deep), "%s/%0120d", directory, 0);
	rmdir(deep);
	CU_ASSERT_EQUAL(unix_address(deep, &address, &fd), -ENAMETOOLONG);
	strcat(deep, "/control.sock");
	CU_ASSERT_EQUAL(unix_address(deep, &address, &fd), -ENOENT);
}

static void names_of_machines(void)
{
	char text[80] = "";

	CU_ASSERT(machine_name_valid("web") && machine_name_valid("a-1"));
	CU_ASSERT(!machine_name_valid("") && !machine_name_valid(".."));
	CU_ASSERT(!machine_name_valid("a/b") && !machine_name_valid("-x") &&
		  !machine_name_valid("x-"));
	memset(text, 'a', 64);
	CU_ASSERT(!machine_name_valid(text));
	text[63] = '\0';
	CU_ASSERT(machine_name_valid(text));
}

static unsigned told;

static void count(void *opaque)
{
	(*(unsigned *)opaque)++;
}

static void the_log_keeps_the_newest(void)
{
	uint64_t position = 0, late = 0;
	char buffer[1000];
	size_t n, all = 0;

	while (log_peek(&position, buffer, sizeof(buffer)) > 0)
		;
	log_watch(count, &told);
	log_write(LOG_INFO, "quiet, but kept");
	log_write(LOG_DEBUG, "not kept");
	log_watch(NULL, NULL);
	CU_ASSERT_EQUAL(told, 1);
	n = log_peek(&position, buffer, sizeof(buffer));
	CU_ASSERT(n > 0 && buffer[n - 1] == '\n' && memmem(buffer, n, "quiet, but kept", 15));
	for (unsigned i = 0; i < 3000; i++)
		log_write(LOG_INFO, "line %u of many that fill the ring more than once", i);
	/* A late reader begins with a whole line. */
	n = log_peek(&late, buffer, sizeof(buffer));
	CU_ASSERT(n == sizeof(buffer) && memcmp(buffer, "weft: ", 6) == 0);
	while ((n = log_peek(&late, buffer, sizeof(buffer))) > 0)
		all += n;
	CU_ASSERT(all > LOG_RING_SIZE / 2 && all <= LOG_RING_SIZE);
}

/* --- A server that means no good. --- */

struct bad_server {
	int listener;
	const char *answer;
	size_t size;
};

static void *serve_badly(void *opaque)
{
	struct bad_server *server = opaque;
	cleanup_fd int fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);
	char request[4096];

	if (fd >= 0 && read(fd, request, sizeof(request)) > 0)
		(void)!send(fd, server->answer, server->size, MSG_NOSIGNAL);
	return NULL;
}

static int ask_bad(const char *answer, size_t size, struct client_reply *reply)
{
	struct bad_server server = {.answer = answer, .size = size};
	cleanup_strbuf struct strbuf why = STRBUF_INIT;
	struct sockaddr_un address;
	pthread_t thread;
	int r, fd;

	*reply = (struct client_reply){0};
	server.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	unlink(path_of("weft/bad/control.sock"));
	CU_ASSERT_EQUAL_FATAL(unix_address(path_of("weft/bad/control.sock"), &address, &fd), 0);
	CU_ASSERT_EQUAL_FATAL(bind(server.listener, (struct sockaddr *)&address, sizeof(address)),
			      0);
	listen(server.listener, 4);
	pthread_create(&thread, NULL, serve_badly, &server);
	r = client_call("bad", "GET", "/v1/status", NULL, reply, &why);
	CU_ASSERT(r >= 0 || why.size > 0);
	pthread_join(thread, NULL);
	close(server.listener);
	return r;
}

static void a_bad_server_is_seen_through(void)
{
#define HEAD "HTTP/1.1 200 OK\r\n"
	static const struct {
		const char *answer;
		int result;
	} cases[] = {
		{HEAD "Content-Length: 2\r\n\r\n{}", 0},
		{HEAD "content-length:2\r\n\r\n{}trailing", 0},
		{HEAD "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n", 0},
		{HEAD "\r\n{}", 0},
		{"", -ECONNRESET},
		{"SSH-2.0-OpenSSH\r\n\r\n", -EPROTO},
		{"HTTP/1.1 200", -ECONNRESET},
		{HEAD "Content-Length: 200\r\n\r\n{}", -ECONNRESET},
		{HEAD "Content-Length: 2\r\n\r\nno", -EPROTO},
		{HEAD "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n{}", -EPROTO},
		{HEAD "Transfer-Encoding: chunked\r\n\r\nxx\r\n{}", -EPROTO},
		{HEAD "Transfer-Encoding: chunked\r\n\r\n5\r\n{}", -ECONNRESET},
	};
	char *huge = malloc(40000);
	struct client_reply reply;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CU_ASSERT_EQUAL(ask_bad(cases[i].answer, strlen(cases[i].answer), &reply),
				cases[i].result);
		CU_ASSERT(cases[i].result < 0 || json_is_object(reply.json));
		json_decref(reply.json);
	}
	memset(huge, 'h', 40000);
	CU_ASSERT_EQUAL(ask_bad(huge, 40000, &reply), -EPROTO);
	free(huge);
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"a history is read from its end", history_is_read_from_its_end},
		{"a long history is cut at a line", a_long_history_is_cut_at_a_line},
		{"addresses of any length", addresses_of_any_length},
		{"names of machines", names_of_machines},
		{"the log keeps the newest", the_log_keeps_the_newest},
		{"a bad server is seen through", a_bad_server_is_seen_through},
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = {
		{"control", NULL, NULL, NULL, NULL, tests},
		CU_SUITE_INFO_NULL,
	};
	int r;

	if (!mkdtemp(directory))
		return 99;
	setenv("XDG_STATE_HOME", directory, 1);
	mkdir(path_of("weft"), 0700);
	mkdir(path_of("weft/bad"), 0700);
	r = cu_tap_run(suites);
	unlink(path_of("weft/bad/control.sock"));
	unlink(path_of("history"));
	rmdir(path_of("weft/bad"));
	rmdir(path_of("weft"));
	rmdir(directory);
	return r;
}
