/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Consoles. The main thread runs the loop; a second thread is the guest and the person at the other
 * end at once.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "console/sink.h"
#include "loop/loop.h"
#include "tests/unit/cu-tap.h"
#include "tests/unit/unix-socket.h"

static char dir[] = "/tmp/test-console-XXXXXX";

static char *in_dir(const char *name)
{
	static char paths[8][256];
	static unsigned next;
	char *path = paths[next++ % 8];

	snprintf(path, sizeof(paths[0]), "%s/%s", dir, name);
	return path;
}

/* --- A console with a thread beside it. --- */

struct bench {
	struct loop *loop;
	struct console_hub *hub;
	struct console *console;
	atomic_uint readable, resized;
	void (*scenario)(struct bench *bench);
};

static void on_readable(void *opaque)
{
	((struct bench *)opaque)->readable++;
}

static void on_resized(void *opaque, unsigned columns, unsigned rows)
{
	((struct bench *)opaque)->resized = columns << 16 | rows;
}

static const struct console_events events = {.readable = on_readable, .resized = on_resized};

static void *scenario_thread(void *opaque)
{
	struct bench *bench = opaque;

	bench->scenario(bench);
	loop_quit(bench->loop);
	return NULL;
}

static int bench_open(struct bench *bench, const struct sink_list *list)
{
	struct sink_error error = {0};
	int r = console_open_sinks(bench->hub, "tty", list, &events, bench, &bench->console,
				   &error);

	if (r < 0)
		printf("# %s\n", error.message);
	else
		console_start(bench->console);
	return r;
}

static void run(const struct sink_list *list, void (*scenario)(struct bench *bench))
{
	struct bench bench = {.loop = loop_create(), .scenario = scenario};
	pthread_t thread;

	bench.hub = console_hub_create(bench.loop);
	CU_ASSERT_EQUAL_FATAL(bench_open(&bench, list), 0);
	pthread_create(&thread, NULL, scenario_thread, &bench);
	CU_ASSERT_EQUAL(loop_run(bench.loop), 0);
	pthread_join(thread, NULL);
	console_close(bench.console);
	console_hub_destroy(bench.hub);
	loop_destroy(bench.loop);
}

static void guest_says(struct bench *bench, const char *text)
{
	console_write(bench->console, text, strlen(text));
}

/* Waits for @len bytes or a second; how many came. */
static size_t read_for(int fd, char *buf, size_t len)
{
	struct pollfd pfd = {.fd = fd, .events = POLLIN};
	size_t have = 0;

	while (have < len && poll(&pfd, 1, 1000) > 0) {
		ssize_t n = read(fd, buf + have, len - have);

		if (n <= 0)
			break;
		have += (size_t)n;
	}
	return have;
}

static bool sees(int fd, const char *text)
{
	char buf[256] = "";
	size_t n = read_for(fd, buf, strlen(text));

	if (n == strlen(text) && memcmp(buf, text, n) == 0)
		return true;
	printf("# wanted '%s', saw '%.*s'\n", text, (int)n, buf);
	return false;
}

static bool guest_reads(struct bench *bench, const char *text)
{
	char buf[256];
	size_t have = 0;

	for (unsigned i = 0; i < 1000 && have < strlen(text); i++) {
		have += console_read(bench->console, buf + have, sizeof(buf) - have);
		usleep(1000);
	}
	return have == strlen(text) && memcmp(buf, text, have) == 0;
}

/* --- pty --- */

static void pty_scenario(struct bench *bench)
{
	struct winsize size = {.ws_col = 132, .ws_row = 43};
	int fd;

	guest_says(bench, "boot\n");
	usleep(20000);
	fd = open(in_dir("pty"), O_RDWR | O_NOCTTY);
	CU_ASSERT(fd >= 0);
	CU_ASSERT(sees(fd, "boot\n")); /* as it is: no \r is added */
	ioctl(fd, TIOCSWINSZ, &size);
	CU_ASSERT_EQUAL(write(fd, "hi\r", 3), 3);
	CU_ASSERT(guest_reads(bench, "hi\r"));
	CU_ASSERT(bench->readable > 0);
	CU_ASSERT_EQUAL(bench->resized, 132u << 16 | 43);
	guest_says(bench, "login: ");
	CU_ASSERT(sees(fd, "login: "));
	close(fd);
	usleep(20000);
	guest_says(bench, "later");
	usleep(20000);
	fd = open(in_dir("pty"), O_RDWR | O_NOCTTY);
	CU_ASSERT(sees(fd, "boot\nlogin: later"));
	close(fd);
}

static void a_pty_goes_both_ways_and_shows_late_readers_the_boot(void)
{
	struct sink_list list = {.specs = {{SINK_PTY, in_dir("pty"), false}}, .n = 1};

	run(&list, pty_scenario);
	CU_ASSERT_EQUAL(access(in_dir("pty"), F_OK), -1);
}

