/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The terminal sink: standard output, and standard input for one device that reads. A terminal is
 * put into raw mode, so that Ctrl-C and the like are the guest's, and is always put back:
 *
 *   normal end, error    close of the sink, or exit() by atexit
 *   abort, SIGSEGV …     a handler for every fatal signal that nobody else handles; it restores,
 * then lets the signal do what it would have done SIGTSTP, SIGCONT     restored while stopped, raw
 * again when continued in the foreground SIGKILL, SIGSTOP     cannot be caught: `stty sane`, or
 * what the shell does by itself
 *
 * The console that starts last reads it; one that had it before gets it back when that one ends.
 *
 * In the background nothing is read and nothing is set, so that a job is not stopped for it; it
 * looks now and then whether it has come to the foreground. Pipes and files work as they are.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>

#include "base/fault.h"
#include "base/fd.h"
#include "base/log.h"
#include "console/sink.h"
#include "loop/loop.h"

#define ESCAPE           0x1d         /* Ctrl-] */
#define FOREGROUND_DELAY 500000000ULL /* ns between two looks */

struct terminal_sink {
	struct sink sink;
	int in, out;         /* -1 for none */
	int own_in, own_out; /* descriptors that were opened here */
	bool set_nonblock;   /* on standard output, which others share: undone at the end */
	bool tty;            /* @in is a terminal that this sink reads */
	bool escape;         /* the last byte was ESCAPE */
	struct port *port;
	struct loop_source *suspend, *resume, *resize, *timer;
};

static struct terminal_sink *of(struct sink *sink)
{
	return container_of(sink, struct terminal_sink, sink);
}

/* --- Raw mode: one terminal a process. What handlers touch is set before they are. --- */

static atomic_bool raw;
static int raw_fd = -1;
static struct termios cooked;

static bool in_foreground(int fd)
{
	pid_t group = tcgetpgrp(fd);

	/* Not our controlling terminal: no job control that could be in the way. */
	return group < 0 || group == getpgrp();
}

/* Async-signal-safe. */
static void restore(void)
{
	int saved_errno = errno;

	if (atomic_exchange(&raw, false) && in_foreground(raw_fd))
		tcsetattr(raw_fd, TCSANOW, &cooked);
	errno = saved_errno;
}

static void enter_raw(int fd)
{
	struct termios termios;

	/* Already raw: set again, for whoever changed it while we were stopped unawares (SIGSTOP).
	 */
	if (!atomic_load(&raw) && tcgetattr(fd, &cooked) < 0)
		return;
	raw_fd = fd;
	atomic_store(&raw, true);
	termios = cooked;
	cfmakeraw(&termios);
	/* Our own messages need their line ends. */
	termios.c_oflag = cooked.c_oflag;
	tcsetattr(fd, TCSANOW, &termios);
}

static const int fatal_signals[] = {
	SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS, SIGHUP, SIGINT, SIGQUIT, SIGTERM,
};
static struct sigaction old_actions[ARRAY_SIZE(fatal_signals)];
static bool handled[ARRAY_SIZE(fatal_signals)];

static bool is_fault(int sig)
{
	return sig == SIGSEGV || sig == SIGBUS || sig == SIGILL || sig == SIGFPE;
}

static void on_fatal(int sig, siginfo_t *info, void *context)
{
	if (sig == SIGBUS && fault_mend(info))
		return;
	restore();
	for (size_t i = 0; i < ARRAY_SIZE(fatal_signals); i++)
		if (fatal_signals[i] == sig)
			sigaction(sig, &old_actions[i], NULL);
	/* A fault comes again by itself, and then with its own address for whoever reports it. */
	if (!is_fault(sig) || info->si_code <= 0)
		raise(sig);
}

static void catch_fatal_signals(void)
{
	struct sigaction action = {.sa_sigaction = on_fatal, .sa_flags = SA_SIGINFO};
	static bool registered;

	sigfillset(&action.sa_mask);
	for (size_t i = 0; i < ARRAY_SIZE(fatal_signals); i++) {
		int sig = fatal_signals[i];

		if (handled[i] || sigaction(sig, NULL, &old_actions[i]) < 0)
			continue;
		/* A sanitizer's handler for a fault reports, and comes after this one. */
		if (!is_fault(sig) && old_actions[i].sa_handler != SIG_DFL)
			continue;
		handled[i] = sigaction(sig, &action, NULL) == 0;
	}
	if (!registered)
		atexit(restore);
	registered = true;
}

