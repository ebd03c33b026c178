/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Vectors of memory pieces, as guests hand them over: no assumption is made on where one ends.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/compiler.h"

/* Bytes in all pieces. */
uint64_t iov_length(const struct iovec *iov, unsigned n);

/* Copy between a buffer and the pieces, from @offset on. Return: bytes, less than @len at the end.
 */
size_t iov_read(const struct iovec *iov, unsigned n, uint64_t offset, void *buf, size_t len);
size_t iov_write(const struct iovec *iov, unsigned n, uint64_t offset, const void *buf, size_t len);

/* Takes the first @len bytes away; the vector itself is changed. */
void iov_skip(struct iovec **iov, unsigned *n, uint64_t len);

/* Leaves only the first @len bytes. */
void iov_truncate(struct iovec *iov, unsigned *n, uint64_t len);
