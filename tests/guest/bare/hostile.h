/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guests that mean harm. Each is a function that is called for round after round and does to the
 * machine whatever a guest can do, but end itself: it writes no reset or sleep register in the way
 * that works, sends itself no INIT, and lets devices write only to the playground, the end of RAM,
 * where it keeps nothing. What it does is a function of the seed.
 */
#pragma once

#include "bare-pci.h"

/* One guest: what it is called on the command line, and a round of it. */
struct hostile {
	const char *name;
	void (*round)(void);
};

extern const struct hostile hostile_ports, hostile_platform, hostile_ecam, hostile_cf8,
	hostile_bars, hostile_msix, hostile_queues, hostile_rings, hostile_requests, hostile_serial;

/* --- hostile.c --- */

uint64_t rnd(void);
unsigned rnd_below(unsigned n);
bool one_in(unsigned n);

/* A value such as breaks things: 0, all ones, a power of two or one beside it, small, or anything.
 */
uint64_t rnd_value(void);

/* The playground, and an address a device may be told: mostly there, or where no RAM is. */
enum { PLAYGROUND_SIZE = 4 << 20 };
uint64_t playground(void);
uint64_t rnd_address(void);

/* An access of 1, 2, 4 or 8 bytes; to ports of at most 4. */
unsigned rnd_width(void);
void poke(uint64_t address, unsigned width, uint64_t value);
void peek(uint64_t address, unsigned width);
void poke_port(uint16_t port, unsigned width, uint32_t value);
void peek_port(uint16_t port, unsigned width);

/* Reads and writes at @n random places of [@base, @base + @size), of any width and alignment. */
void poke_around(uint64_t base, uint64_t size, unsigned n);

/* The next virtio device, of any type, from a zeroed one on; false at the end. */
bool next_virtio(struct virtio_device *device);

/* Reset, then any of the features that are offered; false when the device refuses them. */
bool hostile_start(struct virtio_device *device);

/* virtio_queue() in the playground at @at; how many bytes from there on are taken, 0: no such
 * queue. */
uint64_t hostile_queue(struct virtio_device *device, struct virtqueue *queue, uint16_t index,
		       uint64_t at);
