/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening images: raw files and block devices, their geometry, and that nobody else writes them.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/stat.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/fd.h"
#include "base/log.h"
#include "block/internal.h"

/* The images of this process; the main thread's. */
static struct list images = LIST_INIT(images);

static int printf_like(3, 4) fail(struct block_failure *failure, int error, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(failure->message, sizeof(failure->message), fmt, ap);
	va_end(ap);
	failure->hint[0] = '\0';
	return error;
}

static void printf_like(2, 3) hint(struct block_failure *failure, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(failure->hint, sizeof(failure->hint), fmt, ap);
	va_end(ap);
}

static struct block_image *find_own(const char *path, const char *owner)
{
	struct block_image *image;

	list_for_each (image, &images, link)
		if (strcmp(image->owner, owner) == 0 && strcmp(image->path, path) == 0)
			return image;
	return NULL;
}

static int fail_open(const struct block_options *options, int error, struct block_failure *failure)
{
	fail(failure, error, "cannot open '%s'%s: %s", options->path,
	     options->read_only ? "" : " for writing", strerror(-error));
	if ((error == -EACCES || error == -EROFS || error == -EPERM) && !options->read_only)
		hint(failure, "grant access to the file, or say 'read-only: true'");
	else if (error == -ENOENT)
		hint(failure, "make an image that is empty: truncate -s 10G %s", options->path);
	else if (error == -EBUSY)
		hint(failure, "the device is mounted or in use on this host: unmount it first");
	else if (error == -EINVAL && options->direct)
		hint(failure, "its file system does not do direct I/O: say 'direct: false'");
	return error;
}

static int open_file(const struct block_options *options, bool own, int *ret)
{
	int flags = O_CLOEXEC | O_NOCTTY | (options->direct ? O_DIRECT : 0);
	int fd;

	/*
	 * O_EXCL claims a block device against mounts and has no meaning for a file; O_NONBLOCK
	 * keeps a FIFO from stopping us, and must go again: io_uring would heed it.
	 */
	if (options->read_only)
		flags |= O_RDONLY | O_NONBLOCK;
	else
		flags |= O_RDWR | (own ? 0 : O_EXCL);
	fd = open(options->path, flags);
	if (fd < 0)
		return -errno;
	if (options->read_only && fcntl(fd, F_SETFL, flags & O_DIRECT) < 0) {
		int error = -errno;

		close(fd);
		return error;
	}
	*ret = fd;
	return 0;
}

/* What direct I/O asks of addresses and offsets; the kernel tells since 6.1, else it is tried. */
static void direct_alignment(struct block_image *image)
{
	struct statx stx;
	void *probe = NULL;
	uint32_t align = 4096;

	if (syscall(SYS_statx, image->fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &stx) == 0 &&
	    (stx.stx_mask & STATX_DIOALIGN) && IS_POWER_OF_2(stx.stx_dio_offset_align) &&
	    IS_POWER_OF_2(stx.stx_dio_mem_align)) {
		image->memory_align = stx.stx_dio_mem_align;
		image->offset_align = MAX(stx.stx_dio_offset_align, BLOCK_SECTOR);
		return;
	}
	if (posix_memalign(&probe, 4096, 4096) == 0) {
		if (pread(image->fd, (char *)probe + BLOCK_SECTOR, BLOCK_SECTOR, BLOCK_SECTOR) >= 0)
			align = BLOCK_SECTOR;
		free(probe);
	}
	image->memory_align = image->offset_align = align;
}