/* --- Sockets. --- */

static void socket_scenario(struct bench *bench)
{
	struct stat st;
	int first, second;

	CU_ASSERT_EQUAL(stat(in_dir("sock"), &st), 0);
	CU_ASSERT_EQUAL(st.st_mode & 0777, 0600);
	guest_says(bench, "boot\n");
	first = connect_to(in_dir("sock"));
	CU_ASSERT(sees(first, "boot\n"));
	guest_says(bench, "more\n");
	second = connect_to(in_dir("sock"));
	CU_ASSERT(sees(first, "more\n"));
	CU_ASSERT(sees(second, "boot\nmore\n"));
	CU_ASSERT_EQUAL(write(first, "a", 1), 1);
	CU_ASSERT(guest_reads(bench, "a"));
	/* The end of its input is not the end of a peer. */
	CU_ASSERT_EQUAL(write(second, "b", 1), 1);
	shutdown(second, SHUT_WR);
	CU_ASSERT(guest_reads(bench, "b"));
	guest_says(bench, "still");
	CU_ASSERT(sees(second, "still"));
	close(first);
	close(second);
	/* Many come and go; a place is always found. */
	for (unsigned i = 0; i < 100; i++) {
		first = connect_to(in_dir("sock"));
		CU_ASSERT(sees(first, "boot\nmore\nstill"));
		shutdown(first, SHUT_WR);
		close(first);
	}
}

static void socket_peers_come_late_and_go(void)
{
	struct sink_list list = {.specs = {{SINK_SOCKET, in_dir("sock"), false}}, .n = 1};

	run(&list, socket_scenario);
	CU_ASSERT_EQUAL(access(in_dir("sock"), F_OK), -1);
}

