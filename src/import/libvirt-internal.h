/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of the mapper of libvirt's domain XML.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "import/map.h"

struct libvirt {
	struct draft *draft;
	struct arena *arena;
	struct item *root, *devices;
};

/*
 * Takes the text of @number as a size in @unit, of @usual bytes when that is NULL. Return: false
 * when it is NULL or no size, which is remarked.
 */
bool libvirt_scaled(struct libvirt *l, struct item *number, const struct item *unit, uint64_t usual,
		    uint64_t *ret);

/* The same where the unit is the number's attribute. */
bool libvirt_size(struct libvirt *l, struct item *item, uint64_t usual, uint64_t *ret);

void libvirt_map_cpus(struct libvirt *l);
void libvirt_map_memory(struct libvirt *l);

/* Each takes one element of <devices>. */
void libvirt_map_disk(struct libvirt *l, struct item *disk);
void libvirt_map_interface(struct libvirt *l, struct item *interface);
void libvirt_map_memory_device(struct libvirt *l, struct item *memory);
void libvirt_map_serial(struct libvirt *l, struct item *serial);
void libvirt_map_console(struct libvirt *l, struct item *console);
