/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtio transport over PCI (virtio 1.2 §4.1), modern only: common configuration, interrupt
 * status, device configuration, notifications and MSI-X, all in BAR 0, and the life of a device.
 *
 * Locks: the bus's lock is taken before the transport's. Interrupts, the device status bit
 * NEEDS_RESET and the configuration generation are atomics, so that an I/O thread never takes
 * either: a reset may wait for it.
 */
#include <errno.h>
#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>
#include <linux/virtio_ring.h>
#include <pthread.h>
#include <string.h>

#include "base/log.h"
#include "graph/graph.h"
#include "machine/machine.h"
#include "pci/bus.h"
#include "pci/function.h"
#include "pci/msix.h"
#include "virtio/virtio-pci-internal.h"
#include "virtio/virtqueue-setup.h"
#include "virtio/virtqueue-worker.h"

#define ISR_QUEUE  0x1
#define ISR_CONFIG VIRTIO_PCI_ISR_CONFIG

#define STATUS_DRIVER_BITS                                                                    \
	(VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER | VIRTIO_CONFIG_S_FEATURES_OK | \
	 VIRTIO_CONFIG_S_DRIVER_OK | VIRTIO_CONFIG_S_FAILED)

#define TRANSPORT_FEATURES                                              \
	(1ULL << VIRTIO_F_VERSION_1 | 1ULL << VIRTIO_RING_F_EVENT_IDX | \
	 1ULL << VIRTIO_RING_F_INDIRECT_DESC)

#define VENDOR_VIRTIO  0x1af4
#define DEVICE_ID_BASE 0x1040

static uint64_t offered_features(const struct virtio_pci *t)
{
	return t->vdev->info.features | TRANSPORT_FEATURES;
}

/* Any thread. Without MSI-X the driver polls the status register: there are no interrupt pins. */
static void interrupt(struct virtio_pci *t, uint16_t vector, uint8_t isr)
{
	if (!msix_enabled(t->msix))
		__atomic_fetch_or(&t->isr, isr, __ATOMIC_RELAXED);
	else if (vector != VIRTIO_MSI_NO_VECTOR)
		msix_send(t->msix, vector);
}

static void config_interrupt(struct virtio_pci *t)
{
	if (__atomic_load_n(&t->status, __ATOMIC_RELAXED) & VIRTIO_CONFIG_S_DRIVER_OK)
		interrupt(t, __atomic_load_n(&t->config_vector, __ATOMIC_RELAXED), ISR_CONFIG);
}

static void queue_interrupt(struct virtqueue *vq)
{
	interrupt(vq->owner, __atomic_load_n(&vq->vector, __ATOMIC_RELAXED), ISR_QUEUE);
}

/* Any thread (§2.1.2): the driver has to reset the device before it works again. */
static void needs_reset(struct virtio_pci *t)
{
	__atomic_fetch_or(&t->status, VIRTIO_CONFIG_S_NEEDS_RESET, __ATOMIC_RELAXED);
	config_interrupt(t);
}

static void queue_broken(struct virtqueue *vq, const char *why)
{
	struct virtio_pci *t = vq->owner;

	if (!__atomic_exchange_n(&t->complained, true, __ATOMIC_RELAXED))
		log_warn("%s: the guest's driver broke queue %u (%s); the device waits for a reset",
			 t->fn.name, vq->index, why);
	needs_reset(t);
}

static const struct virtqueue_ops queue_ops = {
	.interrupt = queue_interrupt,
	.broken = queue_broken,
};

/* ---- the device's life; all under the lock ---- */

static uint64_t notify_address(const struct virtio_pci *t, unsigned queue)
{
	return t->notify_base + queue * NOTIFY_MULTIPLIER;
}

/*
 * Kicks go to the queues' descriptors inside the kernel while a driver uses the device. One that
 * cannot be registered still works: the write comes to virtio_pci_bar_write().
 */
static void add_ioeventfds(struct virtio_pci *t)
{
	if (t->has_ioeventfds || !t->notify_base)
		return;
	for (unsigned i = 0; i < t->vdev->info.n_queues; i++) {
		struct virtqueue *vq = &t->queues[i];

		if (!vq->desc)
			continue;
		vq->has_ioeventfd =
			machine_ioeventfd_add(t->vdev->device.machine, notify_address(t, i), 0,
					      vq->kick_fd) == 0;
	}
	t->has_ioeventfds = true;
}

