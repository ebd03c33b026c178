/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses of unix sockets: sun_path holds 107 bytes, paths of state directories may be longer.
 */
#pragma once

#include <sys/un.h>

#include "base/compiler.h"

/**
 * unix_address() - the address of a socket file
 * @path: absolute
 * @ret: the address
 * @ret_fd: a descriptor to keep open while the address is used, or -1: close it after bind or
 * connect
 *
 * A path that is too long goes by its directory's descriptor. Return: 0 or a negative errno.
 */
int unix_address(const char *path, struct sockaddr_un *ret, int *ret_fd) must_use;
