#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs fuzz targets, each for FUZZ_SECONDS (60), in a build directory that was configured with
# --enable-fuzzing: make fuzz FUZZ_SECONDS=600 FUZZ_TARGETS="units document". What was learnt stays in fuzz-corpus/ of the
# build directory, what was found in fuzz-findings/.
set -u
seconds=${FUZZ_SECONDS:-60}
targets=${FUZZ_TARGETS:-$(ls tests/fuzz/fuzz-* | sed -n 's,.*/fuzz-\([a-z-]*\)$,\1,p')}
failed=

mkdir -p fuzz-findings fuzz-corpus/seeds
find "$srcdir/examples" "$srcdir/tests/golden/bad" "$srcdir/tests/plan" -name '*.yaml' | while read -r file; do
	cp "$file" "fuzz-corpus/seeds/$(echo "${file#"$srcdir"/}" | tr / -)"
done
"${PYTHON:-python3}" "$srcdir/tests/fuzz/dictionary.py" ./weft >fuzz-corpus/dictionary || exit 1
for target in $targets; do
	mkdir -p "fuzz-corpus/$target"
	# Only what reads descriptions is fed with them.
	case $target in
	document | description) with="-dict=fuzz-corpus/dictionary fuzz-corpus/seeds" ;;
	units) with=-dict=fuzz-corpus/dictionary ;;
	*) with= ;;
	esac
	echo "fuzz-$target for $seconds s"
	# shellcheck disable=SC2086 # words
	"tests/fuzz/fuzz-$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -max_len=8192 \
		-print_final_stats=1 -artifact_prefix="fuzz-findings/$target-" "fuzz-corpus/$target" $with \
		>"fuzz-findings/$target.log" 2>&1 || failed="$failed $target"
	grep -E '^(stat::number_of_executed_units|SUMMARY|==.*ERROR|#[0-9]+.*DONE)' "fuzz-findings/$target.log" || :
done
[ -z "$failed" ] || echo "there are findings:$failed (fuzz-findings/)"
[ -z "$failed" ]