static void remove_ioeventfds(struct virtio_pci *t)
{
	if (!t->has_ioeventfds)
		return;
	for (unsigned i = 0; i < t->vdev->info.n_queues; i++) {
		struct virtqueue *vq = &t->queues[i];

		if (vq->has_ioeventfd)
			machine_ioeventfd_remove(t->vdev->device.machine, notify_address(t, i), 0,
						 vq->kick_fd);
		vq->has_ioeventfd = false;
	}
	t->has_ioeventfds = false;
}

static void stop_queues(struct virtio_pci *t)
{
	remove_ioeventfds(t);
	for (unsigned i = 0; i < t->vdev->info.n_queues; i++)
		virtqueue_stop(&t->queues[i]);
}

static int start_queues(struct virtio_pci *t)
{
	for (unsigned i = 0; i < t->vdev->info.n_queues; i++) {
		int r = t->queues[i].enabled ? virtqueue_start(&t->queues[i], t->driver_features)
					     : 0;

		if (r < 0)
			return r;
	}
	return 0;
}

static void activate(struct virtio_pci *t)
{
	struct virtio_device *vdev = t->vdev;
	int r = start_queues(t);

	if (r == 0) {
		vdev->features = t->driver_features;
		add_ioeventfds(t);
		r = vdev->ops->activate(vdev);
	}
	if (r < 0) {
		if (!__atomic_exchange_n(&t->complained, true, __ATOMIC_RELAXED))
			log_warn("%s: the device cannot start: %s", t->fn.name, strerror(-r));
		stop_queues(t);
		needs_reset(t);
		return;
	}
	vdev->active = true;
}

static void reset_device(struct virtio_pci *t)
{
	struct virtio_device *vdev = t->vdev;

	if (vdev->active) {
		/* No more kicks from the kernel, then no more I/O, then the rings go. */
		remove_ioeventfds(t);
		vdev->ops->deactivate(vdev);
		vdev->active = false;
	}
	stop_queues(t);
	vdev->features = 0;
	t->driver_features = 0;
	t->device_feature_select = t->driver_feature_select = 0;
	t->queue_select = 0;
	for (unsigned i = 0; i < vdev->info.n_queues; i++)
		virtqueue_reset(&t->queues[i], vdev->info.queue_size);
	__atomic_store_n(&t->config_vector, VIRTIO_MSI_NO_VECTOR, __ATOMIC_RELAXED);
	__atomic_store_n(&t->isr, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&t->status, 0, __ATOMIC_RELAXED);
}

/* §3.1.1: the driver sets one bit after the other, and clears them all by writing 0. */
static void write_status(struct virtio_pci *t, uint8_t value)
{
	uint8_t old = __atomic_load_n(&t->status, __ATOMIC_RELAXED);
	uint8_t added = value & STATUS_DRIVER_BITS & ~old;

	if (value == 0) {
		reset_device(t);
		return;
	}
	/* A driver that takes back single bits is out of order: the device stays as it is. */
	if (old & STATUS_DRIVER_BITS & ~value)
		return;
	if (added & VIRTIO_CONFIG_S_FEATURES_OK &&
	    (t->driver_features & ~offered_features(t) ||
	     !(t->driver_features & 1ULL << VIRTIO_F_VERSION_1)))
		added &= (uint8_t)~VIRTIO_CONFIG_S_FEATURES_OK;
	if (!((old | added) & VIRTIO_CONFIG_S_FEATURES_OK))
		added &= (uint8_t)~VIRTIO_CONFIG_S_DRIVER_OK;
	__atomic_fetch_or(&t->status, added, __ATOMIC_RELAXED);
	if (added & VIRTIO_CONFIG_S_DRIVER_OK)
		activate(t);
}

/* ---- common configuration (§4.1.4.3) ---- */

static bool status_has(const struct virtio_pci *t, uint8_t bit)
{
	return __atomic_load_n(&t->status, __ATOMIC_RELAXED) & bit;
}

static struct virtqueue *selected_queue(struct virtio_pci *t)
{
	return t->queue_select < t->vdev->info.n_queues ? &t->queues[t->queue_select] : NULL;
}