static void a_stale_socket_is_replaced_and_a_live_one_is_not(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct bench bench = {.loop = loop_create()};
	struct sink_list list = {.specs = {{SINK_SOCKET, in_dir("stale"), false}}, .n = 1};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	FILE *file;

	bench.hub = console_hub_create(bench.loop);
	strncpy(address.sun_path, in_dir("stale"), sizeof(address.sun_path) - 1);
	CU_ASSERT_EQUAL(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	CU_ASSERT_EQUAL(listen(fd, 1), 0);
	CU_ASSERT_EQUAL(bench_open(&bench, &list), -EADDRINUSE);
	close(fd);
	CU_ASSERT_EQUAL(bench_open(&bench, &list), 0);
	console_close(bench.console);
	console_hub_prune(bench.hub);
	CU_ASSERT_EQUAL(access(in_dir("stale"), F_OK), -1);
	file = fopen(in_dir("stale"), "w");
	fclose(file);
	CU_ASSERT_EQUAL(bench_open(&bench, &list), -EEXIST);
	CU_ASSERT_EQUAL(access(in_dir("stale"), F_OK), 0);
	console_hub_destroy(bench.hub);
	loop_destroy(bench.loop);
}

#define FLOOD (1u << 20)

static void slow_scenario(struct bench *bench)
{
	static char text[FLOOD], seen[FLOOD];
	int slow = connect_to(in_dir("sock"));
	struct timespec start, end;
	size_t n;

	for (unsigned i = 0; i < FLOOD / 8; i++) {
		char line[16];

		snprintf(line, sizeof(line), "%07u\n", i);
		memcpy(text + (size_t)i * 8, line, 8);
	}
	usleep(20000);
	clock_gettime(CLOCK_MONOTONIC, &start);
	for (unsigned i = 0; i < FLOOD; i += 64)
		console_write(bench->console, text + i, 64);
	clock_gettime(CLOCK_MONOTONIC, &end);
	CU_ASSERT(end.tv_sec - start.tv_sec < 5);
	usleep(50000);
	/* The reader is back: what is lost is in the middle, what came last is all there. */
	n = read_for(slow, seen, FLOOD);
	CU_ASSERT(n >= CONSOLE_RING_SIZE && n < FLOOD);
	CU_ASSERT(n < CONSOLE_RING_SIZE ||
		  memcmp(seen + n - CONSOLE_RING_SIZE, text + FLOOD - CONSOLE_RING_SIZE,
			 CONSOLE_RING_SIZE) == 0);
	close(slow);
}

static void a_slow_reader_holds_nobody_up(void)
{
	struct sink_list list = {.specs = {{SINK_SOCKET, in_dir("sock"), false}}, .n = 1};

	run(&list, slow_scenario);
}

#define TYPED 20000u

static void *typist(void *opaque)
{
	int fd = *(int *)opaque;

	for (unsigned i = 0; i < TYPED; i++) {
		char c = (char)(i % 251);

		if (write(fd, &c, 1) != 1)
			break;
	}
	return NULL;
}

static void throttle_scenario(struct bench *bench)
{
	int fd = connect_to(in_dir("sock"));
	unsigned char buf[16];
	pthread_t thread;
	bool in_order = true;
	unsigned have = 0;

	pthread_create(&thread, NULL, typist, &fd);
	usleep(50000); /* the buffer of the console is full by now */
	for (unsigned idle = 0; have < TYPED && idle < 1000;) {
		size_t n = console_read(bench->console, buf, sizeof(buf));

		for (size_t i = 0; i < n; i++)
			in_order = in_order && buf[i] == have++ % 251;
		idle = n ? 0 : idle + 1;
		if (!n)
			usleep(1000);
	}
	CU_ASSERT_EQUAL(have, TYPED);
	CU_ASSERT(in_order);
	pthread_join(thread, NULL);
	close(fd);
}

static void input_waits_for_the_guest_and_is_not_lost(void)
{
	struct sink_list list = {.specs = {{SINK_SOCKET, in_dir("sock"), false}}, .n = 1};

	run(&list, throttle_scenario);
}

/* --- Files, and several sinks. --- */

static void *writer(void *opaque)
{
	struct bench *bench = opaque;

	for (unsigned i = 0; i < 1000; i++) {
		guest_says(bench, "0123456789\n");
		usleep(10);
	}
	return NULL;
}

static void writers_scenario(struct bench *bench)
{
	pthread_t threads[4];

	for (unsigned i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, writer, bench);
	for (unsigned i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
}

static long size_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? (long)st.st_size : -1;
}

static void files_are_appended_to_or_started_anew(void)
{
	struct sink_list list = {.specs = {{SINK_FILE, in_dir("new"), false},
					   {SINK_FILE, in_dir("log"), true},
					   {SINK_PTY, NULL, false}},
				 .n = 3};

	run(&list, writers_scenario);
	run(&list, writers_scenario);
	CU_ASSERT_EQUAL(size_of(in_dir("new")), 4 * 1000 * 11);
	CU_ASSERT_EQUAL(size_of(in_dir("log")), 2 * 4 * 1000 * 11);
}

/* --- The hub. --- */

static void outputs_survive_a_reboot_and_an_update(void)
{
	struct bench bench = {.loop = loop_create()};
	struct sink_list one = {.specs = {{SINK_SOCKET, in_dir("sock"), false}}, .n = 1};
	struct sink_list two = {
		.specs = {{SINK_FILE, in_dir("log"), true}, {SINK_SOCKET, in_dir("sock"), false}},
		.n = 2};
	struct sink_list bad = {.specs = {{SINK_PTY, in_dir("pty"), false},
					  {SINK_FILE, "/nonexistent/file", false}},
				.n = 2};
	struct sink_error error = {0};
	struct console *first;
	int peer;

	bench.hub = console_hub_create(bench.loop);
	CU_ASSERT_EQUAL(bench_open(&bench, &one), 0);
	first = bench.console;
	peer = connect_to(in_dir("sock"));
	console_close(bench.console);
	CU_ASSERT_EQUAL(bench_open(&bench, &one), 0);
	CU_ASSERT_PTR_EQUAL(bench.console, first);
	CU_ASSERT_EQUAL(console_prepare_sinks(bench.console, &two, &error), 0);
	console_start(bench.console);
	/* What cannot be had leaves what there is. */
	CU_ASSERT_EQUAL(console_prepare_sinks(bench.console, &bad, &error), -ENOENT);
	CU_ASSERT_EQUAL(error.index, 1);
	CU_ASSERT_EQUAL(access(in_dir("pty"), F_OK), -1);
	CU_ASSERT(send(peer, "x", 1, MSG_NOSIGNAL) == 1);
	CU_ASSERT_EQUAL(access(in_dir("sock"), F_OK), 0);
	close(peer);
	console_close(bench.console);
	console_hub_prune(bench.hub);
	CU_ASSERT_EQUAL(access(in_dir("sock"), F_OK), -1);
	console_hub_destroy(bench.hub);
	loop_destroy(bench.loop);
}

static int make_dir(void)
{
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void)
{
	const char *names[] = {"new", "log", "stale"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		unlink(in_dir(names[i]));
	return rmdir(dir);
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"a pty goes both ways and shows late readers the boot",
		 a_pty_goes_both_ways_and_shows_late_readers_the_boot},
		{"socket peers come late and go", socket_peers_come_late_and_go},
		{"a stale socket is replaced and a live one is not",
		 a_stale_socket_is_replaced_and_a_live_one_is_not},
		{"a slow reader holds nobody up", a_slow_reader_holds_nobody_up},
		{"input waits for the guest and is not lost",
		 input_waits_for_the_guest_and_is_not_lost},
		{"files are appended to or started anew", files_are_appended_to_or_started_anew},
		{"outputs survive a reboot and an update", outputs_survive_a_reboot_and_an_update},
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = {
		{"console", make_dir, remove_dir, NULL, NULL, tests},
		CU_SUITE_INFO_NULL,
	};

	return cu_tap_run(suites);
}
