/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guest memory: the map of RAM, and bounds-checked access to it.
 */
#include <errno.h>
#include <string.h>

#include "machine/memory-map.h"
#include "machine/memory.h"

/* Memory of a device may be no place for rings, and may be for reading only. */
struct region {
	uint64_t gpa, size;
	uint8_t *host;
	bool device, read_only;
};

struct map {
	struct map *retired; /* the one it replaced, until nobody can be reading that */
	size_t n;
	struct region regions[]; /* sorted, apart */
};

struct guest_memory {
	struct map *map;
};

static struct map *current(const struct guest_memory *mem)
{
	return __atomic_load_n(&mem->map, __ATOMIC_ACQUIRE);
}

static struct map *map_alloc(size_t n)
{
	struct map *map = calloc(1, sizeof(*map) + n * sizeof(map->regions[0]));

	if (map)
		map->n = n;
	return map;
}

struct guest_memory *guest_memory_create(void)
{
	struct guest_memory *mem = calloc(1, sizeof(*mem));

	if (!mem)
		return NULL;
	mem->map = map_alloc(0);
	if (!mem->map) {
		free(mem);
		return NULL;
	}
	return mem;
}

static void free_retired(struct map *map)
{
	struct map *retired = map->retired;

	map->retired = NULL;
	while (retired) {
		struct map *next = retired->retired;

		free(retired);
		retired = next;
	}
}

struct guest_memory *guest_memory_destroy(struct guest_memory *mem)
{
	if (!mem)
		return NULL;
	free_retired(mem->map);
	free(mem->map);
	free(mem);
	return NULL;
}

/* Index of the first region that ends above @gpa. */
static size_t first_above(const struct map *map, uint64_t gpa)
{
	size_t lo = 0, hi = map->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (map->regions[mid].gpa + (map->regions[mid].size - 1) < gpa)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static const struct region *region_at(const struct map *map, uint64_t gpa)
{
	size_t i = first_above(map, gpa);

	return i == map->n || gpa < map->regions[i].gpa ? NULL : &map->regions[i];
}

/* The longest piece of memory at @gpa in one region: its host address and length; NULL for none. */
static uint8_t *piece_at(const struct map *map, uint64_t gpa, bool write, uint64_t *ret_len)
{
	const struct region *r = region_at(map, gpa);

	if (!r || (write && r->read_only))
		return NULL;
	*ret_len = r->size - (gpa - r->gpa);
	return r->host + (gpa - r->gpa);
}

static void publish(struct guest_memory *mem, struct map *map)
{
	map->retired = mem->map;
	__atomic_store_n(&mem->map, map, __ATOMIC_RELEASE);
}

static int add_region(struct guest_memory *mem, const struct region *region)
{
	const struct map *old = mem->map;
	uint64_t gpa = region->gpa, size = region->size;
	size_t at = first_above(old, gpa);
	struct map *map;

	/* No region reaches the end of 64 bits, so no sum of an address in one and a length wraps.
	 */
	if (gpa + size <= gpa)
		return -EINVAL;
	if (at < old->n && old->regions[at].gpa <= gpa + (size - 1))
		return -EEXIST;
	map = map_alloc(old->n + 1);
	if (!map)
		return -ENOMEM;
	memcpy(map->regions, old->regions, at * sizeof(old->regions[0]));
	map->regions[at] = *region;
	memcpy(map->regions + at + 1, old->regions + at, (old->n - at) * sizeof(old->regions[0]));
	publish(mem, map);
	return 0;
}

int guest_memory_add(struct guest_memory *mem, uint64_t gpa, uint64_t size, void *host)
{
	return add_region(mem, &(struct region){.gpa = gpa, .size = size, .host = host});
}

int guest_memory_add_device(struct guest_memory *mem, uint64_t gpa, uint64_t size, void *host,
			    bool read_only)
{
	return add_region(mem, &(struct region){gpa, size, host, true, read_only});
}

int guest_memory_remove(struct guest_memory *mem, uint64_t gpa)
{
	const struct map *old = mem->map;
	size_t at = first_above(old, gpa);
	struct map *map;

	if (at == old->n || old->regions[at].gpa != gpa)
		return -ENOENT;
	map = map_alloc(old->n - 1);
	if (!map)
		return -ENOMEM;
	memcpy(map->regions, old->regions, at * sizeof(old->regions[0]));
	memcpy(map->regions + at, old->regions + at + 1, (map->n - at) * sizeof(old->regions[0]));
	publish(mem, map);
	return 0;
}

void guest_memory_reclaim(struct guest_memory *mem)
{
	free_retired(mem->map);
}

void *guest_memory_host(const struct guest_memory *mem, uint64_t gpa, uint64_t len)
{
	const struct region *r = region_at(current(mem), gpa);

	if (!r || r->device || len == 0 || len > r->size - (gpa - r->gpa))
		return NULL;
	return r->host + (gpa - r->gpa);
}

int guest_memory_read(const struct guest_memory *mem, uint64_t gpa, void *buf, size_t len)
{
	const struct map *map = current(mem);
	uint8_t *to = buf;

	while (len > 0) {
		uint64_t have;
		const uint8_t *host = piece_at(map, gpa, false, &have);
		size_t n;

		if (!host)
			return -EFAULT;
		n = (size_t)MIN(have, (uint64_t)len);
		memcpy(to, host, n);
		to += n;
		gpa += n;
		len -= n;
	}
	return 0;
}

int guest_memory_write(struct guest_memory *mem, uint64_t gpa, const void *buf, size_t len)
{
	const struct map *map = current(mem);
	const uint8_t *from = buf;

	while (len > 0) {
		uint64_t have;
		uint8_t *host = piece_at(map, gpa, true, &have);
		size_t n;

		if (!host)
			return -EFAULT;
		n = (size_t)MIN(have, (uint64_t)len);
		memcpy(host, from, n);
		from += n;
		gpa += n;
		len -= n;
	}
	return 0;
}

static int to_iov(const struct map *map, bool write, uint64_t gpa, uint64_t len, struct iovec *iov,
		  unsigned max)
{
	unsigned n = 0;

	while (len > 0) {
		uint64_t have;
		uint8_t *host = piece_at(map, gpa, write, &have);

		if (!host)
			return -EFAULT;
		if (n == max)
			return -E2BIG;
		have = MIN(have, len);
		iov[n++] = (struct iovec){.iov_base = host, .iov_len = have};
		gpa += have;
		len -= have;
	}
	return (int)n;
}

int guest_memory_iov(const struct guest_memory *mem, uint64_t gpa, uint64_t len, struct iovec *iov,
		     unsigned max)
{
	return to_iov(current(mem), true, gpa, len, iov, max);
}

int guest_memory_iov_source(const struct guest_memory *mem, uint64_t gpa, uint64_t len,
			    struct iovec *iov, unsigned max)
{
	return to_iov(current(mem), false, gpa, len, iov, max);
}
