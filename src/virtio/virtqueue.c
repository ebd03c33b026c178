/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The split virtqueue, device side. The guest writes descriptors and the available ring at any
 * time, so every value is loaded once and checked after the load. Memory is little-endian, as x86
 * is.
 *
 * Ordering (virtio 1.2 §2.7.13, §2.7.21): the available index is loaded with acquire before the
 * entries it covers; the used index is stored with release after the entries it covers; a full
 * barrier stands between publishing what the other side looks at (used index, available event) and
 * looking at what it published (used event, available index).
 */
#include <errno.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <string.h>
#include <sys/eventfd.h>

#include "base/fd.h"
#include "base/iov.h"
#include "machine/memory.h"
#include "virtio/virtqueue-setup.h"

/* virtio 1.2 §2.7.5; the layout is linux/virtio_ring.h's vring_desc. */
struct virtq_desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags, next;
};

/* 16-bit words of the rings: flags, index, entries, event. */
#define RING_FLAGS   0
#define RING_INDEX   1
#define RING_ENTRIES 2
#define USED_WORDS   4 /* a used element: id and length, 32 bits each */

static uint16_t load16(const uint16_t *p)
{
	return __atomic_load_n(p, __ATOMIC_RELAXED);
}

static void store16(uint16_t *p, uint16_t value)
{
	__atomic_store_n(p, value, __ATOMIC_RELAXED);
}

