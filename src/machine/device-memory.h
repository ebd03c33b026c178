/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that a device brings into the machine: a file of the host that the guest sees as
 * guest-physical memory, shared with whoever else maps the file. Main thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"

struct device_memory;
struct machine;

/**
 * struct device_memory_params - what goes where
 * @gpa, @size: guest-physical place, multiples of 4 KiB
 * @slot: KVM memory slot of the graph's node
 * @fd: the file, at least @size bytes long; stays the caller's, open as long as the memory is there
 * @read_only: the guest cannot write it, and requests cannot put data there
 */
struct device_memory_params {
	uint64_t gpa, size;
	uint32_t slot;
	int fd;
	bool read_only;
};

/*
 * Maps the file; the guest sees nothing yet. No page is touched. Return: 0 or a negative errno:
 * -ERANGE where a guest of this host cannot address it.
 */
int device_memory_create(struct machine *machine, const struct device_memory_params *params,
			 struct device_memory **ret) must_use;

/* Puts it into the machine: the guest, and requests of devices, can use it. 0 or a negative errno.
 */
int device_memory_plug(struct device_memory *memory) must_use;

/**
 * struct device_memory_loss - what somebody else on the host has done to the file
 * @size: the file was cut short to so many bytes of the memory; all of them: it was not
 * @holes: pages before that could not be had: no room on the file system, or a disk error
 *
 * What is lost reads as zeros, and what is written there is nobody's.
 */
struct device_memory_loss {
	uint64_t size;
	bool holes;
};

/* Looks, too. Return: whether something is lost. The machine's owner is told when it happens. Any
 * thread. */
bool device_memory_lost(const struct device_memory *memory, struct device_memory_loss *ret);

/*
 * Takes it out of the machine, while the guest runs or not, and unmaps the file. Requests in flight
 * that have buffers in it end somewhere harmless. Takes NULL. Returns NULL.
 */
struct device_memory *device_memory_destroy(struct device_memory *memory);