static int device_geometry(struct block_image *image, struct block_failure *failure)
{
	struct block_geometry *g = &image->geometry;
	unsigned physical = 0, minimum = 0, optimal = 0;
	int logical = 0, read_only = 0;
	uint64_t size = 0;

	if (ioctl(image->fd, BLKGETSIZE64, &size) < 0 || ioctl(image->fd, BLKSSZGET, &logical) < 0)
		return fail(failure, -errno, "cannot ask '%s' for its size: %s", image->path,
			    strerror(errno));
	if (logical < (int)BLOCK_SECTOR || logical > 65536 || !IS_POWER_OF_2(logical))
		return fail(failure, -EINVAL, "'%s' has blocks of %d bytes, which is not supported",
			    image->path, logical);
	if (ioctl(image->fd, BLKROGET, &read_only) == 0 && read_only && !g->read_only) {
		fail(failure, -EROFS, "'%s' is a read-only device", image->path);
		hint(failure, "say 'read-only: true'");
		return -EROFS;
	}
	ioctl(image->fd, BLKPBSZGET, &physical);
	ioctl(image->fd, BLKIOMIN, &minimum);
	ioctl(image->fd, BLKIOOPT, &optimal);
	g->logical_block = (uint32_t)logical;
	g->physical_block =
		IS_POWER_OF_2(physical) ? MAX(physical, g->logical_block) : g->logical_block;
	g->minimum_io = minimum;
	g->optimal_io = optimal;
	image->size = ALIGN_DOWN(size, (uint64_t)g->logical_block);
	image->memory_align = image->offset_align = g->logical_block;
	return 0;
}

/* A file's last sector may be a part of one: it reads as if zeroes followed. */
static void file_geometry(struct block_image *image, const struct stat *st)
{
	struct block_geometry *g = &image->geometry;

	g->logical_block = BLOCK_SECTOR;
	g->physical_block = 4096; /* what the page cache and today's disks write */
	if (image->direct) {
		direct_alignment(image);
		g->logical_block = image->offset_align;
		g->physical_block = MAX(g->physical_block, g->logical_block);
	}
	image->size = ALIGN_UP((uint64_t)st->st_size, (uint64_t)g->logical_block);
}

int block_check_container(const char *path, struct block_failure *ret_failure)
{
	static const struct {
		const char *name, *magic;
	} formats[] = {
		{"qcow2", "QFI\xfb"}, {"qcow", "QFI\xfb"},  {"vmdk", "KDMV"},
		{"vdi", "<<< "},      {"vhdx", "vhdxfile"},
	};
	const char *dot = strrchr(path, '.');
	char start[8] = "";

	for (unsigned i = 0; dot && i < ARRAY_SIZE(formats); i++) {
		cleanup_fd int fd = -1;

		if (strcasecmp(dot + 1, formats[i].name) != 0)
			continue;
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
		if (fd < 0 || pread(fd, start, sizeof(start), 0) != sizeof(start) ||
		    memcmp(start, formats[i].magic, strlen(formats[i].magic)) != 0)
			continue;
		fail(ret_failure, -EINVAL,
		     "'%s' is an image in the format %s: a disk is the plain content", path,
		     formats[i].name);
		hint(ret_failure, "convert it: qemu-img convert -O raw %s disk.img", path);
		return -EINVAL;
	}
	return 0;
}

static int examine(struct block_image *image, struct block_failure *failure)
{
	struct stat st;

	if (fstat(image->fd, &st) < 0)
		return fail(failure, -errno, "cannot examine '%s': %s", image->path,
			    strerror(errno));
	image->device = st.st_dev;
	image->inode = st.st_ino;
	if (S_ISBLK(st.st_mode)) {
		image->block_device = true;
		return device_geometry(image, failure);
	}
	if (!S_ISREG(st.st_mode))
		return fail(failure, -EINVAL, "'%s' is %s, not a file or a block device",
			    image->path,
			    S_ISDIR(st.st_mode)    ? "a directory"
			    : S_ISCHR(st.st_mode)  ? "a character device"
			    : S_ISFIFO(st.st_mode) ? "a FIFO"
						   : "something else");
	if (st.st_size == 0) {
		fail(failure, -EINVAL, "'%s' is empty: a disk needs a size", image->path);
		hint(failure, "give it one: truncate -s 1G %s", image->path);
		return -EINVAL;
	}
	file_geometry(image, &st);
	return block_check_container(image->path, failure);
}

static int holds_lock(const struct block_image *image)
{
	return image->lock_fd >= 0 ? image->lock_fd : image->fd;
}

/*
 * A device that is being replaced holds its image already, so it shares that lock. Where it becomes
 * writable it cannot (a read-only description never holds a write lock) and takes it over.
 */