/* The structure as the driver would see it all at once: reads of any width copy out of it. */
static void read_common(struct virtio_pci *t, unsigned offset, void *buf, unsigned size)
{
	const struct virtqueue *vq = selected_queue(t);
	uint64_t features = offered_features(t);
	struct virtio_pci_common_cfg c = {
		.device_feature_select = t->device_feature_select,
		.guest_feature_select = t->driver_feature_select,
		.msix_config = t->config_vector,
		.num_queues = (uint16_t)t->vdev->info.n_queues,
		.device_status = __atomic_load_n(&t->status, __ATOMIC_RELAXED),
		.config_generation = __atomic_load_n(&t->generation, __ATOMIC_ACQUIRE),
		.queue_select = t->queue_select,
		.queue_msix_vector = VIRTIO_MSI_NO_VECTOR,
	};

	if (t->device_feature_select < 2)
		c.device_feature = (uint32_t)(features >> (32 * t->device_feature_select));
	if (t->driver_feature_select < 2)
		c.guest_feature = (uint32_t)(t->driver_features >> (32 * t->driver_feature_select));
	if (vq) {
		c.queue_size = vq->size;
		c.queue_msix_vector = vq->vector;
		c.queue_enable = vq->enabled;
		c.queue_notify_off = t->queue_select;
		c.queue_desc_lo = (uint32_t)vq->desc_gpa;
		c.queue_desc_hi = (uint32_t)(vq->desc_gpa >> 32);
		c.queue_avail_lo = (uint32_t)vq->avail_gpa;
		c.queue_avail_hi = (uint32_t)(vq->avail_gpa >> 32);
		c.queue_used_lo = (uint32_t)vq->used_gpa;
		c.queue_used_hi = (uint32_t)(vq->used_gpa >> 32);
	}
	memcpy(buf, (const char *)&c + offset, size);
}

static void write_driver_features(struct virtio_pci *t, uint32_t value)
{
	unsigned shift = 32 * t->driver_feature_select;

	/* Agreed features stand; there are 64 of them. */
	if (status_has(t, VIRTIO_CONFIG_S_FEATURES_OK) || t->driver_feature_select >= 2)
		return;
	t->driver_features &= ~(0xffffffffULL << shift);
	t->driver_features |= (uint64_t)value << shift;
}

static uint16_t valid_vector(const struct virtio_pci *t, uint64_t value)
{
	return value < msix_vectors(t->msix) ? (uint16_t)value : VIRTIO_MSI_NO_VECTOR;
}

/* Half of (size 4), or all of (size 8), a 64-bit register whose first byte is at @offset 0. */
static void write_half(uint64_t *reg, unsigned offset, unsigned size, uint64_t value)
{
	memcpy((char *)reg + offset, &value, size);
}

/* The registers of the selected queue that stand once it is enabled. */
static void write_queue(struct virtio_pci *t, unsigned offset, unsigned size, uint64_t value)
{
	struct virtqueue *vq = selected_queue(t);

	if (!vq || vq->enabled || status_has(t, VIRTIO_CONFIG_S_DRIVER_OK))
		return;
	if (offset == VIRTIO_PCI_COMMON_Q_SIZE && size == 2) {
		if (virtqueue_size_valid((uint16_t)value, t->vdev->info.queue_size))
			vq->size = (uint16_t)value;
	} else if (offset == VIRTIO_PCI_COMMON_Q_ENABLE && size == 2) {
		vq->enabled = value == 1;
	} else if (offset >= VIRTIO_PCI_COMMON_Q_DESCLO && size >= 4 && IS_ALIGNED(offset, size)) {
		uint64_t *const regs[] = {&vq->desc_gpa, &vq->avail_gpa, &vq->used_gpa};
		unsigned at = offset - VIRTIO_PCI_COMMON_Q_DESCLO;

		write_half(regs[at / 8], at % 8, size, value);
	}
}

/* A driver writes each register with its own width (§4.1.3.1); anything else does nothing. */
static void write_common(struct virtio_pci *t, unsigned offset, unsigned size, uint64_t value)
{
	struct virtqueue *vq = selected_queue(t);

#define REGISTER(offset, size) ((offset) << 4 | (size))
	switch (REGISTER(offset, size)) {
	case REGISTER(VIRTIO_PCI_COMMON_DFSELECT, 4):
		t->device_feature_select = (uint32_t)value;
		break;
	case REGISTER(VIRTIO_PCI_COMMON_GFSELECT, 4):
		t->driver_feature_select = (uint32_t)value;
		break;
	case REGISTER(VIRTIO_PCI_COMMON_GF, 4):
		write_driver_features(t, (uint32_t)value);
		break;
	case REGISTER(VIRTIO_PCI_COMMON_MSIX, 2):
		__atomic_store_n(&t->config_vector, valid_vector(t, value), __ATOMIC_RELAXED);
		break;
	case REGISTER(VIRTIO_PCI_COMMON_STATUS, 1):
		write_status(t, (uint8_t)value);
		break;
	case REGISTER(VIRTIO_PCI_COMMON_Q_SELECT, 2):
		t->queue_select = (uint16_t)value;
		break;
	case REGISTER(VIRTIO_PCI_COMMON_Q_MSIX, 2):
		if (vq)
			__atomic_store_n(&vq->vector, valid_vector(t, value), __ATOMIC_RELAXED);
		break;
	default:
		write_queue(t, offset, size, value);
	}
#undef REGISTER
}

