# SPDX-License-Identifier: Apache-2.0
TEST_EXTENSIONS = .sh .py
TAP_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
LOG_DRIVER = $(TAP_DRIVER)
SH_LOG_DRIVER = $(TAP_DRIVER)
PY_LOG_DRIVER = $(TAP_DRIVER)
PY_LOG_COMPILER = python3 -B

include tests/unit/local.mk
include tests/golden/local.mk
include tests/plan/local.mk
include tests/guest/local.mk
include tests/peer/local.mk
include tests/fuzz/local.mk
include tests/bench/local.mk
include tests/meta/local.mk
