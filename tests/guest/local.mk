# SPDX-License-Identifier: Apache-2.0
# What runs inside a guest, and the tests that boot one. The kernel comes from guest.sh (`make guest`);
# everything else here is built with weft. guest/ in the build directory holds what tests and
# examples boot: vmlinux, bzImage, initramfs.cpio (the init of init/), hello.cpio (with a shell).
EXTRA_DIST += tests/guest/guest.sh tests/guest/kernel/build.sh tests/guest/kernel/config \
	tests/guest/kernel/kernel.patch tests/guest/mkcpio.py tests/guest/svmhost.py tests/guest/uefi.py tests/guest/weftbare.py \
	tests/guest/weftguest.py $(guest_tests)

# One program a subject, most of its checks in one guest: a boot costs seconds where KVM emulates. The longest come
# first, so that none runs alone at the end.
guest_tests =
guest_tests += tests/guest/nvdimm.py
guest_tests += tests/guest/hotplug-memory.py
guest_tests += tests/guest/hotplug-cpu.py
guest_tests += tests/guest/hotplug-pci.py
guest_tests += tests/guest/walk.py
guest_tests += tests/guest/control.py
guest_tests += tests/guest/life.py
guest_tests += tests/guest/boot.py
guest_tests += tests/guest/bulk.py
guest_tests += tests/guest/consoles.py
guest_tests += tests/guest/debian-cloud.py
guest_tests += tests/guest/disk.py
guest_tests += tests/guest/firmware.py
guest_tests += tests/guest/hostdev.py
guest_tests += tests/guest/hostile.py
guest_tests += tests/guest/import.py
guest_tests += tests/guest/live.py
guest_tests += tests/guest/lost.py
guest_tests += tests/guest/network.py
guest_tests += tests/guest/reload.py
guest_tests += tests/guest/state.py
guest_tests += tests/guest/virtio.py
TESTS += $(guest_tests)

# Guests run without an operating system's loader or without a C library: none of weft's flags fit.
GUEST_CFLAGS = -std=gnu17 -O2 -g0 -ffreestanding -fno-pic -fno-stack-protector -fno-asynchronous-unwind-tables \
	-fcf-protection=none -U_FORTIFY_SOURCE -fno-sanitize=all $(WARN_CFLAGS)
GUEST_LINK = -nostdlib -static -no-pie -s -fno-sanitize=all -Wl,-z,noseparate-code -Wl,--build-id=none \
	-Wl,--gc-sections

noinst_PROGRAMS += tests/guest/init/init
tests_guest_init_init_SOURCES = tests/guest/init/main.c tests/guest/init/str.c \
	tests/guest/checksum.c tests/guest/init/info.c tests/guest/init/file.c \
	tests/guest/init/block.c tests/guest/init/labels.c tests/guest/init/net.c tests/guest/init/power.c \
	tests/guest/init/sys.h tests/guest/init/command.h tests/guest/checksum.h
tests_guest_init_init_CFLAGS = $(GUEST_CFLAGS)
tests_guest_init_init_LDFLAGS = $(GUEST_LINK)
tests_guest_init_init_LDADD =

# Bare-metal guests: bare_guests are C files with bare_main() (see bare/bare.h).
# A line each: main and branches add to them.
# A line each: branches add to them.
bare_guests =
bare_guests += tests/guest/bare/arrive
bare_guests += tests/guest/bare/blk-bulk
bare_guests += tests/guest/bare/eject
bare_guests += tests/guest/bare/firmware
bare_guests += tests/guest/bare/hostile
bare_guests += tests/guest/bare/lost
minimal_guests = tests/guest/bare/first-byte tests/guest/bare/power-off \
	tests/guest/bare/triple-fault tests/guest/bare/halt tests/guest/bare/linger tests/guest/bare/fwait
noinst_PROGRAMS += $(bare_guests) $(minimal_guests)
EXTRA_DIST += tests/guest/bare/bare.ld
BARE_CFLAGS = $(GUEST_CFLAGS) -mno-red-zone -mgeneral-regs-only
BARE_LINK = $(GUEST_LINK) -Wl,--no-warn-rwx-segments -Wl,-T,$(srcdir)/tests/guest/bare/bare.ld
BARE_RUNTIME = tests/guest/bare/crt.S tests/guest/bare/bare.c tests/guest/bare/bare.h \
	tests/guest/bare/bare-pci.c tests/guest/bare/bare-pci.h tests/guest/bare/pvh-note.h \
	tests/guest/checksum.c tests/guest/checksum.h