/* ---- BAR 0 ---- */

/* Is [offset, offset + size) inside a part of the BAR? */
static bool inside(uint64_t offset, unsigned size, uint64_t start, uint64_t len)
{
	return offset >= start && offset + size <= start + len;
}

uint64_t virtio_pci_bar_read(void *opaque, uint64_t offset, unsigned size)
{
	struct virtio_pci *t = opaque;
	struct virtio_device *vdev = t->vdev;
	uint64_t value = 0;

	if (offset == BAR_ISR)
		return __atomic_exchange_n(&t->isr, 0, __ATOMIC_RELAXED);
	if (inside(offset, size, BAR_MSIX_TABLE, BAR_MSIX_TABLE_LEN))
		return msix_table_read(t->msix, offset - BAR_MSIX_TABLE, size);
	if (inside(offset, size, BAR_MSIX_PBA, BAR_MSIX_PBA_LEN))
		return msix_pba_read(t->msix, offset - BAR_MSIX_PBA, size);

	pthread_mutex_lock(&t->lock);
	if (inside(offset, size, BAR_COMMON, BAR_COMMON_LEN))
		read_common(t, (unsigned)(offset - BAR_COMMON), &value, size);
	else if (inside(offset, size, BAR_DEVICE, vdev->info.config_size))
		vdev->ops->config_read(vdev, (unsigned)(offset - BAR_DEVICE), &value, size);
	pthread_mutex_unlock(&t->lock);
	return value;
}

void virtio_pci_bar_write(void *opaque, uint64_t offset, unsigned size, uint64_t value)
{
	struct virtio_pci *t = opaque;
	struct virtio_device *vdev = t->vdev;
	uint64_t queue = (offset - BAR_NOTIFY) / NOTIFY_MULTIPLIER;

	if (inside(offset, size, BAR_NOTIFY, BAR_NOTIFY_LEN)) {
		if (queue < vdev->info.n_queues)
			virtqueue_schedule(&t->queues[queue]);
		return;
	}
	if (inside(offset, size, BAR_MSIX_TABLE, BAR_MSIX_TABLE_LEN)) {
		msix_table_write(t->msix, offset - BAR_MSIX_TABLE, size, value);
		return;
	}
	pthread_mutex_lock(&t->lock);
	if (inside(offset, size, BAR_COMMON, BAR_COMMON_LEN))
		write_common(t, (unsigned)(offset - BAR_COMMON), size, value);
	else if (inside(offset, size, BAR_DEVICE, vdev->info.config_size) &&
		 vdev->ops->config_write)
		vdev->ops->config_write(vdev, (unsigned)(offset - BAR_DEVICE), &value, size);
	pthread_mutex_unlock(&t->lock);
}

static const struct io_ops bar_ops = {.read = virtio_pci_bar_read, .write = virtio_pci_bar_write};

static void bar_mapped(struct pci_function *fn, unsigned bar)
{
	struct virtio_pci *t = container_of(fn, struct virtio_pci, fn);

	pthread_mutex_lock(&t->lock);
	t->notify_base = fn->bars[bar].base + BAR_NOTIFY;
	if (t->vdev->active)
		add_ioeventfds(t);
	pthread_mutex_unlock(&t->lock);
}

static void bar_unmapped(struct pci_function *fn, unsigned bar unused)
{
	struct virtio_pci *t = container_of(fn, struct virtio_pci, fn);

	pthread_mutex_lock(&t->lock);
	remove_ioeventfds(t);
	t->notify_base = 0;
	pthread_mutex_unlock(&t->lock);
}

static const struct pci_function_ops function_ops = {
	.config_read = virtio_pci_config_read,
	.config_written = virtio_pci_config_written,
	.bar_mapped = bar_mapped,
	.bar_unmapped = bar_unmapped,
};

/* ---- the model's side ---- */

