# SPDX-License-Identifier: Apache-2.0
libweft_a_SOURCES += \
	src/import/cloud-hypervisor.c \
	src/import/command.c \
	src/import/draft-internal.h \
	src/import/draft-write.c \
	src/import/draft.c \
	src/import/draft.h \
	src/import/firecracker.c \
	src/import/import.c \
	src/import/import.h \
	src/import/item.c \
	src/import/item.h \
	src/import/json.c \
	src/import/libvirt.c \
	src/import/libvirt-console.c \
	src/import/libvirt-cpu.c \
	src/import/libvirt-disk.c \
	src/import/libvirt-internal.h \
	src/import/libvirt-memory.c \
	src/import/libvirt-net.c \
	src/import/libvirt-reasons.c \
	src/import/map.c \
	src/import/map.h \
	src/import/readers.h \
	src/import/xml-library.c \
	src/import/xml-library.h \
	src/import/xml.c
