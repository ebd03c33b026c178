/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the network layer.
 */
#pragma once

#include "net/net.h"

#define NET_MAX_QUEUES 16u

/* The first member of every backend. */
struct net_base {
	struct net_backend backend;
	int fds[NET_MAX_QUEUES];
};

int printf_like(3, 4) net_fail(struct net_failure *failure, int error, const char *fmt, ...);
void printf_like(2, 3) net_hint(struct net_failure *failure, const char *fmt, ...);

/* Ends the process. Takes NULL. Main thread. */
void net_passt_stop(struct net_passt *passt);
