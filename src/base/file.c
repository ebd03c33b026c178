/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Drafts: a new content is written and synced beside the file, then renamed over it. The draft is
 * hidden, and stands in the same directory, so that what it includes is found from there.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"

struct file_draft {
	char *path, *target;
};

static int write_all(int fd, const char *data, size_t size)
{
	while (size) {
		ssize_t n = write(fd, data, size);

		if (n < 0)
			return -errno;
		data += n;
		size -= (size_t)n;
	}
	return fsync(fd) < 0 ? -errno : 0;
}

static void sync_directory(const char *path)
{
	cleanup_free char *directory = strdup(path);
	char *slash = directory ? strrchr(directory, '/') : NULL;
	cleanup_fd int fd = -1;

	if (!slash)
		return;
	slash[slash == directory] = '\0';
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* The file is in its place; of a file system that cannot sync a directory nothing more is
	 * had. */
	if (fd >= 0)
		(void)!fsync(fd);
}

/* Owner before mode: a change of owner takes bits of the mode away. */
static int copy_rights(int fd, const struct stat *st)
{
	struct stat own;

	if (fstat(fd, &own) < 0)
		return -errno;
	if ((own.st_uid != st->st_uid || own.st_gid != st->st_gid) &&
	    fchown(fd, st->st_uid, st->st_gid) < 0)
		return -errno;
	return fchmod(fd, st->st_mode & 07777) < 0 ? -errno : 0;
}

static int draft_write(const char *path, const struct stat *st, const void *data, size_t size)
{
	cleanup_fd int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int r;

	if (fd < 0)
		return -errno;
	r = copy_rights(fd, st);
	return r < 0 ? r : write_all(fd, data, size);
}

static void draft_free(struct file_draft *draft)
{
	free(draft->path);
	free(draft->target);
	free(draft);
}

int file_draft_create(const char *path, const void *data, size_t size, struct file_draft **ret)
{
	struct file_draft *draft = calloc(1, sizeof(*draft));
	const char *name;
	struct stat st;
	int r;

	if (!draft)
		return -ENOMEM;
	draft->target = realpath(path, NULL);
	if (!draft->target || stat(draft->target, &st) < 0) {
		r = -errno;
		draft_free(draft);
		return r;
	}
	name = strrchr(draft->target, '/') + 1;
	if (asprintf(&draft->path, "%.*s.%.64s.%d.new", (int)(name - draft->target), draft->target,
		     name, (int)getpid()) < 0) {
		draft->path = NULL;
		draft_free(draft);
		return -ENOMEM;
	}
	r = draft_write(draft->path, &st, data, size);
	if (r == -EEXIST) /* another program's */
		draft_free(draft);
	else if (r < 0)
		file_draft_discard(draft);
	else
		*ret = draft;
	return r;
}

const char *file_draft_path(const struct file_draft *draft)
{
	return draft->path;
}

const char *file_draft_target(const struct file_draft *draft)
{
	return draft->target;
}

int file_draft_commit(struct file_draft *draft)
{
	if (rename(draft->path, draft->target) < 0) {
		int r = -errno;

		file_draft_discard(draft);
		return r;
	}
	sync_directory(draft->target);
	draft_free(draft);
	return 0;
}

struct file_draft *file_draft_discard(struct file_draft *draft)
{
	if (!draft)
		return NULL;
	unlink(draft->path);
	draft_free(draft);
	return NULL;
}

int file_create(const char *path, const void *data, size_t size, bool replace)
{
	cleanup_fd int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	struct file_draft *draft;
	int r;

	if (fd < 0 && (errno != EEXIST || !replace))
		return -errno;
	if (fd < 0) {
		r = file_draft_create(path, data, size, &draft);
		return r < 0 ? r : file_draft_commit(draft);
	}
	r = write_all(fd, data, size);
	if (r < 0)
		unlink(path);
	return r;
}
