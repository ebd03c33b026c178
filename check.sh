#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs, builds and runs all tests. Its last line is "N passed, N failed, N skipped", counted over every
# single result; it ends with 0 when none failed. The tests' logs are in build/, next to where their program is.
set -u
cd "$(dirname "$0")" || exit 1
. setup/lib.sh

finish() {
	printf '%d passed, %d failed, %d skipped\n' "$1" "$2" "$3"
	[ "$2" = 0 ] || exit 1
	exit 0
}

./setup.sh --no-run --tests || finish 0 1 0

out=$(mktemp)
trap 'rm -f "$out"' EXIT
make -C build -s -k -j"$(nproc)" check VERBOSE=yes 2>&1 | tee "$out"

# automake's summary: "# PASS:  12" and so on.
count() {
	sed -n "s/^# $1: *//p" "$out" | tail -n 1 | grep . || echo 0
}
passed=$(($(count PASS) + $(count XFAIL)))
failed=$(($(count FAIL) + $(count XPASS) + $(count ERROR)))
grep -q '^# TOTAL:' "$out" || failed=$((failed + 1))
finish "$passed" "$failed" "$(count SKIP)"
