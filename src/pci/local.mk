# SPDX-License-Identifier: Apache-2.0
libweft_a_SOURCES += \
	src/pci/bus.h \
	src/pci/function.h \
	src/pci/msix.h
