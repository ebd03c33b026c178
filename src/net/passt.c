/* SPDX-License-Identifier: Apache-2.0 */
/*
 * User-mode networking by passt: a process of our own at the other end of a socket pair. It needs
 * no privilege, sees nothing of us but that socket, and ends when the socket or we do. No shell is
 * involved; its messages go to our log.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "loop/loop.h"
#include "net/internal.h"

#define PROGRAM     "passt"
#define MAX_LINES   64u /* of its messages that are logged */
#define MAX_FORWARD 64u

struct net_passt {
	char *id;
	struct net_backend *backend;
	pid_t pid;
	int pidfd, messages;
	struct loop_source *exit_source, *message_source;
	char line[256];
	size_t line_len;
	char last[256]; /* its last message: why it ended */
	unsigned n_lines;
};

/* The command line, with the strings that it owns. */
struct command {
	const char *argv[16 + 2 * MAX_FORWARD];
	unsigned argc;
	char socket[16], mtu[16];
	char forward[MAX_FORWARD][NET_FORWARD_MAX];
};

static const char *option_of(char option)
{
	return option == 't' ? "-t" : "-u";
}

static int command_make(struct command *command, const struct net_passt_options *options, int fd,
			struct net_failure *failure)
{
	const char **argv = command->argv;
	unsigned n = 0;
	char option;

	snprintf(command->socket, sizeof(command->socket), "%d", fd);
	argv[n++] = PROGRAM;
	argv[n++] = "--foreground";
	argv[n++] = "--quiet";
	argv[n++] = "--stderr";
	argv[n++] = "--fd";
	argv[n++] = command->socket;
	if (options->mtu) {
		snprintf(command->mtu, sizeof(command->mtu), "%u", options->mtu);
		argv[n++] = "--mtu";
		argv[n++] = command->mtu;
	}
	if (options->n_forward > MAX_FORWARD)
		return net_fail(failure, -E2BIG, "more than %u forwards", MAX_FORWARD);
	for (size_t i = 0; i < options->n_forward; i++) {
		if (!net_passt_forward(options->forward[i], &option, command->forward[i],
				       sizeof(command->forward[i]))) {
			net_fail(failure, -EINVAL, "'%s' is no forward of a port",
				 options->forward[i]);
			net_hint(failure, "HOST-PORT:GUEST-PORT such as 8080:80, udp:5353:53 or "
					  "127.0.0.1:2222:22");
			return -EINVAL;
		}
		argv[n++] = option_of(option);
		argv[n++] = command->forward[i];
	}
	argv[n] = NULL;
	command->argc = n;
	return 0;
}

/* The child of vfork(): only system calls, and nothing of the parent's memory but @error changes.
 */
static noreturn_fn void child(const struct command *command, int socket, int messages, pid_t parent,
			      volatile int *error)
{
	sigset_t none;

	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	sigemptyset(&none);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent ||
	    dup2(messages, STDOUT_FILENO) < 0 || dup2(messages, STDERR_FILENO) < 0 ||
	    fcntl(socket, F_SETFD, 0) < 0 || sigprocmask(SIG_SETMASK, &none, NULL) < 0) {
		*error = errno ? errno : ECHILD;
		_exit(127);
	}
	close(STDIN_FILENO);
	open("/dev/null", O_RDONLY);
	execvp(command->argv[0], (char *const *)(uintptr_t)command->argv);
	*error = errno;
	_exit(127);
}

/* Return: the process, or a negative errno, also when the program cannot be executed. */
static __attribute__((noinline)) pid_t spawn(const struct command *command, int socket,
					     int messages)
{
	volatile int error = 0;
	pid_t parent = getpid(), pid;
	sigset_t all, old;

	/* No handler of ours may run in the child while it shares our memory. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	pid = vfork();
	if (pid == 0)
		child(command, socket, messages, parent, &error);
	if (pid < 0)
		error = errno;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (error && pid > 0)
		waitpid(pid, NULL, 0);
	return error ? -error : pid;
}

static void message(struct net_passt *passt)
{
	passt->line[passt->line_len] = '\0';
	passt->line_len = 0;
	if (passt->line[0] == '\0')
		return;
	memcpy(passt->last, passt->line, sizeof(passt->last));
	if (passt->n_lines++ < MAX_LINES)
		log_info("%s: passt: %s", passt->id, passt->line);
}

static void messages_readable(int fd, unsigned events, void *opaque)
{
	struct net_passt *passt = opaque;
	char buf[512];
	ssize_t n = read(fd, buf, sizeof(buf));

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		passt->message_source = loop_source_remove(passt->message_source);
	for (ssize_t i = 0; i < n; i++) {
		if (buf[i] == '\n' || passt->line_len == sizeof(passt->line) - 1)
			message(passt);
		/* It prints names of files and addresses; it must not print to a terminal. */
		if (buf[i] != '\n')
			passt->line[passt->line_len++] = buf[i] < ' ' ? ' ' : buf[i];
	}
}

