#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What bash completes: commands, options and their words, keys of the schema, files.
weft=${WEFT:-./weft}
"$weft" explain virtio-blk >/dev/null 2>&1 || { echo "1..0 # SKIP this weft was built without virtio-blk, whose keys are completed here"; exit 0; }
n=0
failed=0
source <("$weft" completion bash)

# completes LINE EXPECTED…: every expected word is among what is offered for LINE
completes() {
	local line=$1 good=1 word
	shift
	COMP_LINE=$line COMP_POINT=${#line} COMPREPLY=()
	_weft
	for word; do
		[[ " ${COMPREPLY[*]} " == *" $word "* ]] || good=
	done
	n=$((n + 1))
	[[ $good ]] && echo "ok $n - '$line'" && return
	failed=1
	echo "not ok $n - '$line'"
	echo "# offers: ${COMPREPLY[*]}"
}

completes 'weft ' run validate explain schema completion --version
completes 'weft val' validate
completes 'weft validate --f' --format
completes 'weft validate --format ' text json gcc
completes 'weft validate -f j' json
completes 'weft explain mem' memory memory.size
completes 'weft explain devices.virtio-b' devices.virtio-blk devices.virtio-blk.path
completes 'weft validate --set cpus.c' cpus.count=
completes 'weft completion ' bash zsh
XDG_STATE_HOME=$(mktemp -d)
mkdir -p "$XDG_STATE_HOME/weft/web" "$XDG_STATE_HOME/weft/half-made"
touch "$XDG_STATE_HOME/weft/web/lock"
completes 'weft status ' web
completes 'weft plan --machine ' web
rm -r "$XDG_STATE_HOME"
cd /etc || exit 99
completes 'weft validate pass' passwd
if command -v zsh >/dev/null; then
	cd - >/dev/null && n=$((n + 1))
	if "$weft" completion zsh | zsh -n; then echo "ok $n - zsh reads its script"; else failed=1; echo "not ok $n - zsh reads its script"; fi
fi
echo "1..$n"
exit $failed
