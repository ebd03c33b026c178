/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands that move bytes of a disk or a file. All use O_DIRECT where the file can do that: the
 * page cache would cost much of the time, and hide what the device did.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/mman.h>

#include "command.h"

enum { CHUNK = 128 * 1024 };

static _Alignas(4096) uint8_t chunk[CHUNK];

struct range {
	long fd;
	uint64_t offset, length;
};

static long range_open(struct range *r, char **words, int flags)
{
	if (!parse_u64(words[1], &r->offset) || !parse_u64(words[2], &r->length))
		return -EINVAL;
	r->fd = -EINVAL;
	if (r->offset % 512 == 0 && r->length % 512 == 0)
		r->fd = sys(open, words[0], flags | O_DIRECT, 0644);
	if (r->fd == -EINVAL)
		r->fd = sys(open, words[0], flags, 0644);
	return r->fd < 0 ? r->fd : 0;
}

static long cmd_sum(char **words, const char *rest, char *answer, size_t size)
{
	struct range r;
	uint32_t crc = 0;
	uint64_t done = 0;
	long n = range_open(&r, words, O_RDONLY);

	if (n < 0)
		return n;
	while (done < r.length) {
		uint64_t want = r.length - done < CHUNK ? r.length - done : CHUNK;

		n = sys(pread64, r.fd, chunk, want, r.offset + done);
		if (n <= 0)
			break;
		crc = crc32(crc, chunk, (size_t)n);
		done += (uint64_t)n;
	}
	sys(close, r.fd);
	format(answer, size, "%08x %lu", crc, done);
	return n < 0 ? n : 0;
}

static long cmd_fill(char **words, const char *rest, char *answer, size_t size)
{
	struct range r;
	uint64_t seed, done = 0;
	uint32_t crc = 0;
	long n;

	if (!parse_u64(words[3], &seed))
		return -EINVAL;
	n = range_open(&r, words, O_WRONLY | O_CREAT);
	if (n < 0)
		return n;
	while (done < r.length) {
		uint64_t want = r.length - done < CHUNK ? r.length - done : CHUNK;

		pattern(seed, done / 8, chunk, want);
		n = sys(pwrite64, r.fd, chunk, want, r.offset + done);
		if (n != (long)want) {
			n = n < 0 ? n : -ENOSPC;
			break;
		}
		crc = crc32(crc, chunk, want);
		done += want;
	}
	if (n >= 0)
		n = sys(fsync, r.fd);
	sys(close, r.fd);
	format(answer, size, "%08x %lu", crc, done);
	return n < 0 ? n : 0;
}

static long cmd_size(char **words, const char *rest, char *answer, size_t size)
{
	long fd = sys(open, words[0], O_RDONLY), r;
	uint64_t bytes = 0;
	int read_only = 0, logical = 0;

	if (fd < 0)
		return fd;
	r = sys(ioctl, fd, BLKGETSIZE64, &bytes);
	sys(ioctl, fd, BLKROGET, &read_only);
	sys(ioctl, fd, BLKSSZGET, &logical);
	sys(close, fd);
	format(answer, size, "%lu ro=%d logical=%d", bytes, read_only, logical);
	return r;
}

static long range_ioctl(char **words, unsigned long request)
{
	uint64_t range[2];
	long fd, r;

	if (!parse_u64(words[1], &range[0]) || !parse_u64(words[2], &range[1]))
		return -EINVAL;
	fd = sys(open, words[0], O_WRONLY);
	if (fd < 0)
		return fd;
	r = sys(ioctl, fd, request, range);
	sys(close, fd);
	return r;
}

static long cmd_discard(char **words, const char *rest, char *answer, size_t size)
{
	return range_ioctl(words, BLKDISCARD);
}

static long cmd_zero(char **words, const char *rest, char *answer, size_t size)
{
	return range_ioctl(words, BLKZEROOUT);
}

static long cmd_flush(char **words, const char *rest, char *answer, size_t size)
{
	long fd = sys(open, words[0], O_WRONLY), r;

	if (fd < 0)
		return fd;
	r = sys(fsync, fd);
	sys(close, fd);
	return r;
}

/* Uses so many bytes of fresh memory, a page at a time, and finds them as it left them. */
static long cmd_memory(char **words, const char *rest, char *answer, size_t size)
{
	uint64_t bytes;
	uint8_t *p;
	long r;

	if (!parse_u64(words[0], &bytes))
		return -EINVAL;
	r = sys(mmap, NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (r < 0 && r > -4096)
		return r;
	p = (uint8_t *)r;
	for (uint64_t at = 0; at + 8 <= bytes; at += 4096)
		*(volatile uint64_t *)(p + at) = at ^ 0x5a5a5a5a5a5a5a5a;
	for (uint64_t at = 0; at + 8 <= bytes; at += 4096)
		if (*(volatile uint64_t *)(p + at) != (at ^ 0x5a5a5a5a5a5a5a5a)) {
			format(answer, size, "differs at %lu", at);
			sys(munmap, p, bytes);
			return -EIO;
		}
	return sys(munmap, p, bytes);
}

const struct command commands_block[] = {
	{"sum", 3, "FILE OFFSET LENGTH", cmd_sum},
	{"fill", 4, "FILE OFFSET LENGTH SEED", cmd_fill},
	{"size", 1, "DEVICE", cmd_size},
	{"discard", 3, "DEVICE OFFSET LENGTH", cmd_discard},
	{"zero", 3, "DEVICE OFFSET LENGTH", cmd_zero},
	{"flush", 1, "FILE", cmd_flush},
	{"memory", 1, "BYTES", cmd_memory},
	{0},
};
