# SPDX-License-Identifier: Apache-2.0
libweft_a_SOURCES += \
	src/virtio/limiter.c \
	src/virtio/limiter.h \
	src/virtio/virtio-pci-config.c \
	src/virtio/virtio-pci-internal.h \
	src/virtio/virtio-pause.c \
	src/virtio/virtio-pci.c \
	src/virtio/virtio.h \
	src/virtio/virtqueue-setup.h \
	src/virtio/virtqueue-worker.c \
	src/virtio/virtqueue-worker.h \
	src/virtio/virtqueue.c \
	src/virtio/virtqueue.h