static void release_fatal_signals(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(fatal_signals); i++) {
		struct sigaction now;

		/* Somebody may have put a handler over ours. */
		if (handled[i] && sigaction(fatal_signals[i], NULL, &now) == 0 &&
		    now.sa_sigaction == on_fatal)
			sigaction(fatal_signals[i], &old_actions[i], NULL);
		handled[i] = false;
	}
}

/* --- The sink. --- */

static void look_at_window(struct terminal_sink *term)
{
	struct winsize size;

	if (console_wants_size(term->sink.console) && term->out >= 0 &&
	    ioctl(term->out, TIOCGWINSZ, &size) == 0)
		console_set_size(term->sink.console, size.ws_col, size.ws_row);
}

static void look_at_foreground(void *opaque)
{
	struct terminal_sink *term = opaque;

	if (!in_foreground(term->in)) {
		loop_timer_arm(term->timer, FOREGROUND_DELAY);
		return;
	}
	enter_raw(term->in);
	look_at_window(term);
	if (term->port)
		port_resume(term->port);
}

static void on_suspend(int sig, void *opaque)
{
	restore();
	kill(getpid(), SIGSTOP);
}

static void on_resume(int sig, void *opaque)
{
	look_at_foreground(opaque);
}

static void on_resize(int sig, void *opaque)
{
	look_at_window(opaque);
}

static bool terminal_may_read(struct sink *sink)
{
	struct terminal_sink *term = of(sink);

	if (!term->tty || in_foreground(term->in))
		return true;
	loop_timer_arm(term->timer, FOREGROUND_DELAY);
	return false;
}

static void say_keys(void)
{
	static const char keys[] =
		"weft: Ctrl-] q: power button, Ctrl-] x: end now, Ctrl-] z: suspend, "
		"Ctrl-] Ctrl-]: Ctrl-]\r\n";

	if (write(STDERR_FILENO, keys, sizeof(keys) - 1) < 0)
		(void)0; /* nobody to tell */
}

/* Return: whether the byte is the guest's. */
static bool escaped(struct terminal_sink *term, uint8_t byte)
{
	switch (byte) {
	case ESCAPE:
		return true;
	case 'q':
	case 'x':
		console_leave(term->sink.console, byte == 'x');
		return false;
	case 'z':
		kill(getpid(), SIGTSTP);
		return false;
	default:
		say_keys();
		return false;
	}
}

static size_t terminal_filter(struct sink *sink, uint8_t *buf, size_t len)
{
	struct terminal_sink *term = of(sink);
	size_t kept = 0;

	if (!term->tty)
		return len;
	for (size_t i = 0; i < len; i++) {
		bool keep;

		if (!term->escape && buf[i] == ESCAPE) {
			term->escape = true;
			continue;
		}
		keep = !term->escape || escaped(term, buf[i]);
		term->escape = false;
		if (keep)
			buf[kept++] = buf[i];
	}
	return kept;
}

/*
 * A description of our own that does not block: the flag on standard input or output would be on
 * whatever else has it open. Return: -1 when there can be none.
 */
