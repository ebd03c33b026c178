#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every case is a folder: what runs (old.yaml), what is wanted (new.yaml), and the plan that takes one
# to the other, word for word (plan.txt). RECORD=1 writes the plans anew.
set -u
here=$(cd "$(dirname "$0")" && pwd)
weft=$(realpath "${WEFT:-./weft}")
if grep -q '^#define PCI_HOTPLUG 0' config.h; then
	echo "1..0 # SKIP PCI hotplug is not built in: plans are others"
	exit 0
fi
n=0
set -- "$here"/*/
echo "1..$#"
for case in "$@"; do
	case=${case%/}
	n=$((n + 1))
	got=$(cd "$case" && "$weft" plan --from old.yaml new.yaml 2>&1; echo "exit $?")
	# Paths are shown whole; where the tree lies is no part of a plan.
	got=$(printf '%s\n' "$got" | sed "s|$case/||g")
	if [ "${RECORD:-}" ]; then
		printf '%s\n' "$got" >"$case/plan.txt"
	fi
	if printf '%s\n' "$got" | cmp -s - "$case/plan.txt"; then
		echo "ok $n - ${case##*/}"
	else
		echo "not ok $n - ${case##*/}"
		printf '%s\n' "$got" | diff -u "$case/plan.txt" - | sed 's/^/# /'
	fi
done
