/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio-mem (virtio 1.2 §5.15): memory that the guest takes and gives back in small blocks. No
 * description names it: `memory.hotplug: virtio-mem` makes it, and memory.size says how much there
 * should be.
 */
#pragma once

#include <stdint.h>

#include "graph/device-type.h"

/*
 * The guest may have up to @size bytes of it, and is told so; all of it lies in the first @usable
 * bytes of the region, which are RAM by now. Main thread.
 */
void virtio_mem_request(struct device *device, uint64_t size, uint64_t usable);

/* What the guest has taken, bytes. Any thread. */
uint64_t virtio_mem_plugged(struct device *device);

/* @fn is called on the main thread when that has changed. */
void virtio_mem_set_listener(struct device *device, void (*fn)(void *opaque), void *opaque);
