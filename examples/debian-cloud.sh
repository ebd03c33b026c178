#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Makes what examples/debian-cloud.yaml boots: Debian's own cloud kernel, as it is in the package, and an initramfs of
# its virtio modules, a shell and the init of tests/guest/init.
#
#   examples/debian-cloud.sh [DIR]      DIR/vmlinuz and DIR/initramfs.cpio (build/guest/debian-cloud), and
#                                       DIR/package, a link to the unpacked package
#
# It downloads one Debian package (as anyone; nothing is installed) and needs kmod, python3, busybox-static
# and a built weft. The package is kept in ${XDG_CACHE_HOME:-~/.cache}/weft/debian-cloud.
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
dir=$(realpath -m "${1:-$top/build/guest/debian-cloud}")
init=$top/build/tests/guest/init/init
modules="virtio_pci virtio_blk virtio_net virtio_console virtio_rng virtio_balloon virtio_pmem virtio_mem nd_virtio
	nfit nd_pmem button evdev ext4 vfat"
export PATH="$PATH:/usr/sbin:/sbin"

fail() {
	echo "debian-cloud.sh: $*" >&2
	exit 1
}

[ -x "$init" ] || fail "build weft first (./setup.sh)"
package=$(apt-cache depends linux-image-cloud-amd64 |
	sed -n 's/^ *Depends: *\(linux-image-[0-9].*-cloud-amd64\)$/\1/p' | head -n 1)
[ -n "$package" ] || fail "apt knows no linux-image-cloud-amd64: run apt-get update"
version=$(apt-cache show "$package" | sed -n 's/^Version: //p' | head -n 1)
release=${package#linux-image-}

cache=${XDG_CACHE_HOME:-$HOME/.cache}/weft/debian-cloud/${package}_$version
if [ ! -d "$cache" ]; then
	mkdir -p "${cache%/*}"
	tmp=$(mktemp -d "${cache%/*}/fetching-XXXXXX")
	trap 'rm -rf "$tmp"' EXIT
	(cd "$tmp" && apt-get download -q "$package=$version" 2>apt.log) || {
		cat "$tmp/apt.log" >&2
		fail "cannot download $package"
	}
	dpkg-deb -x "$tmp"/*.deb "$tmp/root"
	# The package has no modules.dep: the installation would make it.
	depmod -b "$tmp/root" "$release"
	mv -T "$tmp/root" "$cache" 2>/dev/null || [ -d "$cache" ] || fail "cannot write $cache"
fi

work=$(mktemp -d)
trap 'rm -rf "$work" "${tmp:-}"' EXIT
mkdir "$work/modules"
entries=()
for m in $modules; do
	# What is built in, or not there in this version, has no file.
	modprobe -d "$cache" -S "$release" --show-depends "$m" 2>/dev/null | sed -n 's/^insmod \([^ ]*\).*/\1/p'
done | awk '!seen[$0]++' >"$work/files"
while read -r file; do
	name=${file##*/}
	case $file in
	*.xz) name=${name%.xz}; xz -dc "$file" >"$work/modules/$name" ;;
	*) cp "$file" "$work/modules/$name" ;;
	esac
	entries+=("modules/$name=$work/modules/$name")
	echo "/modules/$name" >>"$work/order"
done <"$work/files"
[ -s "$work/order" ] || fail "found no modules in $package"

mkdir -p "$dir"
"$top/tests/guest/mkcpio.py" "$dir/initramfs.cpio" dev/ proc/ sys/ root/ tmp/ mnt/ dev/console!c:5:1 \
	dev/null!c:1:3 "init=$init" bin/busybox=/bin/busybox bin/sh@busybox "modules/order=$work/order" "${entries[@]}"
cp "$cache/boot/vmlinuz-$release" "$dir/vmlinuz.$$"
mv "$dir/vmlinuz.$$" "$dir/vmlinuz"
ln -sfn "$cache" "$dir/package"
echo "$dir: Linux $release with $(wc -l <"$work/order") modules"
