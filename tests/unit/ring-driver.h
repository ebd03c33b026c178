/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The driver's side of one split virtqueue in the fake machine, for tests of devices: requests of
 * any pieces, one descriptor chain each, no reuse of descriptors that are in flight.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "virtio/virtqueue-setup.h"

struct ring {
	struct virtqueue vq;
	struct vring_desc *desc;
	uint16_t *avail, *used;
	uint16_t avail_idx, used_seen, next_desc;
	unsigned interrupts, broken;
};

struct ring_piece {
	uint64_t gpa;
	uint32_t len;
	bool in; /* the device writes it */
};

/* A queue of @size entries whose rings take 16 KiB at @gpa; fake_machine_init() came before. */
void ring_start(struct ring *ring, uint64_t gpa, uint16_t size);
void ring_stop(struct ring *ring);

/* Makes a request available. Return: its head. */
uint16_t ring_add(struct ring *ring, const struct ring_piece *pieces, unsigned n);

/* The next used element, waiting up to two seconds. Return: false when there is none. */
bool ring_used(struct ring *ring, uint16_t *ret_head, uint32_t *ret_len);
bool ring_used_now(struct ring *ring, uint16_t *ret_head, uint32_t *ret_len);
