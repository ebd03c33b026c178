# SPDX-License-Identifier: Apache-2.0
libweft_a_SOURCES += \
	src/acpi/acpi.h \
	src/acpi/aml.c \
	src/acpi/aml.h \
	src/acpi/dsdt.c \
	src/acpi/dsdt.h \
	src/acpi/tables.c

if PCI_HOTPLUG
libweft_a_SOURCES += src/acpi/hotplug-pci.c
endif