tests_guest_bare_arrive_SOURCES = tests/guest/bare/arrive.c $(BARE_RUNTIME)
tests_guest_bare_arrive_CFLAGS = $(BARE_CFLAGS)
tests_guest_bare_arrive_LDFLAGS = $(BARE_LINK)

tests_guest_bare_blk_bulk_SOURCES = tests/guest/bare/blk-bulk.c $(BARE_RUNTIME)
tests_guest_bare_blk_bulk_CFLAGS = $(BARE_CFLAGS)
tests_guest_bare_blk_bulk_LDFLAGS = $(BARE_LINK)

tests_guest_bare_eject_SOURCES = tests/guest/bare/eject.c $(BARE_RUNTIME)
tests_guest_bare_eject_CFLAGS = $(BARE_CFLAGS)
tests_guest_bare_eject_LDFLAGS = $(BARE_LINK)

tests_guest_bare_firmware_SOURCES = tests/guest/bare/firmware.c $(BARE_RUNTIME)
tests_guest_bare_firmware_CFLAGS = $(BARE_CFLAGS)
tests_guest_bare_firmware_LDFLAGS = $(BARE_LINK)

tests_guest_bare_hostile_SOURCES = tests/guest/bare/hostile.c tests/guest/bare/hostile.h \
	tests/guest/bare/hostile-registers.c tests/guest/bare/hostile-queues.c $(BARE_RUNTIME)
tests_guest_bare_hostile_CFLAGS = $(BARE_CFLAGS)
tests_guest_bare_hostile_LDFLAGS = $(BARE_LINK)

tests_guest_bare_lost_SOURCES = tests/guest/bare/lost.c $(BARE_RUNTIME)
tests_guest_bare_lost_CFLAGS = $(BARE_CFLAGS)
tests_guest_bare_lost_LDFLAGS = $(BARE_LINK)

MINIMAL = tests/guest/bare/minimal.S tests/guest/bare/pvh-note.h
tests_guest_bare_first_byte_SOURCES = $(MINIMAL)
tests_guest_bare_first_byte_CPPFLAGS = -DFIRST_BYTE -DPOWER_OFF
tests_guest_bare_first_byte_LDFLAGS = $(BARE_LINK)
tests_guest_bare_power_off_SOURCES = $(MINIMAL)
tests_guest_bare_power_off_CPPFLAGS = -DPOWER_OFF
tests_guest_bare_power_off_LDFLAGS = $(BARE_LINK)
tests_guest_bare_fwait_SOURCES = $(MINIMAL)
tests_guest_bare_fwait_CPPFLAGS = -DFWAIT -DPOWER_OFF
tests_guest_bare_fwait_LDFLAGS = $(BARE_LINK)
tests_guest_bare_triple_fault_SOURCES = $(MINIMAL)
tests_guest_bare_triple_fault_CPPFLAGS = -DFIRST_BYTE -DTRIPLE_FAULT
tests_guest_bare_triple_fault_LDFLAGS = $(BARE_LINK)
tests_guest_bare_halt_SOURCES = $(MINIMAL)
tests_guest_bare_halt_CPPFLAGS = -DFIRST_BYTE
tests_guest_bare_halt_LDFLAGS = $(BARE_LINK)
tests_guest_bare_linger_SOURCES = $(MINIMAL)
tests_guest_bare_linger_CPPFLAGS = -DLINGER -DFIRST_BYTE -DPOWER_OFF
tests_guest_bare_linger_LDFLAGS = $(BARE_LINK)

INITRAMFS_BASE = dev/ proc/ sys/ root/ tmp/ mnt/ dev/console!c:5:1 dev/null!c:1:3 \
	init=tests/guest/init/init

all-local: guest/initramfs.cpio guest/hello.cpio
CLEANFILES += guest/initramfs.cpio guest/hello.cpio

guest/initramfs.cpio: tests/guest/init/init $(srcdir)/tests/guest/mkcpio.py
	$(AM_V_GEN)mkdir -p guest && $(srcdir)/tests/guest/mkcpio.py $@ $(INITRAMFS_BASE)

# Debian's busybox-static finds its applets by itself: no link for each of them is needed.
guest/hello.cpio: tests/guest/init/init $(srcdir)/tests/guest/mkcpio.py
	$(AM_V_GEN)mkdir -p guest && if test -x /bin/busybox; \
	then $(srcdir)/tests/guest/mkcpio.py $@ $(INITRAMFS_BASE) bin/busybox=/bin/busybox bin/sh@busybox; \
	else echo "busybox-static is missing: hello.cpio will have no shell" >&2; \
	cp guest/initramfs.cpio $@; fi

.PHONY: guest
guest: guest/initramfs.cpio guest/hello.cpio
	$(srcdir)/tests/guest/guest.sh guest
