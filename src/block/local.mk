# SPDX-License-Identifier: Apache-2.0
libweft_a_SOURCES += \
	src/block/block.h \
	src/block/image.c \
	src/block/internal.h \
	src/block/lock.c \
	src/block/pmem-file.c \
	src/block/pmem-file.h \
	src/block/queue-on.c \
	src/block/queue.c \
	src/block/threads.c \
	src/block/uring.c \
	src/block/virtio-request.c \
	src/block/virtio-request.h
