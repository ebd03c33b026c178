#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# From a clone on a fresh Debian 12 to a Linux that greets you: installs the packages of setup/packages.txt
# (as root or through sudo), builds weft in build/, builds the guest's kernel or takes it from the cache,
# and boots examples/hello.yaml. Run again, it does only what is left to do.
#
#   setup.sh [--no-run] [--tests]
#
#   --no-run   do not boot the example at the end
#   --tests    install what the tests use, too
#
# In the guest, `poweroff` ends it; Ctrl-] x ends it from outside. Without a terminal the guest is powered off
# as soon as it has greeted.
set -eu
cd "$(dirname "$0")"
. setup/lib.sh

run=yes
tests=
for a in "$@"; do
	case $a in
	--no-run) run= ;;
	--tests) tests=setup/packages-test.txt ;;
	*) sed -n 's/^# \{0,1\}//; 3,14p' "$0" >&2; exit 64 ;;
	esac
done

# The list is one word or none.
# shellcheck disable=SC2086
install_packages setup/packages.txt $tests
build
[ -z "$tests" ] || install_ajv
[ -n "$run" ] || exit 0

[ -e /dev/kvm ] || die "there is no /dev/kvm: weft needs a machine with KVM"
[ -w /dev/kvm ] || die "/dev/kvm is not yours to use: add yourself to its group (sudo adduser $(id -un) kvm), log in again"

if [ -t 0 ] && [ -t 1 ]; then
	say "booting examples/hello.yaml: type poweroff to leave, or Ctrl-] x"
	exec build/weft run examples/hello.yaml
fi

say "booting examples/hello.yaml until it has greeted"
dir=$(mktemp -d)
weft=
trap '[ -z "$weft" ] || kill "$weft" 2>/dev/null || :; rm -rf "$dir"' EXIT
mkfifo "$dir/keys"
build/weft run examples/hello.yaml <"$dir/keys" >"$dir/screen" 2>&1 &
weft=$!
exec 3>"$dir/keys"
tries=0
while ! grep -q 'weft [~/][^ ]* *[$#]' "$dir/screen"; do
	kill -0 "$weft" 2>/dev/null || { cat "$dir/screen"; die "the guest ended before it greeted"; }
	tries=$((tries + 1))
	[ "$tries" -lt 1200 ] || { cat "$dir/screen"; die "no greeting in two minutes"; }
	sleep 0.1
done
echo poweroff >&3
exec 3>&-
status=0
wait "$weft" || status=$?
weft=
cat "$dir/screen"
exit "$status"
