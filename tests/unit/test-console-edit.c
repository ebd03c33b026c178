/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two consoles whose outputs are changed in one edit: each takes what the other has. The loop does
 * not run by itself here: what happens is between two of its turns.
 */
#include <dirent.h>
#include <event2/event.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "console/sink.h"
#include "loop/loop.h"
#include "tests/unit/cu-tap.h"
#include "tests/unit/unix-socket.h"

static char dir[] = "/tmp/test-console-edit-XXXXXX";
static const struct console_events events = {0};

static char *in_dir(const char *name)
{
	static char paths[8][256];
	static unsigned next;
	char *path = paths[next++ % 8];

	snprintf(path, sizeof(paths[0]), "%s/%s", dir, name);
	return path;
}

static bool sees(int fd, const char *text)
{
	struct pollfd pfd = {.fd = fd, .events = POLLIN};
	char buf[256] = "";
	size_t have = 0;

	while (have < strlen(text) && poll(&pfd, 1, 1000) > 0) {
		ssize_t n = read(fd, buf + have, sizeof(buf) - 1 - have);

		if (n <= 0)
			break;
		have += (size_t)n;
	}
	if (strcmp(buf, text) != 0)
		printf("# wanted '%s', saw '%s'\n", text, buf);
	return strcmp(buf, text) == 0;
}

struct pair {
	struct loop *loop;
	struct console_hub *hub;
	struct console *a, *b;
};

static struct console *open_one(struct pair *pair, const char *id, const struct sink_list *list)
{
	struct sink_error error = {0};
	struct console *console;

	CU_ASSERT_EQUAL_FATAL(
		console_open_sinks(pair->hub, id, list, &events, NULL, &console, &error), 0);
	console_start(console);
	return console;
}

static void open_pair(struct pair *pair, const struct sink_list *a, const struct sink_list *b)
{
	pair->loop = loop_create();
	pair->hub = console_hub_create(pair->loop);
	pair->a = open_one(pair, "a", a);
	pair->b = open_one(pair, "b", b);
}

static void close_pair(struct pair *pair)
{
	console_close(pair->a);
	console_close(pair->b);
	console_hub_destroy(pair->hub);
	loop_destroy(pair->loop);
}

static void prepare(struct console *console, const struct sink_list *list)
{
	struct sink_error error = {0};
	int r = console_prepare_sinks(console, list, &error);

	if (r < 0)
		printf("# %s\n", error.message);
	CU_ASSERT_EQUAL(r, 0);
}

/* Both prepared before the first starts, as the builder does. */
static void edit_pair(struct pair *pair, const struct sink_list *a, const struct sink_list *b)
{
	prepare(pair->a, a);
	prepare(pair->b, b);
	console_start(pair->a);
	console_start(pair->b);
}

static void turn(struct pair *pair)
{
	event_base_loop(loop_event_base(pair->loop), EVLOOP_NONBLOCK);
}

/* The loop does not run; but whoever prepares has written what was said before. */
static void flush_all(struct pair *pair)
{
	struct sink_list none = {.n = 0};

	prepare(pair->a, &none);
	console_cancel(pair->a);
	prepare(pair->b, &none);
	console_cancel(pair->b);
}

/* Who is behind a socket or a pty: what the consoles say is their names. */
static bool says(struct pair *pair, int fd, const char *text)
{
	console_write(pair->a, "A", 1);
	console_write(pair->b, "B", 1);
	turn(pair);
	flush_all(pair);
	return fd >= 0 && sees(fd, text);
}

static struct sink_list just(enum sink_kind kind, const char *path)
{
	return (struct sink_list){.specs = {{kind, path, false}}, .n = 1};
}

/* "one", "two", "three", and what is beside them. */
static unsigned count_files(void)
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	unsigned n = 0;

	while ((entry = readdir(d)))
		n += *entry->d_name == 'o' || *entry->d_name == 't';
	closedir(d);
	return n;
}

static void two_sockets_swap(void)
{
	struct sink_list one = just(SINK_SOCKET, in_dir("one")),
			 two = just(SINK_SOCKET, in_dir("two"));
	struct pair pair;
	int old, fd;

	open_pair(&pair, &one, &two);
	old = connect_to(in_dir("one"));
	CU_ASSERT(says(&pair, old, "A"));
	edit_pair(&pair, &two, &one);
	CU_ASSERT_EQUAL(count_files(), 2);
	fd = connect_to(in_dir("one"));
	CU_ASSERT(says(&pair, fd, "BB"));
	close(fd);
	/* Who was at the old one is told that it ended. */
	CU_ASSERT_EQUAL(read(old, &(char){0}, 1), 0);
	close(old);
	edit_pair(&pair, &one, &two);
	fd = connect_to(in_dir("two"));
	CU_ASSERT(says(&pair, fd, "BBB"));
	close(fd);
	close_pair(&pair);
	CU_ASSERT_EQUAL(count_files(), 0);
}