static void reap(struct net_passt *passt, siginfo_t *info)
{
	while (waitid(P_PIDFD, (id_t)passt->pidfd, info, WEXITED) < 0 && errno == EINTR)
		continue;
	passt->pid = 0;
}

static void exited(int fd, unsigned events, void *opaque)
{
	struct net_passt *passt = opaque;
	struct net_backend *backend = passt->backend;
	siginfo_t info = {0};

	while (passt->message_source &&
	       poll(&(struct pollfd){passt->messages, POLLIN, 0}, 1, 0) == 1)
		messages_readable(passt->messages, LOOP_READ, passt);
	if (passt->line_len > 0)
		message(passt);
	passt->exit_source = loop_source_remove(passt->exit_source);
	reap(passt, &info);
	log_warn("%s: passt ended (%s %d): the link is down%s%s", passt->id,
		 info.si_code == CLD_EXITED ? "status" : "signal", info.si_status,
		 *passt->last ? "; it said: " : "", passt->last);
	if (backend->lost)
		backend->lost(backend->opaque);
}

void net_passt_stop(struct net_passt *passt)
{
	siginfo_t info;

	if (!passt)
		return;
	loop_source_remove(passt->exit_source);
	loop_source_remove(passt->message_source);
	if (passt->pid > 0) {
		pidfd_send_signal(passt->pidfd, SIGKILL, NULL, 0);
		reap(passt, &info);
	}
	fd_close(passt->pidfd);
	fd_close(passt->messages);
	free(passt->id);
	free(passt);
}

static int fail_spawn(int error, struct net_failure *failure)
{
	if (error == -ENOENT) {
		net_fail(failure, error,
			 "user-mode networking needs the program passt, which is not "
			 "installed");
		net_hint(failure,
			 "install the package passt, or use a tap: backend: {type: tap, name: "
			 "tap0}");
	} else {
		net_fail(failure, error, "cannot start passt: %s", strerror(-error));
	}
	return error;
}

/* Starts the process; @socket is its end. */
static int start(struct net_passt *passt, const struct net_passt_options *options, int socket,
		 struct net_failure *failure)
{
	struct command *command;
	int pipe_fds[2], r;
	pid_t pid;

	command = calloc(1, sizeof(*command));
	if (!command || pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK) < 0) {
		free(command);
		return net_fail(failure, -ENOMEM,
				"cannot start passt: out of memory or descriptors");
	}
	passt->messages = pipe_fds[0];
	r = command_make(command, options, socket, failure);
	if (r == 0) {
		pid = spawn(command, socket, pipe_fds[1]);
		if (pid < 0)
			r = fail_spawn(pid, failure);
		else
			passt->pid = pid;
	}
	close(pipe_fds[1]);
	free(command);
	return r;
}

/* Watches the process. Undone by net_passt_stop(). */
static int watch(struct net_passt *passt, struct loop *loop, struct net_failure *failure)
{
	int r;

	passt->pidfd = pidfd_open(passt->pid, 0);
	r = passt->pidfd < 0 ? -errno : 0;
	if (r == 0)
		r = loop_add_fd(loop, passt->pidfd, LOOP_READ, exited, passt, &passt->exit_source);
	if (r == 0)
		r = loop_add_fd(loop, passt->messages, LOOP_READ, messages_readable, passt,
				&passt->message_source);
	return r < 0 ? net_fail(failure, r, "cannot watch passt: %s", strerror(-r)) : 0;
}

int net_passt_start(const struct net_passt_options *options, struct loop *loop,
		    struct net_backend **ret, struct net_failure *ret_failure)
{
	cleanup_fd int ours = -1, theirs = -1;
	struct net_passt *passt;
	int fds[2], r;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return net_fail(ret_failure, -errno, "cannot make a socket pair: %s",
				strerror(errno));
	ours = fds[0];
	theirs = fds[1];
	passt = calloc(1, sizeof(*passt));
	if (!passt)
		return net_fail(ret_failure, -ENOMEM, "out of memory");
	passt->pidfd = passt->messages = -1;
	passt->id = strdup(options->id);
	r = passt->id ? start(passt, options, theirs, ret_failure)
		      : net_fail(ret_failure, -ENOMEM, "out of memory");
	if (r == 0)
		r = watch(passt, loop, ret_failure);
	if (r == 0) {
		r = net_stream_create(TAKE_FD(ours), &passt->backend);
		if (r < 0)
			net_fail(ret_failure, r, "out of memory");
	}
	if (r < 0) {
		if (passt->pid > 0 && passt->pidfd < 0) {
			kill(passt->pid, SIGKILL);
			waitpid(passt->pid, NULL, 0);
			passt->pid = 0;
		}
		net_passt_stop(passt);
		return r;
	}
	passt->backend->passt = passt;
	*ret = passt->backend;
	return 0;
}