int virtio_init(struct virtio_device *vdev, struct machine *machine, const struct graph_node *node)
{
	const struct virtio_info *info = &vdev->info;
	const struct pci_identity identity = {
		.vendor = VENDOR_VIRTIO,
		.device = (uint16_t)(DEVICE_ID_BASE + info->device_id),
		.subsystem_vendor = VENDOR_VIRTIO,
		.subsystem = (uint16_t)(DEVICE_ID_BASE + info->device_id),
		.class = info->pci_class,
		.revision = 1,
	};
	struct virtio_pci *t;

	invariant(info->n_queues >= 1 && info->n_queues <= MAX_QUEUES);
	invariant(virtqueue_size_valid(info->queue_size, VIRTQ_MAX_SIZE));
	invariant(info->config_size <= BAR_DEVICE_LEN);
	invariant(node->bars[BAR].size == BAR_SIZE && node->n_gsis == info->n_queues + 1);
	t = calloc(1, sizeof(*t) + info->n_queues * sizeof(t->queues[0]));
	if (!t)
		return -ENOMEM;
	device_init(&vdev->device, machine, node);
	t->vdev = vdev;
	t->slot = (unsigned)node->pci_slot;
	t->config_vector = VIRTIO_MSI_NO_VECTOR;
	pthread_mutex_init(&t->lock, NULL);
	pci_function_init(&t->fn, vdev->device.id, &identity, &function_ops);
	t->fn.device = &vdev->device;
	pci_function_add_bar(&t->fn, BAR, &node->bars[BAR], &bar_ops, t);
	virtio_pci_add_caps(t);
	t->msix = msix_create(machine, &t->fn, info->n_queues + 1, node->gsi_base, BAR,
			      BAR_MSIX_TABLE, BAR, BAR_MSIX_PBA);
	if (!t->msix) {
		pthread_mutex_destroy(&t->lock);
		free(t);
		return -ENOMEM;
	}
	for (unsigned i = 0; i < info->n_queues; i++)
		virtqueue_init(&t->queues[i], i, info->queue_size, machine_memory(machine),
			       &queue_ops, t);
	vdev->transport = t;
	return 0;
}

void virtio_fini(struct virtio_device *vdev)
{
	struct virtio_pci *t = vdev->transport;

	if (!t)
		return;
	/* No vCPU comes in any more, then no I/O thread, then nothing sends interrupts. */
	if (t->fn.bus)
		pci_bus_unplug(t->fn.bus, &t->fn);
	pthread_mutex_lock(&t->lock);
	reset_device(t);
	pthread_mutex_unlock(&t->lock);
	for (unsigned i = 0; i < vdev->info.n_queues; i++)
		virtqueue_fini(&t->queues[i]);
	msix_destroy(t->msix);
	pthread_mutex_destroy(&t->lock);
	free(t);
	vdev->transport = NULL;
}

static struct virtio_device *from_device(struct device *device)
{
	return container_of(device, struct virtio_device, device);
}

int virtio_commit(struct device *device, struct diag_list *diags unused)
{
	struct virtio_pci *t = from_device(device)->transport;

	return pci_bus_plug(machine_pci(device->machine), t->slot, &t->fn);
}

int virtio_request_unplug(struct device *device)
{
	return pci_bus_request_unplug(machine_pci(device->machine),
				      from_device(device)->transport->slot);
}

void virtio_cancel_unplug(struct device *device)
{
	pci_bus_cancel_unplug(machine_pci(device->machine), from_device(device)->transport->slot);
}

void virtio_reset(struct device *device)
{
	struct virtio_pci *t = from_device(device)->transport;

	pthread_mutex_lock(&t->lock);
	reset_device(t);
	pthread_mutex_unlock(&t->lock);
	pci_function_reset(&t->fn);
}

void virtio_needs(struct device_needs *needs, unsigned n_queues)
{
	needs->msi_vectors = n_queues + 1;
	needs->bar_sizes[BAR] = BAR_SIZE;
}

void virtio_config_changed(struct virtio_device *vdev)
{
	struct virtio_pci *t = vdev->transport;

	__atomic_fetch_add(&t->generation, 1, __ATOMIC_RELEASE);
	config_interrupt(t);
}

void virtio_schedule(struct virtio_device *vdev)
{
	for (unsigned i = 0; i < vdev->info.n_queues; i++)
		virtqueue_schedule(&vdev->transport->queues[i]);
}

struct virtqueue *virtio_queue(struct virtio_device *vdev, unsigned index)
{
	struct virtqueue *vq = &vdev->transport->queues[index];

	invariant(index < vdev->info.n_queues);
	return vq->desc ? vq : NULL;
}
