/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtio-pci transport between its two files: virtio-pci.c, the registers in the BAR and the
 * device's life, and virtio-pci-config.c, what configuration space says of them.
 */
#pragma once

#include <linux/virtio_pci.h>
#include <pthread.h>

#include "pci/function.h"
#include "virtio/virtio.h"
#include "virtio/virtqueue-setup.h"

/* The layout of BAR 0. */
#define BAR                0
#define BAR_COMMON         0x00000
#define BAR_COMMON_LEN     sizeof(struct virtio_pci_common_cfg)
#define BAR_ISR            0x02000
#define BAR_ISR_LEN        1
#define BAR_DEVICE         0x04000
#define BAR_DEVICE_LEN     0x1000
#define BAR_NOTIFY         0x06000
#define BAR_NOTIFY_LEN     0x1000
#define BAR_MSIX_TABLE     0x08000
#define BAR_MSIX_TABLE_LEN 0x40000
#define BAR_MSIX_PBA       0x48000
#define BAR_MSIX_PBA_LEN   0x800
#define BAR_SIZE           0x80000

#define NOTIFY_MULTIPLIER 4
#define MAX_QUEUES        (BAR_NOTIFY_LEN / NOTIFY_MULTIPLIER)

struct virtio_pci {
	struct virtio_device *vdev;
	struct pci_function fn;
	struct msix *msix;
	unsigned slot;
	unsigned pci_cfg_cap;
	pthread_mutex_t lock;

	/* Atomics. */
	uint8_t status, isr, generation;
	uint16_t config_vector;
	bool complained; /* of a ring or an activation: once in a device's life */

	/* Under the lock. */
	uint32_t device_feature_select, driver_feature_select;
	uint64_t driver_features;
	uint16_t queue_select;
	uint64_t notify_base;      /* guest-physical, while the BAR is mapped, else 0 */
	bool has_ioeventfds;       /* queues that run are registered at notify_base */
	struct virtqueue queues[]; /* info.n_queues */
};

/* Accesses to the BAR; on a vCPU thread, without the transport's lock. @opaque: the transport. */
uint64_t virtio_pci_bar_read(void *opaque, uint64_t offset, unsigned size);
void virtio_pci_bar_write(void *opaque, uint64_t offset, unsigned size, uint64_t value);

/* Adds the vendor capabilities that say where the parts of the BAR are. */
void virtio_pci_add_caps(struct virtio_pci *t);

/* The capability that is a window into the BAR (§4.1.4.9); as pci_function_ops. */
void virtio_pci_config_read(struct pci_function *fn, unsigned offset, unsigned size);
void virtio_pci_config_written(struct pci_function *fn, unsigned offset, unsigned size);
