/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/io_uring.h>
#include <sys/syscall.h>

#include "base/fd.h"

/*
 * An io_uring holds the files that are registered with it, and is itself taken down by a work
 * queue. It is used for nothing else, so its rings are not mapped, which liburing would do.
 */
int fd_hold_in_kernel(int fd)
{
	struct io_uring_params params = {0};
	cleanup_fd int ring = (int)syscall(__NR_io_uring_setup, 1, &params);

	if (ring < 0 || syscall(__NR_io_uring_register, ring, IORING_REGISTER_FILES, &fd, 1) < 0)
		return -errno;
	return TAKE_FD(ring);
}