static int reopen(int fd, int mode)
{
	struct stat st;
	char path[32];

	/* A file never blocks, and its offset is shared for a reason; a socket cannot be opened. */
	if (fstat(fd, &st) < 0 || (!S_ISFIFO(st.st_mode) && !S_ISCHR(st.st_mode)))
		return -1;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, mode | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

static bool is_kind(int fd, mode_t kind)
{
	struct stat st;

	return fstat(fd, &st) == 0 && (st.st_mode & S_IFMT) == kind;
}

static int open_output(struct terminal_sink *term, struct sink_error *error)
{
	int flags = fcntl(STDOUT_FILENO, F_GETFL);

	if (flags < 0)
		return sink_fail(error, EBADF, "standard output is closed");
	term->own_out = reopen(STDOUT_FILENO, O_WRONLY);
	term->out = term->own_out >= 0 ? term->own_out : STDOUT_FILENO;
	if (term->own_out < 0 && !is_kind(STDOUT_FILENO, S_IFREG) &&
	    !is_kind(STDOUT_FILENO, S_IFSOCK) && !(flags & O_NONBLOCK))
		term->set_nonblock = fcntl(STDOUT_FILENO, F_SETFL, flags | O_NONBLOCK) == 0;
	if (is_kind(STDOUT_FILENO, S_IFIFO))
		signal(SIGPIPE, SIG_IGN);
	return 0;
}

static void open_input(struct terminal_sink *term)
{
	if (!console_reads(term->sink.console) || fcntl(STDIN_FILENO, F_GETFD) < 0)
		return;
	term->own_in = reopen(STDIN_FILENO, O_RDONLY);
	term->in = term->own_in >= 0 ? term->own_in : STDIN_FILENO;
	term->tty = isatty(term->in);
}

/* With a port that reads and writes on from @position. */
static int watch_input(struct terminal_sink *term, uint64_t position)
{
	struct loop *loop = console_loop(term->sink.console);
	int r = 0;

	if (term->tty)
		r = loop_add_timer(loop, look_at_foreground, term, &term->timer);
	if (r == 0 && term->tty)
		r = loop_add_signal(loop, SIGTSTP, on_suspend, term, &term->suspend);
	if (r == 0 && term->tty)
		r = loop_add_signal(loop, SIGCONT, on_resume, term, &term->resume);
	if (r == 0)
		r = port_create(&term->sink, term->in, term->out, is_kind(term->out, S_IFSOCK),
				&term->port);
	if (r == 0)
		term->port->position = position;
	return r;
}

static int watch_window(struct terminal_sink *term)
{
	struct loop *loop = console_loop(term->sink.console);
	int r = 0;

	if (console_wants_size(term->sink.console) && isatty(term->out))
		r = loop_add_signal(loop, SIGWINCH, on_resize, term, &term->resize);
	return r;
}

static int terminal_open(struct sink *sink, struct sink_error *error)
{
	struct terminal_sink *term = of(sink);
	int r;

	term->in = term->out = term->own_in = term->own_out = -1;
	r = open_output(term, error);
	if (r < 0)
		return r;
	open_input(term);
	r = watch_window(term);
	if (r == 0)
		r = watch_input(term, 0);
	return r < 0 ? sink_fail(error, -r, "cannot watch the terminal: %s", strerror(-r)) : 0;
}

static void stop_watching_input(struct terminal_sink *term)
{
	term->timer = loop_source_remove(term->timer);
	term->suspend = loop_source_remove(term->suspend);
	term->resume = loop_source_remove(term->resume);
}

/* The mode of the terminal stays: whoever takes over wants the same. */
static void take_over(struct terminal_sink *term)
{
	struct console_hub *hub = console_hub_of(term->sink.console);
	struct sink *reader = console_terminal_reader(hub);

	if (reader && reader != &term->sink) {
		stop_watching_input(of(reader));
		if (of(reader)->port)
			port_end_input(of(reader)->port);
	}
	console_set_terminal_reader(hub, &term->sink);
}

static void terminal_start(struct sink *sink)
{
	struct terminal_sink *term = of(sink);

	if (term->in >= 0)
		take_over(term);
	if (!term->tty) {
		look_at_window(term);
		if (term->port->polls_in)
			port_resume(term->port);
		return;
	}
	catch_fatal_signals();
	if (isatty(STDERR_FILENO))
		say_keys();
	look_at_foreground(term);
}

static void terminal_regain(struct sink *sink)
{
	struct terminal_sink *term = of(sink);
	uint64_t position;

	if (term->in < 0 || !term->port || console_terminal_reader(console_hub_of(sink->console)))
		return;
	position = term->port->position;
	term->port = port_destroy(term->port);
	if (watch_input(term, position) < 0)
		log_warn("%s: cannot read the terminal any more", console_id(sink->console));
	else
		terminal_start(sink);
}

static void terminal_close(struct sink *sink)
{
	struct terminal_sink *term = of(sink);
	struct console_hub *hub = console_hub_of(sink->console);

	if (console_terminal_reader(hub) == sink) {
		if (term->tty) {
			restore();
			release_fatal_signals();
		}
		console_set_terminal_reader(hub, NULL);
	}
	stop_watching_input(term);
	loop_source_remove(term->resize);
	if (term->set_nonblock)
		fcntl(STDOUT_FILENO, F_SETFL, fcntl(STDOUT_FILENO, F_GETFL) & ~O_NONBLOCK);
	term->own_in = fd_close(term->own_in);
	term->own_out = fd_close(term->own_out);
}

static void terminal_hangup(struct port *port, bool write)
{
	struct terminal_sink *term = of(port->sink);

	if (!write) {
		port_end_input(port);
		return;
	}
	log_warn("%s: cannot write to the terminal: %s: there will be no more output",
		 console_id(port->sink->console), strerror(errno));
	term->port = port_destroy(port);
}

const struct sink_ops sink_terminal_ops = {
	.size = sizeof(struct terminal_sink),
	.open = terminal_open,
	.start = terminal_start,
	.close = terminal_close,
	.regain = terminal_regain,
	.filter = terminal_filter,
	.may_read = terminal_may_read,
	.hangup = terminal_hangup,
};
