/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses of unix sockets.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "control/address.h"

int unix_address(const char *path, struct sockaddr_un *ret, int *ret_fd)
{
	const char *slash = strrchr(path, '/');
	cleanup_free char *directory = NULL;
	cleanup_fd int fd = -1;

	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	*ret_fd = -1;
	if (strlen(path) < sizeof(ret->sun_path)) {
		memcpy(ret->sun_path, path, strlen(path));
		return 0;
	}
	directory = slash ? strndup(path, (size_t)(slash - path)) : NULL;
	if (!directory)
		return slash ? -ENOMEM : -ENAMETOOLONG;
	fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (snprintf(ret->sun_path, sizeof(ret->sun_path), "/proc/self/fd/%d%s", fd, slash) >=
	    (int)sizeof(ret->sun_path))
		return -ENAMETOOLONG;
	*ret_fd = TAKE_FD(fd);
	return 0;
}
