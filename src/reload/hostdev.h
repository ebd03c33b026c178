/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Devices of the host that come and go, for `match`. What is there is asked of udev whenever a plan
 * is made; its events only say that it is time to ask again. libudev is opened when the first
 * description needs it. Main thread.
 */
#pragma once

#include <stddef.h>

struct graph;
struct hostdev;
struct loop;
struct plan_running;

/*
 * @changed: something came, went or changed on the host, some milliseconds ago. Nothing is opened
 * before the first hostdev_resolve() that needs it.
 */
struct hostdev *hostdev_create(struct loop *loop, void (*changed)(void *opaque), void *opaque);

/* Takes NULL. Returns NULL. */
struct hostdev *hostdev_destroy(struct hostdev *hostdev);

/**
 * hostdev_resolve() - find what `match` of each device stands for now
 * @graph: the hosts of its nodes are written
 * @running: the nodes that run, @n of them: a device that still matches is kept, and given to
 * nobody else
 *
 * A device that is written must be the one that was meant: where several match, none is taken.
 */
void hostdev_resolve(struct hostdev *hostdev, const struct graph *graph,
		     const struct plan_running *running, size_t n);
