/* SPDX-License-Identifier: Apache-2.0 */
/*
 * File descriptors as owned values: -1 owns nothing; every descriptor is close-on-exec.
 */
#pragma once

#include <unistd.h>

#include "base/compiler.h"

/* Closes @fd if it is one, and returns -1 to be assigned to the variable that held it. */
static inline int fd_close(int fd)
{
	if (fd >= 0)
		close(fd);
	return -1;
}

static inline void fd_close_ptr(int *fd)
{
	*fd = fd_close(*fd);
}

/* Closes a descriptor at the end of its scope, for which alone it may be there. */
#define cleanup_fd cleanup(fd_close_ptr) unused

/**
 * fd_hold_in_kernel() - another hold on a file, which the kernel lets go of in its own time
 * @fd: a descriptor whose last close is slow
 *
 * When the descriptor that is returned is closed after @fd, or both at the end of the process, the
 * slow part is done by a thread of the kernel and nobody waits for it.
 *
 * Return: a descriptor, or a negative errno: then nothing changes.
 */
int fd_hold_in_kernel(int fd) must_use;

/* Gives the descriptor away: the variable no longer owns it. */
#define TAKE_FD(fd)                  \
	({                           \
		int take_fd_ = (fd); \
		(fd) = -1;           \
		take_fd_;            \
	})
