/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The terminal sink in a child that has a pty for its terminal: raw while it runs, and put back
 * however it ends. The child's guest echoes what it reads and says the size of its window.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <utmp.h>

#include "base/log.h"
#include "console/sink.h"
#include "loop/loop.h"
#include "tests/unit/cu-tap.h"

/* --- The child. --- */

struct child {
	struct loop *loop;
	struct console_hub *hub;
	struct console *console;
};

static void on_readable(void *opaque)
{
	struct child *child = opaque;
	char c;

	while (console_read(child->console, &c, 1) > 0) {
		if (c == 'S')
			raise(SIGSEGV);
		else if (c == 'F')
			__builtin_trap();
		else if (c == 'A')
			abort();
		else if (c == 'E')
			exit(7);
		else if (c == 'Q')
			loop_quit(child->loop);
		else
			console_write(child->console, &c, 1);
	}
}

static void on_resized(void *opaque, unsigned columns, unsigned rows)
{
	struct child *child = opaque;
	char text[64];
	int n = snprintf(text, sizeof(text), "<%ux%u>", columns, rows);

	if (child->console)
		console_write(child->console, text, (size_t)n);
}

static void on_leave(bool now, void *opaque)
{
	struct child *child = opaque;

	console_write(child->console, now ? "<now>" : "<leave>", now ? 5 : 7);
}

static const struct console_events events = {.readable = on_readable, .resized = on_resized};
static const struct console_events silent = {0};

static int child_main(void)
{
	struct child child = {.loop = loop_create()};
	struct sink_list list = {.specs = {{SINK_TERMINAL, NULL, false}}, .n = 1};
	struct sink_error error = {0};
	struct console *second;

	child.hub = console_hub_create(child.loop);
	console_hub_on_leave(child.hub, on_leave, &child);
	if (console_open_sinks(child.hub, "tty", &list, &events, &child, &child.console, &error) <
	    0)
		return 99;
	console_start(child.console);
	/* One reads the terminal: who comes later takes it over, and it goes back. */
	if (console_open_sinks(child.hub, "late", &list, &events, &child, &second, &error) < 0)
		return 98;
	console_start(second);
	console_close(second);
	console_hub_prune(child.hub);
	/* Others may write to it. */
	if (console_open_sinks(child.hub, "two", &list, &silent, &child, &second, &error) < 0)
		return 97;
	console_start(second);
	console_write(second, "<up>", 4);
	loop_run(child.loop);
	console_hub_destroy(child.hub);
	loop_destroy(child.loop);
	return 5;
}

/* --- The parent. --- */

static int master;
static pid_t pid;
static struct termios before;

static void start_child(void)
{
	int slave;

	CU_ASSERT_EQUAL_FATAL(openpty(&master, &slave, NULL, NULL, NULL), 0);
	tcgetattr(master, &before);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		close(master);
		if (login_tty(slave) < 0)
			_exit(96);
		log_level = LOG_ERROR;
		/* No core file, no report of a sanitizer's on the way. */
		signal(SIGSEGV, SIG_DFL);
		signal(SIGILL, SIG_DFL);
		/* A test that was started in the background may have been told to ignore these. */
		signal(SIGINT, SIG_DFL);
		signal(SIGHUP, SIG_DFL);
		signal(SIGQUIT, SIG_DFL);
		exit(child_main());
	}
	close(slave);
}

static bool is_raw(void)
{
	struct termios termios;

	tcgetattr(master, &termios);
	return !(termios.c_lflag & (ICANON | ECHO | ISIG)) && !(termios.c_iflag & ICRNL);
}

static bool is_as_before(void)
{
	struct termios now;

	tcgetattr(master, &now);
	return now.c_lflag == before.c_lflag && now.c_iflag == before.c_iflag &&
	       now.c_oflag == before.c_oflag && now.c_cflag == before.c_cflag;
}

/* Reads on until @text has been seen, for two seconds at most. */
static bool child_says(const char *text)
{
	struct pollfd pfd = {.fd = master, .events = POLLIN};
	char buf[4096];
	size_t have = 0;

	while (have < sizeof(buf) - 1 && poll(&pfd, 1, 2000) > 0) {
		ssize_t n = read(master, buf + have, sizeof(buf) - 1 - have);

		if (n <= 0)
			break;
		have += (size_t)n;
		buf[have] = '\0';
		if (strstr(buf, text))
			return true;
	}
	printf("# wanted '%s', saw '%.*s'\n", text, (int)have, buf);
	return false;
}

static void type(const char *text)
{
	CU_ASSERT_EQUAL(write(master, text, strlen(text)), (ssize_t)strlen(text));
}

static int end_of_child(void)
{
	struct pollfd pfd = {.fd = master, .events = POLLIN};
	char buf[256];
	int status = 0;

	/* What it still says is read, or the pty would hold it up. */
	for (unsigned i = 0; i < 200; i++) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return status;
		if (poll(&pfd, 1, 10) > 0 && read(master, buf, sizeof(buf)) < 0)
			usleep(10000);
	}
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return -1;
}

static void close_master(void)
{
	close(master);
}

static void what_is_typed_is_the_guests(void)
{
	CU_ASSERT(child_says("<up>"));
	CU_ASSERT(is_raw());
	type("\003\032\r");
	CU_ASSERT(child_says("\003\032\r"));
	type("\035qa");
	CU_ASSERT(child_says("<leave>a"));
	type("\035xb");
	CU_ASSERT(child_says("<now>b"));
	type("\035\035c");
	CU_ASSERT(child_says("\035c"));
	type("\035?");
	CU_ASSERT(child_says("Ctrl-] q"));
	type("Q");
	CU_ASSERT_EQUAL(end_of_child(), 5 << 8);
	CU_ASSERT(is_as_before());
}

