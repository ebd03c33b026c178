# SPDX-License-Identifier: Apache-2.0
libweft_a_SOURCES += \
	src/boot/boot.c \
	src/boot/boot.h \
	src/boot/bzimage.c \
	src/boot/bzimage.h \
	src/boot/elf.c \
	src/boot/elf.h \
	src/boot/entry.c \
	src/boot/image.c \
	src/boot/image.h \
	src/boot/smbios.c \
	src/boot/smbios.h \
	src/boot/tables.c \
	src/boot/tables.h \
	src/boot/unpack.c \
	src/boot/unpack.h
