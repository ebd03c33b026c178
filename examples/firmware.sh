#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Builds what examples/firmware.yaml boots: EDK II's firmware for virtual machines that are entered by PVH, from Debian's
# source package edk2.
#
#   examples/firmware.sh [-b RELEASE|DEBUG] [DIR]      DIR/CLOUDHV.fd (build/guest/firmware)
#
# It needs dpkg-dev, gcc, g++, make, patch, python3, python3-distutils, nasm, acpica-tools and uuid-dev, and as much as
# 2 GB in ${XDG_CACHE_HOME:-~/.cache}/weft/firmware, where it works. No other lists of packages than its own are changed.
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
target=RELEASE
[ "${1-}" != -b ] || { target=$2; shift 2; }
dir=$(realpath -m "${1:-$top/build/guest/firmware}")
work=${XDG_CACHE_HOME:-$HOME/.cache}/weft/firmware

fail() {
	echo "firmware.sh: $*" >&2
	exit 1
}

for tool in dpkg-source g++ make patch python3 nasm iasl; do
	command -v "$tool" >/dev/null || fail "there is no $tool"
done
[ -e /usr/include/uuid/uuid.h ] || fail "there is no uuid-dev"
mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$dir"
exec 9>"$work/lock"
flock 9
cd "$work"

if [ ! -d source ]; then
	cat >sources.list <<-END
		deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian bookworm main
	END
	apt=(apt-get -q -o "Dir::Etc::SourceList=$work/sources.list" -o Dir::Etc::SourceParts=/dev/null
		-o "Dir::State::Lists=$work/lists" -o "Dir::Cache=$work/cache")
	"${apt[@]}" update >apt.log 2>&1 && "${apt[@]}" source edk2 >>apt.log 2>&1 || {
		cat apt.log >&2
		fail "cannot download the source of edk2"
	}
	mv edk2-*/ source
	# Debian's patch for secure boot asks for a library that this platform does not name.
	patch -d source -R -p1 <source/debian/patches/Disable-the-Shell-when-SecureBoot-is-enabled.patch >patch.log
fi

echo "building EDK II ($target) in $work/source: some minutes"
(
	cd source
	export WORKSPACE=$PWD PYTHON_COMMAND=python3 EDK_TOOLS_PATH=$PWD/BaseTools
	make -C BaseTools -j"$(nproc)"
	set -- # edksetup.sh looks at the arguments
	set +u
	. ./edksetup.sh
	build -n "$(nproc)" -a X64 -t GCC5 -b "$target" -p OvmfPkg/CloudHv/CloudHvX64.dsc
) >build.log 2>&1 || {
	tail -20 build.log >&2
	fail "EDK II could not be built: $work/build.log"
}
cp "source/Build/CloudHvX64/${target}_GCC5/FV/CLOUDHV.fd" "$dir/CLOUDHV.fd.new"
mv "$dir/CLOUDHV.fd.new" "$dir/CLOUDHV.fd"
echo "$dir/CLOUDHV.fd: EDK II $(sed -n 's/^edk2 (\([^)]*\)).*/\1/p; q' source/debian/changelog), $target"
