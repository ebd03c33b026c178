/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A virtqueue on rings made of the input. The input is laid over the rings and an indirect table,
 * then the device takes and gives back requests, while more of the input is written over the rings.
 */
#include <linux/virtio_ring.h>
#include <string.h>

#include "tests/unit/fake-machine.h"
#include "virtio/virtqueue-setup.h"

#define SIZE  8          /* small: the input reaches every entry */
#define BASE  0x7f000ULL /* a buffer here runs over the split of RAM */
#define DESC  BASE
#define AVAIL (BASE + 16 * SIZE)
#define USED  (AVAIL + 4 * SIZE)
#define STEP  128

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ignore(struct virtqueue *vq unused)
{
}

static void ignore_broken(struct virtqueue *vq unused, const char *why unused)
{
}

static const struct virtqueue_ops ops = {.interrupt = ignore, .broken = ignore_broken};

/* Every piece of a request must be RAM that can be used. */
static void use(const struct virtq_chain *chain)
{
	uint64_t in_len = 0, out_len = 0;
	volatile char sum = 0;

	invariant(chain->n_in + chain->n_out <= chain->max_iov);
	for (unsigned i = 0; i < chain->n_in; i++) {
		char *p = chain->in[i].iov_base;

		p[0] ^= 1;
		p[chain->in[i].iov_len - 1] ^= 1;
		in_len += chain->in[i].iov_len;
	}
	for (unsigned i = 0; i < chain->n_out; i++) {
		const char *p = chain->out[i].iov_base;

		sum = (char)(sum + p[0] + p[chain->out[i].iov_len - 1]);
		out_len += chain->out[i].iov_len;
	}
	invariant(in_len == chain->in_len && out_len == chain->out_len);
}

static void take_step(struct virtqueue *vq, bool worker)
{
	struct iovec iov[12];
	struct virtq_chain chain = {.iov = iov, .max_iov = ARRAY_SIZE(iov)};
	unsigned n = 0;

	if (worker)
		virtqueue_disable_kicks(vq);
	/* A guest may offer for ever; a device that looks at the queue has a bound. */
	while (n++ < 4 * SIZE && virtqueue_pop(vq, &chain) == 1) {
		use(&chain);
		if (n == 3)
			virtqueue_unpop(vq, &chain);
		else
			virtqueue_push(vq, chain.head, (uint32_t)chain.in_len);
	}
	virtqueue_notify(vq);
	if (worker && virtqueue_enable_kicks(vq))
		virtqueue_disable_kicks(vq);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct machine *machine;
	struct virtqueue vq;

	if (size < 2)
		return 0;
	machine = fake_machine_init();
	virtqueue_init(&vq, 0, SIZE, machine_memory(machine), &ops, NULL);
	vq.desc_gpa = DESC;
	vq.avail_gpa = AVAIL;
	vq.used_gpa = USED;
	if (virtqueue_start(&vq, data[0] & 3 ? 3ULL << VIRTIO_RING_F_INDIRECT_DESC : 0) == 0) {
		bool worker = data[0] & 4;
		char *rings = fake_ram(BASE, 4096);

		for (data++, size--; size > 0;) {
			size_t n = MIN(size - 1, (size_t)STEP);

			/* The byte in front says where this piece goes. */
			memcpy(rings + 8 * data[0], data + 1, n);
			data += n + 1;
			size -= n + 1;
			take_step(&vq, worker);
		}
		virtqueue_stop(&vq);
	}
	virtqueue_fini(&vq);
	fake_machine_fini();
	return 0;
}
