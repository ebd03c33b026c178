/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A backend that carries frames over a stream, and the far end of it.
 */
#pragma once

#include <stddef.h>

struct net_backend;

/* The backend, and the socket that is its peer. */
struct net_backend *stream_pair(int *ret_peer);

/* A frame of @len bytes of @fill as it is on the wire. Return: its length there. */
size_t put_frame(unsigned char *at, size_t len, unsigned char fill);
