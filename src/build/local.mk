# SPDX-License-Identifier: Apache-2.0
libweft_a_SOURCES += \
	src/build/build.c \
	src/build/build.h \
	src/build/parts-boot.c \
	src/build/parts-cpus.c \
	src/build/parts-internal.h \
	src/build/parts-memory.c \
	src/build/parts-slots.c \
	src/build/parts-slots.h \
	src/build/parts.c \
	src/build/parts.h