static void a_resize_reaches_the_guest(void)
{
	struct winsize size = {.ws_col = 101, .ws_row = 37};

	CU_ASSERT(child_says("<up>"));
	CU_ASSERT_EQUAL(ioctl(master, TIOCSWINSZ, &size), 0);
	CU_ASSERT(child_says("<101x37>"));
	type("Q");
	CU_ASSERT_EQUAL(end_of_child(), 5 << 8);
}

static void restored_after_signal(int sig)
{
	int status;

	CU_ASSERT(child_says("<up>"));
	CU_ASSERT(is_raw());
	kill(pid, sig);
	status = end_of_child();
	CU_ASSERT(WIFSIGNALED(status));
	CU_ASSERT_EQUAL(WTERMSIG(status), sig);
	CU_ASSERT(is_as_before());
}

static void restored_after_sigterm(void)
{
	restored_after_signal(SIGTERM);
}

static void restored_after_sigint(void)
{
	restored_after_signal(SIGINT);
}

static void restored_after_sighup(void)
{
	restored_after_signal(SIGHUP);
}

static void restored_after_key(const char *key, int sig)
{
	int status;

	CU_ASSERT(child_says("<up>"));
	CU_ASSERT(is_raw());
	type(key);
	status = end_of_child();
	/* A sanitizer's handler has the last word, and exits. */
	CU_ASSERT(WIFEXITED(status) ? sig == 0 || WEXITSTATUS(status) != 0
				    : WTERMSIG(status) == sig);
	CU_ASSERT(is_as_before());
}

static void restored_after_segfault_sent(void)
{
	restored_after_key("S", SIGSEGV);
}

static void restored_after_fault(void)
{
	restored_after_key("F", SIGILL);
}

static void restored_after_abort(void)
{
	restored_after_key("A", SIGABRT);
}

static void restored_after_exit(void)
{
	restored_after_key("E", 0);
}

static bool waits_for(bool (*condition)(void))
{
	for (unsigned i = 0; i < 200; i++) {
		if (condition())
			return true;
		usleep(10000);
	}
	return false;
}

static void restored_while_stopped(void)
{
	int status;

	CU_ASSERT(child_says("<up>"));
	CU_ASSERT(is_raw());
	kill(pid, SIGTSTP);
	CU_ASSERT_EQUAL(waitpid(pid, &status, WUNTRACED), pid);
	CU_ASSERT(WIFSTOPPED(status));
	CU_ASSERT(is_as_before());
	kill(pid, SIGCONT);
	CU_ASSERT(waits_for(is_raw));
	type("x");
	CU_ASSERT(child_says("x"));
	/* SIGSTOP leaves it no time, but what was there first is not forgotten. */
	kill(pid, SIGSTOP);
	CU_ASSERT_EQUAL(waitpid(pid, &status, WUNTRACED), pid);
	kill(pid, SIGCONT);
	usleep(50000);
	type("Q");
	CU_ASSERT_EQUAL(end_of_child(), 5 << 8);
	CU_ASSERT(is_as_before());
}

/*
 * A job in the background: its session's leader, a shell as it were, keeps the terminal until
 * SIGUSR1 and then hands it over.
 */
static void background_leader(int slave)
{
	pid_t job;
	sigset_t set;
	int sig, status;

	if (login_tty(slave) < 0)
		_exit(96);
	log_level = LOG_ERROR;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	job = fork();
	if (job == 0) {
		setpgid(0, 0);
		exit(child_main());
	}
	setpgid(job, job);
	sigwait(&set, &sig);
	tcsetpgrp(0, job);
	waitpid(job, &status, WUNTRACED);
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 95);
}

static void left_alone_in_the_background(void)
{
	int slave;

	/* The one of set_up is not needed. */
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(master);
	CU_ASSERT_EQUAL_FATAL(openpty(&master, &slave, NULL, NULL, NULL), 0);
	tcgetattr(master, &before);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		close(master);
		background_leader(slave);
	}
	close(slave);
	CU_ASSERT(child_says("<up>"));
	usleep(50000);
	CU_ASSERT(is_as_before());
	kill(pid, SIGUSR1);
	CU_ASSERT(waits_for(is_raw));
	type("x");
	CU_ASSERT(child_says("x"));
	type("Q");
	CU_ASSERT_EQUAL(end_of_child(), 5 << 8);
	CU_ASSERT(is_as_before());
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"what is typed is the guest's", what_is_typed_is_the_guests},
		{"a resize reaches the guest", a_resize_reaches_the_guest},
		{"restored after SIGTERM", restored_after_sigterm},
		{"restored after SIGINT", restored_after_sigint},
		{"restored after SIGHUP", restored_after_sighup},
		{"restored after SIGSEGV from outside", restored_after_segfault_sent},
		{"restored after a fault", restored_after_fault},
		{"restored after abort", restored_after_abort},
		{"restored after exit", restored_after_exit},
		{"restored while stopped", restored_while_stopped},
		{"left alone in the background", left_alone_in_the_background},
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = {
		{"terminal", NULL, NULL, start_child, close_master, tests},
		CU_SUITE_INFO_NULL,
	};

	return cu_tap_run(suites);
}
