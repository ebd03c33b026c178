# SPDX-License-Identifier: Apache-2.0
meta_tests = \
	tests/meta/completion.sh \
	tests/meta/fmt.py \
	tests/meta/gitops.sh \
	tests/meta/hostile.py \
	tests/meta/house.py \
	tests/meta/import.py \
	tests/meta/init.py \
	tests/meta/live.py \
	tests/meta/one-schema.py \
	tests/meta/openapi.py \
	tests/meta/schema-agreement.py \
	tests/meta/schema-compiler.py \
	tests/meta/show.py \
	tests/meta/validate.py
TESTS += $(meta_tests)
EXTRA_DIST += $(meta_tests) tests/meta/ajv tests/meta/descriptions.py tests/meta/generate.py tests/meta/judges.py \
	tests/meta/tap.py
