# SPDX-License-Identifier: Apache-2.0
# tests/fuzz/fuzz-SUBJECT.c: libFuzzer targets (configure --enable-fuzzing CC=clang). Without libFuzzer
# they are tests that run a fixed series of random inputs.
fuzz_targets =
check_PROGRAMS += $(fuzz_targets)
if FUZZING
FUZZ_LINK = $(AM_LDFLAGS) -fsanitize=fuzzer
FUZZ_MAIN =
else
FUZZ_LINK = $(AM_LDFLAGS)
FUZZ_MAIN = tests/fuzz/replay.c
TESTS += $(fuzz_targets)
endif
EXTRA_DIST += tests/fuzz/replay.c tests/fuzz/fuzz.h tests/fuzz/run.sh tests/fuzz/dictionary.py

.PHONY: fuzz
if FUZZING
fuzz: weft $(fuzz_targets)
	srcdir=$(srcdir) $(srcdir)/tests/fuzz/run.sh
else
fuzz:
	@echo "make fuzz needs a build of its own: ../configure --enable-fuzzing --enable-asan --enable-ubsan CC=clang"; false
endif

fuzz_targets += tests/fuzz/fuzz-virtqueue
tests_fuzz_fuzz_virtqueue_SOURCES = tests/fuzz/fuzz-virtqueue.c $(FAKE_MACHINE) $(FUZZ_MAIN)
tests_fuzz_fuzz_virtqueue_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_virtqueue_LDADD = $(WEFT_LIBS)

fuzz_targets += tests/fuzz/fuzz-virtio-pci
tests_fuzz_fuzz_virtio_pci_SOURCES = tests/fuzz/fuzz-virtio-pci.c $(FAKE_MACHINE) $(FUZZ_MAIN)
tests_fuzz_fuzz_virtio_pci_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_virtio_pci_LDADD = $(WEFT_LIBS)

fuzz_targets += tests/fuzz/fuzz-serial
tests_fuzz_fuzz_serial_SOURCES = tests/fuzz/fuzz-serial.c $(FAKE_MACHINE) $(FAKE_CONSOLE) $(FUZZ_MAIN)
tests_fuzz_fuzz_serial_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_serial_LDADD = $(WEFT_LIBS)
fuzz_targets += tests/fuzz/fuzz-virtio-blk
tests_fuzz_fuzz_virtio_blk_SOURCES = tests/fuzz/fuzz-virtio-blk.c $(FUZZ_MAIN)
tests_fuzz_fuzz_virtio_blk_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_virtio_blk_LDADD = $(WEFT_LIBS)
fuzz_targets += tests/fuzz/fuzz-kernel
tests_fuzz_fuzz_kernel_SOURCES = tests/fuzz/fuzz-kernel.c $(FUZZ_MAIN)
tests_fuzz_fuzz_kernel_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_kernel_LDADD = $(WEFT_LIBS)

fuzz_targets += tests/fuzz/fuzz-document
tests_fuzz_fuzz_document_SOURCES = tests/fuzz/fuzz-document.c $(FUZZ_MAIN)
tests_fuzz_fuzz_document_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_document_LDADD = $(WEFT_LIBS)
fuzz_targets += tests/fuzz/fuzz-description
tests_fuzz_fuzz_description_SOURCES = tests/fuzz/fuzz-description.c $(FUZZ_MAIN)
tests_fuzz_fuzz_description_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_description_LDADD = $(WEFT_LIBS)
fuzz_targets += tests/fuzz/fuzz-units
tests_fuzz_fuzz_units_SOURCES = tests/fuzz/fuzz-units.c $(FUZZ_MAIN)
tests_fuzz_fuzz_units_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_units_LDADD = $(WEFT_LIBS)
fuzz_targets += tests/fuzz/fuzz-import
tests_fuzz_fuzz_import_SOURCES = tests/fuzz/fuzz-import.c $(FUZZ_MAIN)
tests_fuzz_fuzz_import_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_import_LDADD = $(WEFT_LIBS)
