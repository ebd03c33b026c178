# SPDX-License-Identifier: Apache-2.0
TESTS += tests/plan/run.sh
EXTRA_DIST += tests/plan
