# SPDX-License-Identifier: Apache-2.0
libweft_a_SOURCES += \
	src/acpi/acpi.h \
	src/acpi/aml.c \
	src/acpi/aml.h \
	src/acpi/dsdt.c \
	src/acpi/dsdt.h \
	src/acpi/hotplug-slots.c \
	src/acpi/hotplug-slots.h \
	src/acpi/madt.h \
	src/acpi/reset-vector.c \
	src/acpi/reset-vector.h \
	src/acpi/tables.c

if PCI_HOTPLUG
libweft_a_SOURCES += src/acpi/hotplug-pci.c
endif
if CPU_HOTPLUG
libweft_a_SOURCES += src/acpi/hotplug-cpu.c
endif
if MEMORY_HOTPLUG
libweft_a_SOURCES += src/acpi/hotplug-memory.c
endif
if NVDIMM
libweft_a_SOURCES += src/acpi/nvdimm.c src/acpi/nvdimm.h
endif
