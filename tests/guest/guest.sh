#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Puts the guest kernel where tests and examples look for it, building it only when its inputs changed.
#
#   guest.sh [--cached] DIR     DIR/vmlinux, DIR/bzImage and DIR/System.map (links into the cache)
#   guest.sh --where            prints the cache entry for the present inputs
#
# --cached takes it from the cache or fails with status 2; it never builds.
#
# The cache is ${XDG_CACHE_HOME:-~/.cache}/weft/guest/HASH, HASH being that of the recipe, the
# configuration, the patch and the version of the source package. An entry is built beside its final name and
# renamed into place, so that a killed build leaves nothing that looks finished, and of two
# builds at once both succeed and one is kept.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/weft/guest

fail() {
	echo "guest.sh: $*" >&2
	exit 1
}

build=yes
case ${1-} in
--cached) build=no; shift ;;
--where) build=where; shift ;;
esac

source_version=$(dpkg-query -W -f='${Version}' linux-source-6.12 2>/dev/null) || source_version=none
hash=$(
	{
		echo "linux-source-6.12 $source_version"
		cat "$here/kernel/build.sh" "$here/kernel/config" "$here/kernel/kernel.patch"
	} | sha256sum | cut -c1-16
)
entry=$cache/$hash
if [ "$build" = where ]; then
	echo "$entry"
	exit 0
fi
[ $# = 1 ] || fail "usage: guest.sh [--cached] DIR | --where"
dir=$1

if [ ! -f "$entry/vmlinux" ]; then
	[ "$build" = yes ] || exit 2
	mkdir -p "$cache"
	tmp=$(mktemp -d "$cache/building-XXXXXX")
	trap 'rm -rf "$tmp"' EXIT
	trap 'exit 1' INT TERM HUP
	echo "building the guest kernel (about 5 minutes on two cores; done once, kept in $cache)"
	"$here/kernel/build.sh" "$tmp/work" "$tmp/out" >"$tmp/log" 2>&1 || {
		tail -30 "$tmp/log" >&2
		fail "the guest kernel could not be built"
	}
	# rename(2) refuses to replace a full directory: then another build was first, which is as good.
	mv -T "$tmp/out" "$entry" 2>/dev/null || [ -f "$entry/vmlinux" ] || fail "cannot write $entry"
fi

mkdir -p "$dir"
for f in vmlinux bzImage System.map; do
	ln -sfn "$entry/$f" "$dir/$f"
done