static void full_barrier(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static const uint16_t *used_event(const struct virtqueue *vq)
{
	return vq->avail + RING_ENTRIES + vq->size;
}

static uint16_t *avail_event(struct virtqueue *vq)
{
	return vq->used + RING_ENTRIES + USED_WORDS * vq->size;
}

void virtqueue_init(struct virtqueue *vq, unsigned index, uint16_t max_size,
		    struct guest_memory *mem, const struct virtqueue_ops *ops, void *owner)
{
	*vq = (struct virtqueue){
		.index = index,
		.mem = mem,
		.ops = ops,
		.owner = owner,
		.kick_fd = -1,
	};
	virtqueue_reset(vq, max_size);
}

void virtqueue_fini(struct virtqueue *vq)
{
	invariant(!vq->desc && !vq->source);
	vq->kick_fd = fd_close(vq->kick_fd);
}

void virtqueue_reset(struct virtqueue *vq, uint16_t max_size)
{
	invariant(!vq->desc);
	vq->size = max_size;
	vq->enabled = false;
	vq->desc_gpa = vq->avail_gpa = vq->used_gpa = 0;
	__atomic_store_n(&vq->vector, VIRTQ_NO_VECTOR, __ATOMIC_RELAXED);
}

bool virtqueue_size_valid(uint16_t size, uint16_t max_size)
{
	return IS_POWER_OF_2(size) && size <= max_size;
}

int virtqueue_start(struct virtqueue *vq, uint64_t features)
{
	size_t avail_len = (RING_ENTRIES + vq->size + 1) * sizeof(uint16_t);
	size_t used_len = (RING_ENTRIES + USED_WORDS * vq->size + 1) * sizeof(uint16_t);
	const struct virtq_desc *desc;
	const uint16_t *avail;
	uint16_t *used;

	if (!IS_ALIGNED(vq->desc_gpa, VRING_DESC_ALIGN_SIZE) ||
	    !IS_ALIGNED(vq->avail_gpa, VRING_AVAIL_ALIGN_SIZE) ||
	    !IS_ALIGNED(vq->used_gpa, VRING_USED_ALIGN_SIZE))
		return -EINVAL;
	desc = guest_memory_host(vq->mem, vq->desc_gpa, vq->size * sizeof(*desc));
	avail = guest_memory_host(vq->mem, vq->avail_gpa, avail_len);
	used = guest_memory_host(vq->mem, vq->used_gpa, used_len);
	if (!desc || !avail || !used)
		return -EFAULT;
	if (vq->kick_fd < 0) {
		int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

		if (fd < 0)
			return -errno;
		__atomic_store_n(&vq->kick_fd, fd, __ATOMIC_RELEASE);
	}
	vq->desc = desc;
	vq->avail = avail;
	vq->used = used;
	vq->event_idx = features & (1ULL << VIRTIO_RING_F_EVENT_IDX);
	vq->indirect = features & (1ULL << VIRTIO_RING_F_INDIRECT_DESC);
	vq->last_avail = vq->used_idx = vq->notified_used_idx = 0;
	vq->kicks = true;
	vq->broken = false;
	vq->budget = VIRTQ_NO_BUDGET;
	return 0;
}

void virtqueue_stop(struct virtqueue *vq)
{
	invariant(!vq->source);
	vq->desc = NULL;
	vq->avail = NULL;
	vq->used = NULL;
}

static int broken(struct virtqueue *vq, const char *why)
{
	vq->broken = true;
	vq->ops->broken(vq, why);
	return -EPROTO;
}

/* How many requests the guest says wait; more than the queue holds is a lie. */
static uint16_t available(const struct virtqueue *vq)
{
	return (uint16_t)(__atomic_load_n(vq->avail + RING_INDEX, __ATOMIC_ACQUIRE) -
			  vq->last_avail);
}

/* Kicks are wanted for what comes after the last request taken. Returns whether something is there.
 */
static bool arm_kick(struct virtqueue *vq)
{
	if (vq->event_idx)
		store16(avail_event(vq), vq->last_avail);
	else
		store16(vq->used + RING_FLAGS, 0);
	full_barrier();
	return available(vq) != 0;
}

/* One load of a descriptor: the guest may change it behind, and nothing is read twice. */
static struct virtq_desc load_desc(const struct virtq_desc *table, unsigned i)
{
	struct virtq_desc desc;

	/* An indirect table need not be aligned. */
	memcpy(&desc, (const char *)table + i * sizeof(desc), sizeof(desc));
	__asm__ volatile("" : : : "memory");
	return desc;
}

/* Adds a buffer's host pieces to the chain. NULL, or what is wrong with it. */
static const char *add_buffer(struct virtqueue *vq, struct virtq_chain *chain,
			      const struct virtq_desc *desc)
{
	unsigned n_iov = chain->n_out + chain->n_in;
	bool in = desc->flags & VRING_DESC_F_WRITE;
	int n = 0;

	if (!in && chain->n_in)
		return "a buffer to read follows one to write";
	if (desc->len) {
		n = (in ? guest_memory_iov : guest_memory_iov_source)(
			vq->mem, desc->addr, desc->len, chain->iov + n_iov, chain->max_iov - n_iov);
		if (n == -E2BIG)
			return "a request has more pieces than the device takes";
		if (n < 0)
			return "a buffer is not in memory";
	}
	if (in) {
		chain->n_in += (unsigned)n;
		chain->in_len += desc->len;
	} else {
		chain->n_out += (unsigned)n;
		chain->out_len += desc->len;
	}
	if (chain->in_len + chain->out_len > UINT32_MAX)
		return "a request is longer than 4 GiB";
	return NULL;
}

/* Walks an indirect table: @desc is the descriptor that points to it (§2.7.5.3). */
static const char *add_indirect(struct virtqueue *vq, struct virtq_chain *chain,
				const struct virtq_desc *desc)
{
	unsigned n = desc->len / sizeof(*desc), i = 0;
	const struct virtq_desc *table;

	if (!vq->indirect || desc->flags & VRING_DESC_F_NEXT)
		return "an indirect descriptor that was not agreed on";
	if (n == 0 || n > VIRTQ_MAX_SIZE || desc->len % sizeof(*desc))
		return "an indirect table of a wrong length";
	table = guest_memory_host(vq->mem, desc->addr, desc->len);
	if (!table)
		return "an indirect table is not in memory";
	/* Without a loop a chain visits each entry at most once. */
	for (unsigned steps = 0; steps < n; steps++) {
		struct virtq_desc entry = load_desc(table, i);
		const char *why;

		if (entry.flags & VRING_DESC_F_INDIRECT)
			return "an indirect table in an indirect table";
		why = add_buffer(vq, chain, &entry);
		if (why)
			return why;
		if (!(entry.flags & VRING_DESC_F_NEXT))
			return NULL;
		i = entry.next;
		if (i >= n)
			return "a descriptor index is out of range";
	}
	return "a loop of descriptors";
}

static const char *add_chain(struct virtqueue *vq, struct virtq_chain *chain)
{
	unsigned i = chain->head;

	for (unsigned steps = 0; steps < vq->size; steps++) {
		struct virtq_desc desc;
		const char *why;

		if (i >= vq->size)
			return "a descriptor index is out of range";
		desc = load_desc(vq->desc, i);
		if (desc.flags & VRING_DESC_F_INDIRECT)
			return add_indirect(vq, chain, &desc);
		why = add_buffer(vq, chain, &desc);
		if (why)
			return why;
		if (!(desc.flags & VRING_DESC_F_NEXT))
			return NULL;
		i = desc.next;
	}
	return "a loop of descriptors";
}

int virtqueue_pop(struct virtqueue *vq, struct virtq_chain *chain)
{
	const char *why;
	uint16_t n;

	if (vq->broken)
		return -EPROTO;
	if (vq->budget == 0)
		return 0;
	n = available(vq);
	if (n == 0) {
		/* Going to sleep: a device that leaves kicks on is kicked for the next one. */
		if (!vq->kicks || !arm_kick(vq))
			return 0;
		n = available(vq);
	}
	if (n > vq->size)
		return broken(vq, "the available index is out of range");

	chain->head = load16(vq->avail + RING_ENTRIES + vq->last_avail % vq->size);
	chain->n_in = chain->n_out = 0;
	chain->in_len = chain->out_len = 0;
	why = add_chain(vq, chain);
	if (why)
		return broken(vq, why);
	chain->out = chain->iov;
	chain->in = chain->iov + chain->n_out;
	vq->last_avail++;
	if (vq->budget != VIRTQ_NO_BUDGET)
		vq->budget--;
	return 1;
}

void virtqueue_unpop(struct virtqueue *vq, const struct virtq_chain *chain unused)
{
	vq->last_avail--;
	if (vq->budget != VIRTQ_NO_BUDGET)
		vq->budget++;
}

void virtqueue_stage(struct virtqueue *vq, uint16_t head, uint32_t len)
{
	uint16_t *entry = vq->used + RING_ENTRIES + USED_WORDS * (vq->used_idx % vq->size);
	const uint32_t element[2] = {head, len};

	memcpy(entry, element, sizeof(element));
	vq->used_idx++;
}

void virtqueue_publish(struct virtqueue *vq)
{
	__atomic_store_n(vq->used + RING_INDEX, vq->used_idx, __ATOMIC_RELEASE);
}

void virtqueue_push(struct virtqueue *vq, uint16_t head, uint32_t len)
{
	virtqueue_stage(vq, head, len);
	virtqueue_publish(vq);
}

void virtqueue_notify(struct virtqueue *vq)
{
	uint16_t old = vq->notified_used_idx;
	bool wanted;

	if (old == vq->used_idx)
		return;
	full_barrier();
	vq->notified_used_idx = vq->used_idx;
	if (vq->event_idx)
		wanted = vring_need_event(load16(used_event(vq)), vq->used_idx, old);
	else
		wanted = !(load16(vq->avail + RING_FLAGS) & VRING_AVAIL_F_NO_INTERRUPT);
	if (wanted)
		vq->ops->interrupt(vq);
}

void virtqueue_disable_kicks(struct virtqueue *vq)
{
	/* With the event index it is enough not to move the event on. */
	vq->kicks = false;
	if (!vq->event_idx)
		store16(vq->used + RING_FLAGS, VRING_USED_F_NO_NOTIFY);
}

bool virtqueue_enable_kicks(struct virtqueue *vq)
{
	vq->kicks = true;
	return !vq->broken && arm_kick(vq);
}

int virtqueue_kick_fd(const struct virtqueue *vq)
{
	return vq->kick_fd;
}

unsigned virtqueue_index(const struct virtqueue *vq)
{
	return vq->index;
}

unsigned virtqueue_size(const struct virtqueue *vq)
{
	return vq->size;
}

size_t virtq_chain_read(const struct virtq_chain *chain, uint64_t offset, void *buf, size_t len)
{
	return iov_read(chain->out, chain->n_out, offset, buf, len);
}

size_t virtq_chain_write(const struct virtq_chain *chain, uint64_t offset, const void *buf,
			 size_t len)
{
	return iov_write(chain->in, chain->n_in, offset, buf, len);
}
