/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The side of the address spaces that vCPUs use: dispatch, and the epochs that tell when a table or
 * a device that was taken out is no longer looked at.
 */
#pragma once

#include <pthread.h>
#include <stdint.h>

#include "base/list.h"
#include "machine/address-space.h"

#define IO_SPACES 2 /* ports and memory */

/* What the address spaces of a machine share: those who dispatch in them. */
struct io_domain {
	pthread_mutex_t lock; /* writers, the readers' list, retired tables */
	uint64_t epoch;       /* counts changes; from 1 */
	struct list readers;
	struct io_table *retired;
	unsigned n_spaces;
};

/* One thread that dispatches: a vCPU. */
struct io_reader {
	struct list link;
	uint64_t epoch;           /* the domain's when it entered a table; 0 while it is in none */
	unsigned hint[IO_SPACES]; /* index of the last region hit; only ever a guess */
};

void io_domain_init(struct io_domain *domain);
void io_domain_fini(struct io_domain *domain); /* no reader, no space is left */

void io_reader_init(struct io_reader *reader, struct io_domain *domain);
void io_reader_fini(struct io_reader *reader, struct io_domain *domain);

/* Empty; at most IO_SPACES in a domain. NULL when memory is short. */
struct address_space *address_space_create(struct io_domain *domain);
struct address_space *address_space_destroy(struct address_space *as); /* takes NULL */

/*
 * Dispatches an access of 1 to 8 bytes, anywhere. What nobody claims reads as ones and is dropped
 * when written; an access that is not 1, 2, 4 or 8 bytes, or passes the end of a region, is made of
 * single bytes. On the reader's thread, never from a callback.
 */
uint64_t address_space_read(struct address_space *as, struct io_reader *reader, uint64_t address,
			    unsigned size);
void address_space_write(struct address_space *as, struct io_reader *reader, uint64_t address,
			 unsigned size, uint64_t value);

/*
 * What answers where there is no region; its offset is the address. Before the first access.
 * Without it nobody does: ones are read.
 */
void address_space_set_background(struct address_space *as, const struct io_ops *ops, void *opaque);

/* Accesses that no region claimed so far. Any thread. */
uint64_t address_space_unclaimed(const struct address_space *as);
