/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A virtio driver for unit tests of devices: it sits in slot 1 of the fake machine's bus, brings
 * the device up by register writes, and puts buffers of the fake RAM into its queues.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "graph/graph.h"

#define DRIVER_SLOT   1
#define DRIVER_BAR    0x200000000ULL
#define DRIVER_MEMORY 0x400000000ULL /* of a device that brings some */
/* Queue N has its rings at (N + 1) * 64 KiB; buffers are the test's, from here on. */
#define DRIVER_BUFFERS 0x90000ULL

struct driver_buffer {
	uint64_t gpa;
	uint32_t len;
	bool in; /* the device writes it */
};

/*
 * A machine with a bus, and a node for a device of @type in it. Places are assigned as the graph
 * would; the caller sets the configuration and prepares and commits.
 */
struct machine *driver_machine(const struct device_type *type, const void *config,
			       struct graph_node *ret_node);
void driver_machine_fini(void); /* the device is destroyed */

/* Resets the device, negotiates @features and VERSION_1, sets @n queues and MSI-X, DRIVER_OK. */
void driver_bring_up(uint64_t features, unsigned n);
void driver_reset(void);
uint8_t driver_status(void);
uint64_t driver_offered_features(void);

uint64_t driver_config_read(unsigned offset, unsigned size);
void driver_config_write(unsigned offset, unsigned size, uint64_t value);

/* Makes a request of up to 8 buffers available, and kicks. Its head is the number of the request.
 */
void driver_add(unsigned queue, const struct driver_buffer *buffers, unsigned n);

/* Waits up to a second until @n more requests came back; the length of the last. -1: they did not.
 */
int64_t driver_wait(unsigned queue, unsigned n);
