#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Builds the small guest kernel from Debian's linux-source-6.12: `config` on top of allnoconfig, and
# `kernel.patch`, which only drops boot work and instructions that a software-emulated CPU cannot do.
#
#   build.sh WORKDIR OUTDIR      makes OUTDIR/{vmlinux,bzImage,config,System.map}
#
# Needs no root; about 5 minutes on two cores and 2 GB in WORKDIR, which may be removed afterwards.
# What it reads is what guest.sh hashes: this file, `config`, `kernel.patch` and the source package.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(realpath -m "$1")
out=$(realpath -m "$2")
tarball=/usr/src/linux-source-6.12.tar.xz

[ -f "$tarball" ] || { echo "$tarball is missing: install linux-source-6.12" >&2; exit 1; }
mkdir -p "$work" "$out"
src=$work/linux-source-6.12
bld=$work/build
if [ ! -f "$src/.guest-patched" ]; then
	rm -rf "$src"
	tar xf "$tarball" -C "$work"
	patch -d "$src" -p1 -s < "$here/kernel.patch"
	touch "$src/.guest-patched"
fi

export KBUILD_BUILD_USER=guest KBUILD_BUILD_HOST=guest
export KBUILD_BUILD_TIMESTAMP='2026-01-01' KBUILD_BUILD_VERSION=1
# The caller may itself run under make: its job server and flags are not for this build.
unset MAKEFLAGS MFLAGS MAKELEVEL CFLAGS LDFLAGS CC
cd "$src"
KCONFIG_ALLCONFIG=$here/config make -s O="$bld" allnoconfig

# kconfig drops what it cannot satisfy without a word: every option of the fragment must be there.
bad=0
while read -r line; do
	case $line in CONFIG_*) ;; *) continue ;; esac
	key=${line%%=*}
	want=${line#*=}
	got=$(grep "^$key=" "$bld/.config" | cut -d= -f2- || true)
	if [ "$want" = n ]; then
		[ -z "$got" ] || { echo "kernel config: $key should be off, is $got" >&2; bad=1; }
	elif [ "$got" != "$want" ]; then
		echo "kernel config: $key should be $want, is ${got:-off}" >&2
		bad=1
	fi
done < "$here/config"
[ "$bad" = 0 ]

make -s -j"$(nproc)" O="$bld" vmlinux bzImage
strip -o "$out/vmlinux" "$bld/vmlinux"
cp "$bld/arch/x86/boot/bzImage" "$out/bzImage"
cp "$bld/.config" "$out/config"
cp "$bld/System.map" "$out/System.map"
