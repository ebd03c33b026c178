/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of persistent memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "base/units.h"
#include "block/internal.h"
#include "block/pmem-file.h"

struct pmem_file {
	struct block_image *image;
	uint64_t size, tail;
	bool made; /* here, and not used yet */
};

static void explain_make(struct block_failure *failure, const char *path, uint64_t size, int error)
{
	char text[UNITS_TEXT_MAX];

	snprintf(failure->message, sizeof(failure->message), "cannot make '%s' of %s: %s", path,
		 size_format(size, text), strerror(error));
	snprintf(failure->hint, sizeof(failure->hint), "%s",
		 error == ENOENT   ? "make its directory first"
		 : error == EACCES ? "grant access to its directory"
		 : error == ENOSPC || error == EDQUOT || error == EFBIG
			 ? "make room on its file system, or make the file yourself: truncate "
			   "takes none"
			 : "");
}

/* Return: 1 when it was made, 0 when it is there already, or a negative errno with an explanation.
 */
static int make(const struct pmem_file_options *options, struct block_failure *failure)
{
	uint64_t size = options->size + options->tail;
	cleanup_fd int fd = open(options->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int error;

	if (fd < 0 && errno == EEXIST)
		return 0;
	if (fd < 0) {
		error = errno;
		explain_make(failure, options->path, size, error);
		return -error;
	}
	error = fallocate(fd, 0, 0, (off_t)size) < 0 ? errno : 0;
	if (error == EOPNOTSUPP)
		error = ftruncate(fd, (off_t)size) < 0 ? errno : 0;
	if (error == 0 && fsync(fd) < 0)
		error = errno;
	if (error) {
		unlink(options->path);
		explain_make(failure, options->path, size, error);
		return -error;
	}
	return 1;
}

/* Bytes that can be mapped: a disk image may end within a sector, memory may not. */
static uint64_t real_size(const struct block_image *image)
{
	struct stat st;

	if (image->block_device || fstat(image->fd, &st) < 0)
		return block_size(image);
	return (uint64_t)st.st_size;
}

static int check_size(const struct pmem_file *file, const char *path, struct block_failure *failure)
{
	uint64_t wanted = file->size + file->tail, size = real_size(file->image);
	char have[UNITS_TEXT_MAX], want[UNITS_TEXT_MAX], tail[UNITS_TEXT_MAX];

	if (size >= wanted)
		return 0;
	size_format(size, have);
	size_format(file->size, want);
	size_format(file->tail, tail);
	snprintf(failure->message, sizeof(failure->message), "'%s' has %s, less than %s%s%s", path,
		 have, want, file->tail ? " and labels of " : "", file->tail ? tail : "");
	if (file->image->block_device)
		snprintf(failure->hint, sizeof(failure->hint), "write a smaller size");
	else
		snprintf(failure->hint, sizeof(failure->hint),
			 "write a smaller size, or make it longer: truncate -s %llu %s",
			 (unsigned long long)wanted, path);
	return -EINVAL;
}

int pmem_file_open(const struct pmem_file_options *options, struct pmem_file **ret,
		   struct block_failure *failure)
{
	const struct block_options image = {
		.path = options->path,
		.owner = options->owner,
		.read_only = options->read_only,
	};
	struct pmem_file *file = calloc(1, sizeof(*file));
	int r = 0;

	if (!file)
		return -ENOMEM;
	*failure = (struct block_failure){.message = "out of memory"};
	if (!options->read_only)
		r = make(options, failure);
	if (r < 0) {
		free(file);
		return r;
	}
	file->made = r > 0;
	file->size = options->size;
	file->tail = options->tail;
	r = block_open(&image, &file->image, failure);
	if (r >= 0)
		r = check_size(file, options->path, failure);
	if (r < 0) {
		if (file->made)
			unlink(options->path);
		block_close(file->image);
		free(file);
		return r;
	}
	*ret = file;
	return 0;
}

struct pmem_file *pmem_file_close(struct pmem_file *file)
{
	if (!file)
		return NULL;
	if (file->made && unlink(file->image->path) < 0)
		log_warn("%s: it was made for nothing and cannot be removed: %s", file->image->path,
			 strerror(errno));
	block_close(file->image);
	free(file);
	return NULL;
}

void pmem_file_keep(struct pmem_file *file)
{
	if (file->made)
		log_info("%s has been made for '%s'", file->image->path, file->image->owner);
	file->made = false;
}

int pmem_file_fd(const struct pmem_file *file)
{
	return file->image->fd;
}

struct block_image *pmem_file_image(const struct pmem_file *file)
{
	return file->image;
}

void pmem_file_explain_loss(const struct pmem_file *file, uint64_t size, struct strbuf *why)
{
	char have[UNITS_TEXT_MAX];

	if (size < file->size)
		strbuf_printf(
			why,
			"'%s' was cut short to %s while the guest uses it: what was behind that "
			"reads as zeros, and what is written there is lost",
			file->image->path, size_format(size, have));
	else
		strbuf_printf(
			why,
			"pages of '%s' cannot be had (its file system is full, or its disk "
			"fails): what was in them reads as zeros, and what is written there is "
			"lost",
			file->image->path);
	strbuf_puts(why, "; mend it while the guest is off, and start the guest again");
}

int pmem_file_sync(const struct pmem_file *file)
{
	return fdatasync(file->image->fd) < 0 ? -errno : 0;
}

int pmem_file_read_tail(const struct pmem_file *file, uint64_t offset, void *buf, size_t size)
{
	ssize_t n = pread(file->image->fd, buf, size, (off_t)(file->size + offset));

	invariant(offset <= file->tail && size <= file->tail - offset);
	return n < 0 ? -errno : (size_t)n == size ? 0 : -EIO;
}

int pmem_file_write_tail(const struct pmem_file *file, uint64_t offset, const void *buf,
			 size_t size)
{
	ssize_t n = pwrite(file->image->fd, buf, size, (off_t)(file->size + offset));

	invariant(offset <= file->tail && size <= file->tail - offset);
	return n < 0 ? -errno : (size_t)n == size ? pmem_file_sync(file) : -EIO;
}
