#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Kernels as distributions make them, loaded and unpacked, and the tables that they get: for kernels
# that cannot run where the host's KVM is too limited: those in /boot, Debian's cloud kernel if
# examples/debian-cloud.sh fetched it, and the guests' own. WEFT_TEST_KERNELS: more files, separated by spaces.
dump=$PWD/tests/peer/boot-dump
log=$(mktemp) || exit 99
trap 'rm -f "$log"' EXIT
n=0

# check NAME PATTERN COMMAND...: the output has the line
check() {
	name=$1 pattern=$2
	shift 2
	n=$((n + 1))
	"$@" >"$log" 2>&1
	if grep -Eq "$pattern" "$log"; then echo "ok $n - $name"; else
		echo "not ok $n - $name"
		sed 's/^/# /' "$log"
	fi
}

cache=${XDG_CACHE_HOME:-$HOME/.cache}/weft
for kernel in /boot/vmlinuz-* "$cache"/debian-cloud/*/boot/vmlinuz-* guest/bzImage $WEFT_TEST_KERNELS; do
	[ -r "$kernel" ] || continue
	base=$(basename "$kernel")
	check "$base: unpacked, entered by PVH" '^protocol pvh' "$dump" pvh 256 "$kernel"
	check "$base: unpacked, entered in long mode" '^protocol linux64' "$dump" linux64 256 "$kernel"
	check "$base: it gets a memory map" '^e820 0x000100000 0x00fffffff 1' "$dump" linux64 256 "$kernel"
	check "$base: unpacks itself" '^protocol bzimage' "$dump" bzimage 256 "$kernel"
	check "$base: too large for the guest" '^E045[38]: .*(the guest has RAM for|which this machine does not have)' \
		"$dump" auto 24 "$kernel"
done
[ $n -gt 0 ] || { echo "1..0 # SKIP there is no bzImage (make guest); WEFT_TEST_KERNELS can name some"; exit 0; }
echo "1..$n"
