# SPDX-License-Identifier: Apache-2.0
libweft_a_SOURCES += \
	src/net/internal.h \
	src/net/net.c \
	src/net/net.h \
	src/net/passt-forward.c \
	src/net/passt.c \
	src/net/stream.c \
	src/net/tap.c \
	src/net/virtio-pair.c \
	src/net/virtio-pair.h
