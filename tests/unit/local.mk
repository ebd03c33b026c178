# SPDX-License-Identifier: Apache-2.0
# One program per module: tests/unit/test-MODULE.c, added to unit_tests.
unit_tests =

if HAVE_CUNIT
check_LIBRARIES += tests/unit/libcutap.a
tests_unit_libcutap_a_SOURCES = tests/unit/cu-tap.c tests/unit/cu-tap.h
check_PROGRAMS += $(unit_tests)
TESTS += $(unit_tests)
endif
UNIT_LIBS = tests/unit/libcutap.a $(WEFT_LIBS) $(CUNIT_LIBS)

unit_tests += tests/unit/test-arena
tests_unit_test_arena_LDADD = $(UNIT_LIBS)

unit_tests += tests/unit/test-label
tests_unit_test_label_LDADD = $(UNIT_LIBS)

unit_tests += tests/unit/test-loop
tests_unit_test_loop_LDADD = $(UNIT_LIBS)

FAKE_PARTS = tests/unit/fake-parts.c tests/unit/fake-parts.h
FAKE_MACHINE = tests/unit/fake-machine.c tests/unit/fake-machine.h
FAKE_CONSOLE = tests/unit/fake-console.c tests/unit/fake-console.h

unit_tests += tests/unit/test-pci
tests_unit_test_pci_SOURCES = tests/unit/test-pci.c $(FAKE_MACHINE)
tests_unit_test_pci_LDADD = $(UNIT_LIBS)

unit_tests += tests/unit/test-virtqueue
tests_unit_test_virtqueue_SOURCES = tests/unit/test-virtqueue.c $(FAKE_MACHINE)
tests_unit_test_virtqueue_LDADD = $(UNIT_LIBS)

unit_tests += tests/unit/test-block
tests_unit_test_block_LDADD = $(UNIT_LIBS)
unit_tests += tests/unit/test-console
tests_unit_test_console_SOURCES = tests/unit/test-console.c tests/unit/unix-socket.h
tests_unit_test_console_LDADD = $(UNIT_LIBS)
unit_tests += tests/unit/test-console-edit
tests_unit_test_console_edit_SOURCES = tests/unit/test-console-edit.c tests/unit/unix-socket.h
tests_unit_test_console_edit_LDADD = $(UNIT_LIBS)
unit_tests += tests/unit/test-virtio-pci
tests_unit_test_virtio_pci_SOURCES = tests/unit/test-virtio-pci.c $(FAKE_MACHINE)
tests_unit_test_virtio_pci_LDADD = $(UNIT_LIBS)

unit_tests += tests/unit/test-token-bucket
tests_unit_test_token_bucket_LDADD = $(UNIT_LIBS)

unit_tests += tests/unit/test-ranges
tests_unit_test_ranges_LDADD = $(UNIT_LIBS)

unit_tests += tests/unit/test-base tests/unit/test-units tests/unit/test-document
tests_unit_test_base_LDADD = $(UNIT_LIBS)
tests_unit_test_units_LDADD = $(UNIT_LIBS)
tests_unit_test_document_LDADD = $(UNIT_LIBS)
unit_tests += tests/unit/test-machine
tests_unit_test_machine_LDADD = $(UNIT_LIBS)

unit_tests += tests/unit/test-serial
tests_unit_test_serial_SOURCES = tests/unit/test-serial.c $(FAKE_MACHINE) $(FAKE_CONSOLE)
tests_unit_test_serial_LDADD = $(UNIT_LIBS)

unit_tests += tests/unit/test-platform
tests_unit_test_platform_SOURCES = tests/unit/test-platform.c $(FAKE_MACHINE)
tests_unit_test_platform_LDADD = $(UNIT_LIBS)

unit_tests += tests/unit/test-terminal
tests_unit_test_terminal_LDADD = $(UNIT_LIBS)

RING_DRIVER = $(FAKE_MACHINE) tests/unit/ring-driver.c tests/unit/ring-driver.h

STREAM_PEER = tests/unit/stream-peer.c tests/unit/stream-peer.h

unit_tests += tests/unit/test-net
tests_unit_test_net_SOURCES = tests/unit/test-net.c $(STREAM_PEER)
tests_unit_test_net_LDADD = $(UNIT_LIBS)

unit_tests += tests/unit/test-virtio-pair
tests_unit_test_virtio_pair_SOURCES = tests/unit/test-virtio-pair.c $(RING_DRIVER) $(STREAM_PEER)
tests_unit_test_virtio_pair_LDADD = $(UNIT_LIBS)