static int lock(struct block_image *image, const struct block_image *own,
		struct block_failure *failure)
{
	bool write = !image->geometry.read_only;
	int r, holder;

	if (own && (own->device != image->device || own->inode != image->inode))
		own = NULL;
	if (own && (!write || !own->geometry.read_only)) {
		image->lock_fd = fcntl(holds_lock(own), F_DUPFD_CLOEXEC, 3);
		if (image->lock_fd >= 0)
			return 0;
		return fail(failure, -errno, "cannot share the lock of '%s': %s", image->path,
			    strerror(errno));
	}
	if (own)
		block_unlock(holds_lock(own));
	r = block_lock(image->fd, write);
	if (r == 0)
		return 0;
	if (r != -EAGAIN) {
		log_warn(
			"%s: this file system does not lock (%s): nothing keeps a second user away",
			image->path, strerror(-r));
		return 0;
	}
	holder = block_lock_holder(image->fd);
	if (holder == getpid())
		fail(failure, -EBUSY, "'%s' is used by another device of this machine",
		     image->path);
	else if (holder > 0)
		fail(failure, -EBUSY, "'%s' is in use by process %d", image->path, holder);
	else
		fail(failure, -EBUSY, "'%s' is in use by another process", image->path);
	hint(failure,
	     write ? "a disk that is written can have one user: stop the other one, or give "
		     "both 'read-only: true'"
		   : "another user writes it: stop that one, or make it 'read-only: true' too");
	return -EBUSY;
}

int block_open(const struct block_options *options, struct block_image **ret,
	       struct block_failure *ret_failure)
{
	const struct block_image *own = find_own(options->path, options->owner);
	struct block_image *image = calloc(1, sizeof(*image));
	int r;

	if (!image)
		return fail(ret_failure, -ENOMEM, "out of memory");
	list_init(&image->link);
	image->fd = image->lock_fd = -1;
	image->path = strdup(options->path);
	image->owner = strdup(options->owner);
	if (!image->path || !image->owner) {
		r = fail(ret_failure, -ENOMEM, "out of memory");
		goto error;
	}
	image->direct = options->direct;
	image->geometry.read_only = options->read_only;
	r = open_file(options, own != NULL, &image->fd);
	if (r < 0) {
		fail_open(options, r, ret_failure);
		goto error;
	}
	r = examine(image, ret_failure);
	if (r < 0)
		goto error;
	r = lock(image, own, ret_failure);
	if (r < 0)
		goto error;
	list_add_tail(&images, &image->link);
	*ret = image;
	return 0;
error:
	block_close(image);
	return r;
}

struct block_image *block_close(struct block_image *image)
{
	const struct block_image *left;

	if (!image)
		return NULL;
	list_del(&image->link);
	fd_close(image->fd);
	fd_close(image->lock_fd);
	/* What is left of a replacement, or of an undone one, holds the lock that it needs. */
	left = image->path && image->owner ? find_own(image->path, image->owner) : NULL;
	if (left && block_lock(holds_lock(left), !left->geometry.read_only) < 0)
		log_warn("%s: cannot lock it again: nothing keeps a second user away", left->path);
	free(image->path);
	free(image->owner);
	free(image);
	return NULL;
}

const struct block_geometry *block_geometry(const struct block_image *image)
{
	return &image->geometry;
}

uint64_t block_size(const struct block_image *image)
{
	return image->size;
}

int block_refresh_size(struct block_image *image, uint64_t *ret_now)
{
	const struct block_geometry *g = &image->geometry;
	struct stat st;
	uint64_t size;

	if (image->block_device) {
		if (ioctl(image->fd, BLKGETSIZE64, &size) < 0)
			return -errno;
		size = ALIGN_DOWN(size, (uint64_t)g->logical_block);
	} else {
		if (fstat(image->fd, &st) < 0)
			return -errno;
		size = ALIGN_UP((uint64_t)st.st_size, (uint64_t)g->logical_block);
	}
	image->size = MAX(size, (uint64_t)image->size);
	*ret_now = size;
	return 0;
}
