/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guest memory: the only way to touch it. Guest-physical addresses and lengths come from the guest
 * and are never trusted.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/compiler.h"

struct guest_memory;

/**
 * guest_memory_host() - the host address of a guest-physical range
 * @mem: guest memory
 * @gpa: guest-physical address, hostile
 * @len: bytes, hostile; 0 gives NULL
 *
 * Any thread. The pointer is good until the region is removed, which waits until the device that
 * holds it has been paused.
 *
 * Return: the address, or NULL unless the whole range lies in one RAM region. Memory of a device
 * (persistent memory) is none: it can be taken away while someone holds the pointer.
 */
void *guest_memory_host(const struct guest_memory *mem, uint64_t gpa, uint64_t len) must_use;

/* Copies that may cross regions that touch. Return: 0, or -EFAULT and nothing is said of the
 * buffer. */
int guest_memory_read(const struct guest_memory *mem, uint64_t gpa, void *buf, size_t len) must_use;
int guest_memory_write(struct guest_memory *mem, uint64_t gpa, const void *buf,
		       size_t len) must_use;

/*
 * Maps a range to at most @max pieces. They are good until the request that they belong to has been
 * answered, also when the memory goes meanwhile. Return: how many, or -EFAULT (no memory, or such
 * as cannot be written), -E2BIG (more pieces than @max).
 */
int guest_memory_iov(const struct guest_memory *mem, uint64_t gpa, uint64_t len, struct iovec *iov,
		     unsigned max) must_use;

/* The same for what is only read: pieces may be memory that cannot be written. */
int guest_memory_iov_source(const struct guest_memory *mem, uint64_t gpa, uint64_t len,
			    struct iovec *iov, unsigned max) must_use;
