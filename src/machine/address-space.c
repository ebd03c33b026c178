/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Address spaces: immutable sorted tables, replaced by pointer swap.
 *
 * A vCPU publishes the epoch in which it enters a table, and 0 when it leaves. A table that was
 * replaced is stamped with the epoch that its replacement began; it is freed by a later change,
 * when every vCPU that is in a table entered at that epoch or later. So neither side waits, and a
 * guest that moves a BAR for ever makes no heap of old tables.
 */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "machine/address-space-internal.h"

struct io_table {
	struct io_table *next_retired;
	uint64_t stamp;
	size_t n;
	struct io_region regions[]; /* sorted, apart */
};

struct address_space {
	struct io_domain *domain;
	struct io_table *table;
	unsigned index;                  /* of the hint */
	const struct io_ops *background; /* or NULL */
	void *background_opaque;
	uint64_t unclaimed;
};

void io_domain_init(struct io_domain *domain)
{
	*domain = (struct io_domain){.epoch = 1};
	pthread_mutex_init(&domain->lock, NULL);
	list_init(&domain->readers);
}

/* The smallest epoch among the readers that are in a table. */
static uint64_t oldest_reader(const struct io_domain *domain)
{
	uint64_t oldest = UINT64_MAX;
	struct io_reader *reader;

	list_for_each (reader, &domain->readers, link) {
		uint64_t epoch = __atomic_load_n(&reader->epoch, __ATOMIC_SEQ_CST);

		if (epoch)
			oldest = MIN(oldest, epoch);
	}
	return oldest;
}

static void reclaim(struct io_domain *domain)
{
	uint64_t oldest = oldest_reader(domain);

	for (struct io_table **p = &domain->retired; *p;) {
		struct io_table *table = *p;

		if (table->stamp > oldest) {
			p = &table->next_retired;
			continue;
		}
		*p = table->next_retired;
		free(table);
	}
}

void io_domain_fini(struct io_domain *domain)
{
	reclaim(domain);
	pthread_mutex_destroy(&domain->lock);
}

void io_reader_init(struct io_reader *reader, struct io_domain *domain)
{
	*reader = (struct io_reader){.epoch = 0};
	pthread_mutex_lock(&domain->lock);
	list_add_tail(&domain->readers, &reader->link);
	pthread_mutex_unlock(&domain->lock);
}

void io_reader_fini(struct io_reader *reader, struct io_domain *domain)
{
	pthread_mutex_lock(&domain->lock);
	list_del(&reader->link);
	pthread_mutex_unlock(&domain->lock);
}

static struct io_table *table_alloc(size_t n)
{
	struct io_table *table = calloc(1, sizeof(*table) + n * sizeof(table->regions[0]));

	if (table)
		table->n = n;
	return table;
}

struct address_space *address_space_create(struct io_domain *domain)
{
	struct address_space *as = calloc(1, sizeof(*as));

	if (!as)
		return NULL;
	as->table = table_alloc(0);
	if (!as->table) {
		free(as);
		return NULL;
	}
	as->domain = domain;
	as->index = domain->n_spaces++;
	invariant(as->index < IO_SPACES);
	return as;
}

struct address_space *address_space_destroy(struct address_space *as)
{
	if (!as)
		return NULL;
	free(as->table);
	free(as);
	return NULL;
}

