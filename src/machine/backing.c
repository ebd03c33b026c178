/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of mappings that can lose pages. It is read in a signal handler, so it is a fixed table
 * under a spin lock; who holds that touches no memory that can fault. An entry goes when something
 * else is mapped in its place, so a thread that comes late finds its page there.
 */
#include <errno.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "machine/backing.h"

#define PAGE 4096ULL

/* The constants of Linux 5.14, for headers that are older. */
#define POPULATE_READ  22
#define POPULATE_WRITE 23

/* As many as there can be devices that bring memory, those on their way out included. */
#define BACKINGS_MAX 128

/* Of a file, so that one made of holes alone ends. */
#define HOLES_MAX 4096

struct backing {
	uint8_t *host; /* NULL: the entry is free */
	uint64_t size, gpa;
	int fd, wake_fd;
	bool regular; /* a file that can be cut short, not a block device */
	bool read_only;
	_Atomic uint64_t good; /* bytes that are still the file's */
	atomic_bool holes;     /* some of these are not, either */
};

static struct backing table[BACKINGS_MAX];
static atomic_flag lock = ATOMIC_FLAG_INIT;
static atomic_uint mends;

static void take_lock(void)
{
	while (atomic_flag_test_and_set_explicit(&lock, memory_order_acquire))
		__builtin_ia32_pause();
}

static void drop_lock(void)
{
	atomic_flag_clear_explicit(&lock, memory_order_release);
}

static bool replace(struct backing *b, uint64_t offset, uint64_t size)
{
	const int protection = PROT_READ | (b->read_only ? 0 : PROT_WRITE);
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED;

	return mmap(b->host + offset, size, protection, flags, -1, 0) != MAP_FAILED;
}

/* After the entry says what was lost. */
static void tell(struct backing *b)
{
	const uint64_t one = 1;

	atomic_fetch_add(&mends, 1);
	(void)!write(b->wake_fd, &one, sizeof(one));
}

static void note_hole(struct backing *b)
{
	atomic_store(&b->holes, true);
	tell(b);
}

/* The page in which a file ends is there. Return: false when what is missing cannot be replaced. */
static bool follow_size(struct backing *b)
{
	uint64_t good = atomic_load(&b->good), now;
	struct stat st;

	if (!b->regular || fstat(b->fd, &st) < 0)
		return true;
	now = ALIGN_UP((uint64_t)st.st_size, PAGE);
	if (now >= good)
		return true;
	if (!replace(b, now, good - now))
		return false;
	atomic_store(&b->good, now);
	tell(b);
	return true;
}

static bool can_be_had(const void *page, bool read_only)
{
	return madvise((void *)page, PAGE, read_only ? POPULATE_READ : POPULATE_WRITE) == 0;
}

static bool mend_page(struct backing *b, uint64_t offset)
{
	/* Another thread was here before. */
	if (offset >= atomic_load(&b->good) || can_be_had(b->host + offset, b->read_only))
		return true;
	if (!replace(b, offset, PAGE))
		return false;
	note_hole(b);
	return true;
}

static bool mend_at(struct backing *b, uint64_t offset)
{
	return follow_size(b) && mend_page(b, ALIGN_DOWN(offset, PAGE));
}

/* One page of a hole stands for all of it. */
static void mend_holes(struct backing *b)
{
	const uint64_t good = atomic_load(&b->good);
	off_t at = 0;

	for (unsigned i = 0; i < HOLES_MAX && (uint64_t)at < good; i++) {
		off_t hole = lseek(b->fd, at, SEEK_HOLE), end;
		uint64_t from, to;

		if (hole < 0 || (uint64_t)hole >= good)
			return;
		end = lseek(b->fd, hole, SEEK_DATA);
		from = ALIGN_UP((uint64_t)hole, PAGE);
		at = end < 0 ? (off_t)good : end;
		to = MIN(ALIGN_DOWN((uint64_t)at, PAGE), good);
		if (from < to && !can_be_had(b->host + from, false) && replace(b, from, to - from))
			note_hole(b);
	}
}

static struct backing *find(uintptr_t address)
{
	for (unsigned i = 0; i < BACKINGS_MAX; i++)
		if (table[i].host && address - (uintptr_t)table[i].host < table[i].size)
			return &table[i];
	return NULL;
}

/* 1: something can be had there, 0: it cannot, -1: no file is known to be there. */
static int mend(uintptr_t address)
{
	struct backing *b;
	int r = -1;

	take_lock();
	b = find(address);
	if (b)
		r = mend_at(b, address - (uintptr_t)b->host);
	drop_lock();
	return r;
}

/* A thread that saw the page of a mapping which has just gone finds another there: but once. */
static bool on_fault(uintptr_t address)
{
	static _Atomic uintptr_t last;
	int r = mend(address);

	if (r >= 0)
		return r > 0;
	return atomic_exchange(&last, address) != address &&
	       can_be_had((void *)ALIGN_DOWN(address, PAGE), true);
}

int backing_add(void *host, uint64_t size, uint64_t gpa, int fd, bool read_only, int wake_fd,
		struct backing **ret)
{
	struct backing *b = NULL;
	struct stat st;
	int r;

	if (fstat(fd, &st) < 0)
		return -errno;
	r = fault_install(on_fault);
	if (r < 0)
		return r;
	take_lock();
	for (unsigned i = 0; i < BACKINGS_MAX && !b; i++)
		if (!table[i].host)
			b = &table[i];
	if (b) {
		b->size = size;
		b->gpa = gpa;
		b->fd = fd;
		b->wake_fd = wake_fd;
		b->regular = S_ISREG(st.st_mode);
		b->read_only = read_only;
		atomic_store(&b->good, size);
		atomic_store(&b->holes, false);
		b->host = host;
	}
	drop_lock();
	if (!b)
		return -ENOSPC;
	*ret = b;
	return 0;
}

struct backing *backing_remove(struct backing *b)
{
	if (!b)
		return NULL;
	take_lock();
	b->host = NULL;
	drop_lock();
	return NULL;
}

unsigned backing_mend_all(void)
{
	take_lock();
	for (unsigned i = 0; i < BACKINGS_MAX; i++)
		if (table[i].host)
			(void)!follow_size(&table[i]);
	drop_lock();
	return atomic_load(&mends);
}

unsigned backing_mend_at(uint64_t gpa)
{
	take_lock();
	for (unsigned i = 0; i < BACKINGS_MAX; i++)
		if (table[i].host && gpa - table[i].gpa < table[i].size)
			(void)!mend_at(&table[i], gpa - table[i].gpa);
	drop_lock();
	return atomic_load(&mends);
}

unsigned backing_mend_holes(void)
{
	take_lock();
	for (unsigned i = 0; i < BACKINGS_MAX; i++)
		if (table[i].host && table[i].regular && !table[i].read_only)
			mend_holes(&table[i]);
	drop_lock();
	return atomic_load(&mends);
}

uint64_t backing_size(const struct backing *b)
{
	return atomic_load(&b->good);
}

bool backing_has_holes(const struct backing *b)
{
	return atomic_load(&b->holes);
}