/* a takes the name of b, which takes another, and is started first. */
static void a_name_is_handed_on(void)
{
	struct sink_list one = just(SINK_SOCKET, in_dir("one")),
			 two = just(SINK_SOCKET, in_dir("two")),
			 three = just(SINK_SOCKET, in_dir("three"));
	struct pair pair;
	int fd;

	open_pair(&pair, &one, &two);
	edit_pair(&pair, &two, &three);
	CU_ASSERT_EQUAL(access(in_dir("one"), F_OK), -1);
	fd = connect_to(in_dir("two"));
	CU_ASSERT(says(&pair, fd, "A"));
	close(fd);
	close_pair(&pair);
	CU_ASSERT_EQUAL(count_files(), 0);
}

static void two_pty_links_swap(void)
{
	struct sink_list one = just(SINK_PTY, in_dir("one")), two = just(SINK_PTY, in_dir("two"));
	struct pair pair;
	int fd;

	open_pair(&pair, &one, &two);
	edit_pair(&pair, &two, &one);
	CU_ASSERT_EQUAL(count_files(), 2);
	fd = open(in_dir("two"), O_RDWR | O_NOCTTY);
	CU_ASSERT(says(&pair, fd, "A"));
	close(fd);
	close_pair(&pair);
	CU_ASSERT_EQUAL(count_files(), 0);
}

static void file_has(const char *name, const char *text)
{
	char buf[256] = "";
	int fd = open(in_dir(name), O_RDONLY | O_CLOEXEC);

	CU_ASSERT(read(fd, buf, sizeof(buf) - 1) >= 0);
	if (strcmp(buf, text) != 0)
		printf("# %s has '%s'\n", name, buf);
	CU_ASSERT_STRING_EQUAL(buf, text);
	close(fd);
}

/* The last words of a console are not in what is the other's by now. */
static void two_files_swap(void)
{
	struct sink_list one = just(SINK_FILE, in_dir("one")), two = just(SINK_FILE, in_dir("two"));
	struct pair pair;

	open_pair(&pair, &one, &two);
	says(&pair, -1, "");
	console_write(pair.a, "a", 1);
	console_write(pair.b, "b", 1);
	prepare(pair.a, &two);
	prepare(pair.b, &one);
	file_has("one", "Aa");
	file_has("two", "Bb");
	console_write(pair.b, "!", 1);
	console_start(pair.a);
	console_start(pair.b);
	says(&pair, -1, "");
	/* A new file has what the ring has. */
	file_has("one", "Bb!B");
	file_has("two", "AaA");
	close_pair(&pair);
	unlink(in_dir("one"));
	unlink(in_dir("two"));
}

static void what_is_not_started_leaves_nothing(void)
{
	const enum sink_kind kinds[] = {SINK_SOCKET, SINK_PTY, SINK_FILE};
	struct sink_list none = {.keep = true};
	struct pair pair;

	open_pair(&pair, &none, &none);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct sink_list list = just(kinds[i], in_dir("one"));

		prepare(pair.a, &list);
		console_cancel(pair.a);
		CU_ASSERT_EQUAL(count_files(), 0);
	}
	close_pair(&pair);
}

/* The edit fails when a has started and b has not: b has its name again, and its peers all the
 * time. */
static void a_name_goes_back(enum sink_kind kind)
{
	struct sink_list one = just(kind, in_dir("one")), two = just(kind, in_dir("two"));
	struct pair pair;
	int old = -1, fd;

	open_pair(&pair, &one, &two);
	if (kind == SINK_SOCKET) {
		old = connect_to(in_dir("two"));
		CU_ASSERT(says(&pair, old, "B"));
	}
	prepare(pair.a, &two);
	prepare(pair.b, &one);
	console_start(pair.a);
	console_cancel(pair.b);
	prepare(pair.a, &one);
	console_start(pair.a);
	CU_ASSERT_EQUAL(count_files(), 2);
	fd = kind == SINK_SOCKET ? connect_to(in_dir("two"))
				 : open(in_dir("two"), O_RDWR | O_NOCTTY);
	CU_ASSERT(says(&pair, fd, kind == SINK_SOCKET ? "BB" : "B"));
	close(fd);
	if (kind == SINK_SOCKET) {
		CU_ASSERT(sees(old, "B"));
		close(old);
	}
	close_pair(&pair);
	CU_ASSERT_EQUAL(count_files(), 0);
}

static void a_swap_that_fails_is_undone(void)
{
	a_name_goes_back(SINK_SOCKET);
	a_name_goes_back(SINK_PTY);
}

static int make_dir(void)
{
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void)
{
	return rmdir(dir);
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"two sockets swap", two_sockets_swap},
		{"a name is handed on", a_name_is_handed_on},
		{"two pty links swap", two_pty_links_swap},
		{"two files swap", two_files_swap},
		{"what is not started leaves nothing", what_is_not_started_leaves_nothing},
		{"a swap that fails is undone", a_swap_that_fails_is_undone},
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = {
		{"console edits", make_dir, remove_dir, NULL, NULL, tests},
		CU_SUITE_INFO_NULL,
	};

	return cu_tap_run(suites);
}
