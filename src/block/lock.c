/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Locks on images. Open-file-description locks belong to the description, not to the process: they
 * hold between two devices of one machine as well, survive no crash, and go with the last
 * descriptor.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "block/internal.h"

/* More than any sane host has; a bound, since /proc is walked for an error message. */
#define MAX_DESCRIPTORS 65536

int block_lock(int fd, bool write)
{
	struct flock lock = {
		.l_type = write ? F_WRLCK : F_RDLCK,
		.l_whence = SEEK_SET,
	};

	if (fcntl(fd, F_OFD_SETLK, &lock) == 0)
		return 0;
	return errno == EACCES ? -EAGAIN : -errno;
}

void block_unlock(int fd)
{
	struct flock lock = {.l_type = F_UNLCK, .l_whence = SEEK_SET};

	fcntl(fd, F_OFD_SETLK, &lock);
}

/* Whether a line of /proc/PID/fdinfo/N tells of a lock that this descriptor holds. */
static bool fdinfo_has_lock(int proc, const char *pid, const char *number)
{
	char path[64], text[2048];
	cleanup_fd int fd = -1;
	ssize_t n;

	snprintf(path, sizeof(path), "%.20s/fdinfo/%.20s", pid, number);
	fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return false;
	text[n] = '\0';
	return strstr(text, "\nlock:") != NULL;
}

/* Whether process @pid has @file open and locked; @budget bounds the walk. */
static bool process_holds(int proc, const char *pid, const struct stat *file, int skip_fd,
			  unsigned *budget)
{
	char path[64];
	struct dirent *entry;
	bool found = false;
	DIR *dir;
	int fd;

	snprintf(path, sizeof(path), "%.20s/fd", pid);
	fd = openat(proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return false;
	dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return false;
	}
	while (!found && *budget > 0 && (entry = readdir(dir))) {
		struct stat st;

		(*budget)--;
		if (entry->d_name[0] == '.' ||
		    (atoi(pid) == getpid() && atoi(entry->d_name) == skip_fd))
			continue;
		if (fstatat(fd, entry->d_name, &st, 0) < 0 || st.st_dev != file->st_dev ||
		    st.st_ino != file->st_ino)
			continue;
		found = fdinfo_has_lock(proc, pid, entry->d_name);
	}
	closedir(dir);
	return found;
}

int block_lock_holder(int fd)
{
	unsigned budget = MAX_DESCRIPTORS;
	struct dirent *entry;
	struct stat st;
	int pid = 0;
	DIR *proc;

	if (fstat(fd, &st) < 0)
		return 0;
	proc = opendir("/proc");
	if (!proc)
		return 0;
	while (pid == 0 && budget > 0 && (entry = readdir(proc))) {
		if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
			continue;
		if (process_holds(dirfd(proc), entry->d_name, &st, fd, &budget))
			pid = atoi(entry->d_name);
	}
	closedir(proc);
	return pid;
}
