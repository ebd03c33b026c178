# SPDX-License-Identifier: Apache-2.0
libweft_a_SOURCES += \
	src/pci/bus.c \
	src/pci/bus.h \
	src/pci/function.c \
	src/pci/function.h \
	src/pci/msix.c \
	src/pci/msix.h
