/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The label area of an NVDIMM, by the ioctls of /dev/nmem0 …, up to 256 bytes at once.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/ioctl.h>
#include <linux/ndctl.h>

#include "command.h"

enum { LABELS_MAX = 256 };

static union {
	struct nd_cmd_get_config_data_hdr get;
	struct nd_cmd_set_config_hdr set;
	uint8_t bytes[sizeof(struct nd_cmd_get_config_data_hdr) + LABELS_MAX + 8];
} request;

/* @status_at: where in the request the answer's status is, which is not aligned. */
static long ask(char **words, unsigned long command, size_t status_at)
{
	uint64_t offset, length;
	uint32_t status = 0;
	long fd, r;

	if (!parse_u64(words[1], &offset) || !parse_u64(words[2], &length) || length > LABELS_MAX)
		return -EINVAL;
	request.get.in_offset = (uint32_t)offset;
	request.get.in_length = (uint32_t)length;
	__builtin_memcpy(request.bytes + status_at, &status, sizeof(status));
	fd = sys(open, words[0], O_RDWR);
	if (fd < 0)
		return fd;
	r = sys(ioctl, fd, command, &request);
	sys(close, fd);
	__builtin_memcpy(&status, request.bytes + status_at, sizeof(status));
	return r < 0 ? r : status ? -EIO : 0;
}

static long cmd_label_sum(char **words, const char *rest, char *answer, size_t size)
{
	long r = ask(words, ND_IOCTL_GET_CONFIG_DATA,
		     offsetof(struct nd_cmd_get_config_data_hdr, status));

	if (r == 0)
		format(answer, size, "%08x", crc32(0, request.get.out_buf, request.get.in_length));
	return r;
}

static long cmd_label_fill(char **words, const char *rest, char *answer, size_t size)
{
	uint64_t length, seed;

	if (!parse_u64(words[2], &length) || !parse_u64(words[3], &seed) || length > LABELS_MAX)
		return -EINVAL;
	pattern(seed, 0, request.set.in_buf, length);
	/* The status follows the data. */
	return ask(words, ND_IOCTL_SET_CONFIG_DATA, sizeof(request.set) + length);
}

const struct command commands_labels[] = {
	{"label-sum", 3, "DIMM OFFSET LENGTH", cmd_label_sum},
	{"label-fill", 4, "DIMM OFFSET LENGTH SEED", cmd_label_fill},
	{0},
};
