/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The driver's side of a split virtqueue (virtio 1.2 §2.7).
 */
#include <linux/virtio_ring.h>
#include <string.h>
#include <unistd.h>

#include "base/compiler.h"
#include "machine/machine.h"
#include "tests/unit/fake-machine.h"
#include "tests/unit/ring-driver.h"
#include "virtio/virtqueue-worker.h"

static void on_interrupt(struct virtqueue *vq)
{
	__atomic_fetch_add(&container_of(vq, struct ring, vq)->interrupts, 1, __ATOMIC_RELAXED);
}

static void on_broken(struct virtqueue *vq, const char *why unused)
{
	__atomic_fetch_add(&container_of(vq, struct ring, vq)->broken, 1, __ATOMIC_RELAXED);
}

static const struct virtqueue_ops ops = {.interrupt = on_interrupt, .broken = on_broken};

void ring_start(struct ring *ring, uint64_t gpa, uint16_t size)
{
	memset(ring, 0, sizeof(*ring));
	virtqueue_init(&ring->vq, 0, size, machine_memory((struct machine *)&fake), &ops, NULL);
	ring->vq.desc_gpa = gpa;
	ring->vq.avail_gpa = gpa + 0x2000;
	ring->vq.used_gpa = gpa + 0x3000;
	ring->vq.enabled = true;
	ring->desc = fake_ram(gpa, 16ULL * size);
	ring->avail = fake_ram(gpa + 0x2000, 6 + 2ULL * size);
	ring->used = fake_ram(gpa + 0x3000, 6 + 8ULL * size);
	memset(ring->avail, 0, 6 + 2ULL * size);
	memset(ring->used, 0, 6 + 8ULL * size);
	invariant(virtqueue_start(&ring->vq, 0) == 0);
}

void ring_stop(struct ring *ring)
{
	virtqueue_stop(&ring->vq);
	virtqueue_fini(&ring->vq);
}

uint16_t ring_add(struct ring *ring, const struct ring_piece *pieces, unsigned n)
{
	uint16_t head = ring->next_desc;

	for (unsigned i = 0; i < n; i++) {
		uint16_t at = (uint16_t)((head + i) % ring->vq.size);

		ring->desc[at] = (struct vring_desc){
			.addr = pieces[i].gpa,
			.len = pieces[i].len,
			.flags = (uint16_t)((pieces[i].in ? VRING_DESC_F_WRITE : 0) |
					    (i + 1 < n ? VRING_DESC_F_NEXT : 0)),
			.next = (uint16_t)((at + 1) % ring->vq.size),
		};
	}
	ring->next_desc = (uint16_t)((head + n) % ring->vq.size);
	ring->avail[2 + ring->avail_idx % ring->vq.size] = head;
	__atomic_store_n(&ring->avail[1], ++ring->avail_idx, __ATOMIC_RELEASE);
	virtqueue_schedule(&ring->vq);
	return head;
}

bool ring_used_now(struct ring *ring, uint16_t *ret_head, uint32_t *ret_len)
{
	uint32_t element[2];

	if (__atomic_load_n(&ring->used[1], __ATOMIC_ACQUIRE) == ring->used_seen)
		return false;
	memcpy(element, ring->used + 2 + 4 * (ring->used_seen % ring->vq.size), sizeof(element));
	ring->used_seen++;
	*ret_head = (uint16_t)element[0];
	*ret_len = element[1];
	return true;
}

bool ring_used(struct ring *ring, uint16_t *ret_head, uint32_t *ret_len)
{
	for (unsigned i = 0; i < 2000; i++) {
		if (ring_used_now(ring, ret_head, ret_len))
			return true;
		usleep(1000);
	}
	return false;
}
