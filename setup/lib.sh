# SPDX-License-Identifier: Apache-2.0
# Functions of setup.sh and check.sh, which source this with the working directory at the top of the source.
say() {
	printf '== %s\n' "$*" >&2
}

die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		die "this needs root, and there is no sudo: $*"
	fi
}

# install_packages LIST…: what the lists name and is not there. Does not ask the network for nothing.
install_packages() {
	wanted=$(sed -e 's/#.*//' "$@")
	missing=
	for p in $wanted; do
		dpkg-query -W -f='${db:Status-Abbrev}' "$p" 2>/dev/null | grep -q '^.i' ||
			missing="$missing $p"
	done
	[ -n "$missing" ] || return 0
	say "installing:$missing"
	as_root apt-get update -q >&2
	# The list is split into words on purpose.
	# shellcheck disable=SC2086
	as_root env DEBIAN_FRONTEND=noninteractive \
		apt-get install -y -q --no-install-recommends $missing >&2
}

# Configures and builds in build/, as it was configured before if it was.
build() {
	[ -x configure ] && [ -f Makefile.in ] || {
		say "making configure"
		mkdir -p build build-aux
		autoreconf -fi >build/autoreconf.log 2>&1 || {
			cat build/autoreconf.log >&2
			die "autoreconf failed"
		}
	}
	mkdir -p build
	[ -f build/Makefile ] || {
		say "configuring in build/"
		(cd build && ../configure -q) >&2
	}
	say "building"
	make -C build -s -j"$(nproc)" >&2
	make -C build -s guest >&2
}

# The second JSON Schema validator of tests/meta/schema-agreement.py, in the build tree. A test does without it, and says so.
install_ajv() {
	lock=tests/meta/ajv/package-lock.json
	if cmp -s "$lock" build/tests/ajv/installed.json; then
		return
	fi
	command -v npm >/dev/null || (install_packages setup/packages-npm.txt) || :
	say "installing ajv"
	mkdir -p build/tests/ajv
	cp tests/meta/ajv/package.json "$lock" build/tests/ajv/
	if (cd build/tests/ajv && npm ci --ignore-scripts --no-audit --no-fund) >build/tests/ajv/npm.log 2>&1; then
		cp "$lock" build/tests/ajv/installed.json
	else
		say "ajv cannot be installed, see build/tests/ajv/npm.log: its tests are skipped"
	fi
}