/* Index of the first region that ends at @address or above. */
static size_t first_above(const struct io_table *table, uint64_t address)
{
	size_t lo = 0, hi = table->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (table->regions[mid].base + (table->regions[mid].size - 1) < address)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* Under the lock: readers find @table from now on. */
static void publish(struct address_space *as, struct io_table *table)
{
	struct io_domain *domain = as->domain;
	struct io_table *old = as->table;

	__atomic_store_n(&as->table, table, __ATOMIC_SEQ_CST);
	old->stamp = __atomic_add_fetch(&domain->epoch, 1, __ATOMIC_SEQ_CST);
	old->next_retired = domain->retired;
	domain->retired = old;
	reclaim(domain);
}

static int add_locked(struct address_space *as, const struct io_region *region)
{
	const struct io_table *old = as->table;
	uint64_t last = region->base + (region->size - 1);
	size_t at = first_above(old, region->base);
	struct io_table *table;

	if (at < old->n && old->regions[at].base <= last)
		return -EEXIST;
	table = table_alloc(old->n + 1);
	if (!table)
		return -ENOMEM;
	memcpy(table->regions, old->regions, at * sizeof(old->regions[0]));
	table->regions[at] = *region;
	memcpy(table->regions + at + 1, old->regions + at, (old->n - at) * sizeof(old->regions[0]));
	publish(as, table);
	return 0;
}

int address_space_add(struct address_space *as, const struct io_region *region)
{
	int r;

	if (region->size == 0 || region->base + (region->size - 1) < region->base)
		return -EINVAL;
	pthread_mutex_lock(&as->domain->lock);
	r = add_locked(as, region);
	pthread_mutex_unlock(&as->domain->lock);
	return r;
}

static int remove_locked(struct address_space *as, uint64_t base)
{
	const struct io_table *old = as->table;
	size_t at = first_above(old, base);
	struct io_table *table;

	if (at == old->n || old->regions[at].base != base)
		return -ENOENT;
	table = table_alloc(old->n - 1);
	if (!table)
		return -ENOMEM;
	memcpy(table->regions, old->regions, at * sizeof(old->regions[0]));
	memcpy(table->regions + at, old->regions + at + 1,
	       (old->n - at - 1) * sizeof(old->regions[0]));
	publish(as, table);
	return 0;
}

int address_space_remove(struct address_space *as, uint64_t base)
{
	int r;

	pthread_mutex_lock(&as->domain->lock);
	r = remove_locked(as, base);
	pthread_mutex_unlock(&as->domain->lock);
	return r;
}

void address_space_quiesce(struct address_space *as)
{
	struct io_domain *domain = as->domain;
	uint64_t target = __atomic_add_fetch(&domain->epoch, 1, __ATOMIC_SEQ_CST);
	bool busy;

	/* Callbacks are short, and a vCPU in the guest is in no table: this seldom turns twice. */
	do {
		pthread_mutex_lock(&domain->lock);
		busy = oldest_reader(domain) < target;
		if (!busy)
			reclaim(domain);
		pthread_mutex_unlock(&domain->lock);
		if (busy)
			sched_yield();
	} while (busy);
}

static const struct io_table *enter(const struct address_space *as, struct io_reader *reader)
{
	/*
	 * The order is what the scheme stands on: the epoch is seen by writers before the table is
	 * looked at, and writers look at epochs after they have changed the table.
	 */
	__atomic_store_n(&reader->epoch, __atomic_load_n(&as->domain->epoch, __ATOMIC_SEQ_CST),
			 __ATOMIC_SEQ_CST);
	return __atomic_load_n(&as->table, __ATOMIC_SEQ_CST);
}

static void leave(struct io_reader *reader)
{
	__atomic_store_n(&reader->epoch, 0, __ATOMIC_RELEASE);
}

static bool covers(const struct io_region *region, uint64_t address)
{
	return address >= region->base && address - region->base < region->size;
}

static const struct io_region *find(const struct address_space *as, const struct io_table *table,
				    struct io_reader *reader, uint64_t address)
{
	size_t i = reader->hint[as->index];

	if (i < table->n && covers(&table->regions[i], address))
		return &table->regions[i];
	i = first_above(table, address);
	if (i == table->n || !covers(&table->regions[i], address))
		return NULL;
	reader->hint[as->index] = (unsigned)i;
	return &table->regions[i];
}

/* Whether the access can be handed to the region as it is. */
static bool fits(const struct io_region *region, uint64_t address, unsigned size)
{
	return IS_POWER_OF_2(size) && size <= region->size - (address - region->base);
}

static uint64_t ones(unsigned size)
{
	return size >= 8 ? UINT64_MAX : (1ULL << size * 8) - 1;
}

static uint64_t read_one(struct address_space *as, const struct io_region *region, uint64_t address,
			 unsigned size)
{
	if (!region) {
		__atomic_add_fetch(&as->unclaimed, 1, __ATOMIC_RELAXED);
		if (!as->background)
			return ones(size);
		return as->background->read(as->background_opaque, address, size) & ones(size);
	}
	return region->ops->read(region->opaque, address - region->base, size) & ones(size);
}

static void write_one(struct address_space *as, const struct io_region *region, uint64_t address,
		      unsigned size, uint64_t value)
{
	if (!region) {
		__atomic_add_fetch(&as->unclaimed, 1, __ATOMIC_RELAXED);
		if (as->background)
			as->background->write(as->background_opaque, address, size,
					      value & ones(size));
	} else {
		region->ops->write(region->opaque, address - region->base, size,
				   value & ones(size));
	}
}

uint64_t address_space_read(struct address_space *as, struct io_reader *reader, uint64_t address,
			    unsigned size)
{
	const struct io_table *table = enter(as, reader);
	const struct io_region *region = find(as, table, reader, address);
	uint64_t value = 0;

	if (region && fits(region, address, size)) {
		value = read_one(as, region, address, size);
	} else {
		for (unsigned i = 0; i < size; i++) {
			region = find(as, table, reader, address + i);
			value |= read_one(as, region, address + i, 1) << i * 8;
		}
	}
	leave(reader);
	return value;
}

void address_space_write(struct address_space *as, struct io_reader *reader, uint64_t address,
			 unsigned size, uint64_t value)
{
	const struct io_table *table = enter(as, reader);
	const struct io_region *region = find(as, table, reader, address);

	if (region && fits(region, address, size)) {
		write_one(as, region, address, size, value);
	} else {
		for (unsigned i = 0; i < size; i++) {
			region = find(as, table, reader, address + i);
			write_one(as, region, address + i, 1, value >> i * 8);
		}
	}
	leave(reader);
}

void address_space_set_background(struct address_space *as, const struct io_ops *ops, void *opaque)
{
	as->background = ops;
	as->background_opaque = opaque;
}

uint64_t address_space_unclaimed(const struct address_space *as)
{
	return __atomic_load_n(&as->unclaimed, __ATOMIC_RELAXED);
}
