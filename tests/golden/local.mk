# SPDX-License-Identifier: Apache-2.0
# Every message about every file of bad/ is recorded beside it; golden-update records anew.
TESTS += tests/golden/golden.py tests/golden/host.py
EXTRA_DIST += tests/golden/golden.py tests/golden/host.py tests/golden/bad tests/golden/fleet tests/golden/import

.PHONY: golden-update
golden-update: weft
	srcdir=$(srcdir) builddir=$(builddir) $(srcdir)/tests/golden/golden.py --update
