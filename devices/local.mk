# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += devices/devices.list examples
# configure reads the list.
CONFIG_STATUS_DEPENDENCIES = $(srcdir)/devices/devices.list

# What every machine has, without a schema.
libweft_a_SOURCES += \
	devices/platform/acpi-pm.c \
	devices/platform/acpi-pm.h \
	devices/platform/ged.c \
	devices/platform/ged.h

nodist_libweft_a_SOURCES += devices/device-table.c
CLEANFILES += devices/device-table.c

devices/device-table.c: $(srcdir)/devices/devices.list Makefile
	$(AM_V_GEN)mkdir -p devices && { \
	echo '/* Made from devices.list and --with-devices. */'; \
	echo '#include "graph/device-type.h"'; \
	for d in $(DEVICES); do echo "extern const struct device_type device_$$d;" | tr - _; done; \
	echo 'const struct device_type *const device_types[] = {'; \
	for d in $(DEVICES); do echo "	&device_$$d," | tr - _; done; \
	echo '	0,'; echo '};'; } > $@.tmp && mv $@.tmp $@

libweft_a_SOURCES += \
	devices/debug-console.c \
	devices/platform/cmos.c \
	devices/platform/cmos.h \
	devices/platform/hotplug-slots.c \
	devices/platform/hotplug-slots.h \
	devices/platform/i8042.c \
	devices/platform/i8042.h \
	devices/platform/post.c \
	devices/platform/post.h \
	devices/serial.c \
	devices/virtio-blk.c \
	devices/virtio-console.c \
	devices/virtio-net.c \
	devices/virtio-rng.c

if PCI_HOTPLUG
libweft_a_SOURCES += devices/platform/pci-hotplug.c devices/platform/pci-hotplug.h
endif
if NVDIMM
libweft_a_SOURCES += devices/nvdimm.c devices/platform/nvdimm-bus.c devices/platform/nvdimm-bus.h
endif
libweft_a_SOURCES += devices/virtio-pmem.c

if MEMORY_HOTPLUG
libweft_a_SOURCES += devices/platform/virtio-mem.c devices/platform/virtio-mem.h
endif
