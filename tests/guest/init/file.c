/* SPDX-License-Identifier: Apache-2.0 */
/* Commands on files, directories and mounts. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "command.h"

static long cmd_echo(char **words, const char *rest, char *answer, size_t size)
{
	out("%s\n", rest);
	return 0;
}

static long cmd_cat(char **words, const char *rest, char *answer, size_t size)
{
	static char buf[65536];
	long n = read_file(words[0], buf, sizeof(buf));

	if (n < 0)
		return n;
	out_bytes(buf, (size_t)n);
	if (n && buf[n - 1] != '\n')
		out("\n");
	format(answer, size, "%ld", n);
	return 0;
}

static long cmd_write(char **words, const char *rest, char *answer, size_t size)
{
	const char *text = str_find(rest, " ");

	return write_file(words[0], text ? text + 1 : "");
}

static long cmd_stat(char **words, const char *rest, char *answer, size_t size)
{
	struct stat st;
	long r = sys(stat, words[0], &st);

	if (r == 0)
		format(answer, size, "mode=%x size=%lu", st.st_mode, st.st_size);
	return r;
}

static long cmd_readlink(char **words, const char *rest, char *answer, size_t size)
{
	long n = sys(readlink, words[0], answer, size - 1);

	answer[n < 0 ? 0 : n] = '\0';
	return n;
}

/* Waits until a path is there, or gone; looking 20 times a second. */
static long wait_for(const char *path, bool there, const char *timeout)
{
	uint64_t ms;

	if (!parse_u64(timeout, &ms))
		return -EINVAL;
	for (uint64_t waited = 0;; waited += 50) {
		if ((sys(access, path, 0) == 0) == there)
			return 0;
		if (waited >= ms)
			return -ETIMEDOUT;
		sleep_ms(50);
	}
}

static long cmd_wait(char **words, const char *rest, char *answer, size_t size)
{
	return wait_for(words[0], true, words[1]);
}

static long cmd_wait_gone(char **words, const char *rest, char *answer, size_t size)
{
	return wait_for(words[0], false, words[1]);
}

static long cmd_sleep(char **words, const char *rest, char *answer, size_t size)
{
	uint64_t ms;

	if (!parse_u64(words[0], &ms))
		return -EINVAL;
	return sleep_ms(ms);
}

static long cmd_mkdir(char **words, const char *rest, char *answer, size_t size)
{
	return sys(mkdir, words[0], 0755);
}

static long cmd_rm(char **words, const char *rest, char *answer, size_t size)
{
	return sys(unlink, words[0]);
}

static long cmd_mount(char **words, const char *rest, char *answer, size_t size)
{
	return sys(mount, words[0], words[1], words[2], 0, words[3]);
}

static long cmd_umount(char **words, const char *rest, char *answer, size_t size)
{
	return sys(umount2, words[0], 0);
}

static long cmd_sync(char **words, const char *rest, char *answer, size_t size)
{
	return sys(sync);
}

const struct command commands_file[] = {
	{"echo", 0, "TEXT", cmd_echo},
	{"cat", 1, "FILE", cmd_cat},
	{"write", 1, "FILE TEXT", cmd_write},
	{"stat", 1, "FILE", cmd_stat},
	{"readlink", 1, "FILE", cmd_readlink},
	{"wait", 2, "PATH MS", cmd_wait},
	{"wait-gone", 2, "PATH MS", cmd_wait_gone},
	{"sleep", 1, "MS", cmd_sleep},
	{"mkdir", 1, "DIR", cmd_mkdir},
	{"rm", 1, "FILE", cmd_rm},
	{"mount", 3, "SOURCE DIR TYPE [OPTIONS]", cmd_mount},
	{"umount", 1, "DIR", cmd_umount},
	{"sync", 0, "", cmd_sync},
	{0},
};
