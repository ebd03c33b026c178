# SPDX-License-Identifier: Apache-2.0
libweft_a_SOURCES += \
	src/virtio/virtio.h \
	src/virtio/virtqueue-worker.h \
	src/virtio/virtqueue.h
