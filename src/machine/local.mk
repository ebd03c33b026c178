# SPDX-License-Identifier: Apache-2.0
libweft_a_SOURCES += \
	src/machine/address-space.c \
	src/machine/address-space.h \
	src/machine/address-space-internal.h \
	src/machine/backing.c \
	src/machine/backing.h \
	src/machine/build.h \
	src/machine/cpuid.c \
	src/machine/cpuid.h \
	src/machine/device-memory.c \
	src/machine/device-memory.h \
	src/machine/exit.c \
	src/machine/internal.h \
	src/machine/ioapic.c \
	src/machine/ioapic.h \
	src/machine/irq.c \
	src/machine/irq.h \
	src/machine/layout.h \
	src/machine/machine.c \
	src/machine/machine.h \
	src/machine/memory.c \
	src/machine/memory.h \
	src/machine/memory-map.h \
	src/machine/ram.c \
	src/machine/report.c \
	src/machine/topology.c \
	src/machine/topology.h \
	src/machine/vcpu.c \
	src/machine/vcpu-setup.c
