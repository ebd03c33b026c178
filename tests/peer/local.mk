# SPDX-License-Identifier: Apache-2.0
check_PROGRAMS += tests/peer/acpi-dump
tests_peer_acpi_dump_SOURCES = tests/peer/acpi-dump.c
tests_peer_acpi_dump_LDADD = $(WEFT_LIBS)
TESTS += tests/peer/acpi.sh
EXTRA_DIST += tests/peer/acpi.sh

check_PROGRAMS += tests/peer/boot-dump
tests_peer_boot_dump_SOURCES = tests/peer/boot-dump.c
tests_peer_boot_dump_LDADD = $(WEFT_LIBS)
TESTS += tests/peer/boot.sh
EXTRA_DIST += tests/peer/boot.sh