FAKE_DRIVER = $(FAKE_MACHINE) tests/unit/fake-driver.c tests/unit/fake-driver.h

unit_tests += tests/unit/test-virtio-rng
tests_unit_test_virtio_rng_SOURCES = tests/unit/test-virtio-rng.c $(FAKE_DRIVER)
tests_unit_test_virtio_rng_LDADD = $(UNIT_LIBS)

unit_tests += tests/unit/test-virtio-request
tests_unit_test_virtio_request_LDADD = $(UNIT_LIBS)
unit_tests += tests/unit/test-boot
tests_unit_test_boot_LDADD = $(UNIT_LIBS)

unit_tests += tests/unit/test-acpi
tests_unit_test_acpi_SOURCES = tests/unit/test-acpi.c $(FAKE_MACHINE)
tests_unit_test_acpi_LDADD = $(UNIT_LIBS)

if PCI_HOTPLUG
unit_tests += tests/unit/test-pci-hotplug
endif
tests_unit_test_pci_hotplug_SOURCES = tests/unit/test-pci-hotplug.c $(FAKE_MACHINE)
tests_unit_test_pci_hotplug_LDADD = $(UNIT_LIBS)

unit_tests += tests/unit/test-build
tests_unit_test_build_SOURCES = tests/unit/test-build.c $(FAKE_PARTS)
tests_unit_test_build_LDADD = $(UNIT_LIBS)
unit_tests += tests/unit/test-virtio-console
tests_unit_test_virtio_console_SOURCES = tests/unit/test-virtio-console.c $(FAKE_DRIVER)
tests_unit_test_virtio_console_LDADD = $(UNIT_LIBS)
unit_tests += tests/unit/test-memory
tests_unit_test_memory_LDADD = $(UNIT_LIBS)

unit_tests += tests/unit/test-address-space
tests_unit_test_address_space_LDADD = $(UNIT_LIBS)

unit_tests += tests/unit/test-ioapic
tests_unit_test_ioapic_LDADD = $(UNIT_LIBS)

unit_tests += tests/unit/test-cpuid
tests_unit_test_cpuid_LDADD = $(UNIT_LIBS)
unit_tests += tests/unit/test-schema
tests_unit_test_schema_LDADD = $(UNIT_LIBS)

unit_tests += tests/unit/test-virtio-blk tests/unit/test-virtio-net
tests_unit_test_virtio_blk_SOURCES = tests/unit/test-virtio-blk.c $(FAKE_DRIVER)
tests_unit_test_virtio_blk_LDADD = $(UNIT_LIBS)
tests_unit_test_virtio_net_SOURCES = tests/unit/test-virtio-net.c $(FAKE_DRIVER)
tests_unit_test_virtio_net_LDADD = $(UNIT_LIBS)

unit_tests += tests/unit/test-watch
tests_unit_test_watch_LDADD = $(UNIT_LIBS)
unit_tests += tests/unit/test-state
tests_unit_test_state_LDADD = $(UNIT_LIBS)

unit_tests += tests/unit/test-plan
tests_unit_test_plan_SOURCES = tests/unit/test-plan.c $(FAKE_PARTS) tests/unit/random-description.c \
	tests/unit/random-description.h
tests_unit_test_plan_LDADD = $(UNIT_LIBS)
unit_tests += tests/unit/test-hotplug-slots
tests_unit_test_hotplug_slots_SOURCES = tests/unit/test-hotplug-slots.c $(FAKE_MACHINE)
tests_unit_test_hotplug_slots_LDADD = $(UNIT_LIBS)

if MEMORY_HOTPLUG
unit_tests += tests/unit/test-virtio-mem
tests_unit_test_virtio_mem_SOURCES = tests/unit/test-virtio-mem.c $(FAKE_DRIVER)
tests_unit_test_virtio_mem_LDADD = $(UNIT_LIBS)
endif
unit_tests += tests/unit/test-virtio-pmem
tests_unit_test_virtio_pmem_SOURCES = tests/unit/test-virtio-pmem.c $(FAKE_DRIVER)
tests_unit_test_virtio_pmem_LDADD = $(UNIT_LIBS)

unit_tests += tests/unit/test-backing
tests_unit_test_backing_LDADD = $(UNIT_LIBS)

if NVDIMM
unit_tests += tests/unit/test-nvdimm
endif
tests_unit_test_nvdimm_SOURCES = tests/unit/test-nvdimm.c $(FAKE_MACHINE)
tests_unit_test_nvdimm_LDADD = $(UNIT_LIBS)

unit_tests += tests/unit/test-control
tests_unit_test_control_LDADD = $(UNIT_LIBS)
