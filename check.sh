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
stamp=build/check.stamp
: >"$stamp"

# One more than there are CPUs: some tests wait most of their time.
make -C build -s -k -j$(($(nproc) + 1)) check VERBOSE=yes 2>&1

# automake keeps the results of a test program in PROGRAM.trs. A program that failed also ends with a bad
# status, which would count its failure twice.
out=$(mktemp)
trap 'rm -f "$out"' EXIT
find build -name '*.trs' -newer "$stamp" -exec awk '
	function end() { failed += fails ? fails : errors; fails = errors = 0 }
	FNR == 1 { end() }
	/^:test-result: (PASS|XFAIL)/ { passed++ }
	/^:test-result: (FAIL|XPASS)/ { fails++ }
	/^:test-result: ERROR/ { errors++ }
	/^:test-result: SKIP/ { skipped++ }
	END { end(); print passed + 0, failed + 0, skipped + 0 }' {} + >"$out"
read -r passed failed skipped <"$out" || passed=0 failed=0 skipped=0
[ "$passed" != 0 ] || [ "$failed" != 0 ] || failed=1 # nothing ran: it does not build
finish "$passed" "$failed" "$skipped"
