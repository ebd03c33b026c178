/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Vectors of memory pieces.
 */
#include <string.h>

#include "base/iov.h"

uint64_t iov_length(const struct iovec *iov, unsigned n)
{
	uint64_t len = 0;

	for (unsigned i = 0; i < n; i++)
		len += iov[i].iov_len;
	return len;
}

static size_t copy(const struct iovec *iov, unsigned n, uint64_t offset, char *buf, size_t len,
		   bool to_iov)
{
	size_t done = 0;

	for (unsigned i = 0; i < n && done < len; i++) {
		char *piece = iov[i].iov_base;
		size_t size = iov[i].iov_len;

		if (offset >= size) {
			offset -= size;
			continue;
		}
		size = MIN(size - offset, len - done);
		if (to_iov)
			memcpy(piece + offset, buf + done, size);
		else
			memcpy(buf + done, piece + offset, size);
		done += size;
		offset = 0;
	}
	return done;
}

size_t iov_read(const struct iovec *iov, unsigned n, uint64_t offset, void *buf, size_t len)
{
	return copy(iov, n, offset, buf, len, false);
}

size_t iov_write(const struct iovec *iov, unsigned n, uint64_t offset, const void *buf, size_t len)
{
	return copy(iov, n, offset, (char *)(uintptr_t)buf, len, true);
}

void iov_skip(struct iovec **iov, unsigned *n, uint64_t len)
{
	while (*n > 0 && len >= (*iov)->iov_len) {
		len -= (*iov)->iov_len;
		(*iov)++;
		(*n)--;
	}
	if (*n > 0) {
		(*iov)->iov_base = (char *)(*iov)->iov_base + len;
		(*iov)->iov_len -= len;
	}
}

void iov_truncate(struct iovec *iov, unsigned *n, uint64_t len)
{
	for (unsigned i = 0; i < *n; i++) {
		if (iov[i].iov_len >= len) {
			iov[i].iov_len = len;
			*n = len > 0 ? i + 1 : i;
			return;
		}
		len -= iov[i].iov_len;
	}
}
