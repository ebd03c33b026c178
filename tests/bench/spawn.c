/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starts a program and tells in nanoseconds from its exec when it wrote its first and its last byte
 * to standard output, and when it had ended: "FIRST LAST END STATUS". A byte of a guest's serial
 * port goes that way, so this is what a virtual machine monitor adds around a guest.
 *
 *     spawn PROGRAM ARGUMENT…
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { TIMEOUT_MS = 60000 };

static int64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void child(char **argv, int out, int64_t *start)
{
	int null = open("/dev/null", O_RDONLY);

	dup2(null, 0);
	dup2(out, 1);
	*start = now();
	execvp(argv[0], argv);
	perror(argv[0]);
	_exit(127);
}

int main(int argc, char **argv)
{
	int64_t *start, first = 0, last = 0;
	int out[2], pidfd, status;
	char buf[4096];
	pid_t pid;

	if (argc < 2) {
		fprintf(stderr, "usage: spawn PROGRAM ARGUMENT…\n");
		return 64;
	}
	start = mmap(NULL, sizeof(*start), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	if (start == MAP_FAILED || pipe2(out, O_CLOEXEC) < 0)
		return 1;
	pid = fork();
	if (pid < 0)
		return 1;
	if (pid == 0)
		child(argv + 1, out[1], start);
	close(out[1]);
	fcntl(out[0], F_SETFL, O_NONBLOCK);
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	for (;;) {
		struct pollfd fds[] = {{.fd = out[0], .events = POLLIN},
				       {.fd = pidfd, .events = POLLIN}};
		int n = poll(fds, 2, TIMEOUT_MS);
		int64_t at = now();

		if (n <= 0) {
			fprintf(stderr, "%s does not end\n", argv[1]);
			kill(pid, SIGKILL);
			waitpid(pid, NULL, 0);
			return 1;
		}
		/* It may have written and ended between the looks at the two. */
		if (fds[1].revents || fds[0].revents & POLLIN)
			while (read(out[0], buf, sizeof(buf)) > 0) {
				first = first ? first : at;
				last = at;
			}
		if (fds[0].revents & POLLHUP) {
			close(out[0]);
			out[0] = -1;
		}
		if (fds[1].revents) {
			if (waitpid(pid, &status, 0) != pid)
				return 1;
			printf("%lld %lld %lld %d\n", (long long)(first ? first - *start : 0),
			       (long long)(last ? last - *start : 0), (long long)(at - *start),
			       WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
			return 0;
		}
	}
}
