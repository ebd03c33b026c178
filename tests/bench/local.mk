# SPDX-License-Identifier: Apache-2.0
# Measurements beside other programs; never part of `make check`. See bench.py.
EXTRA_PROGRAMS += tests/bench/spawn tests/bench/floor
CLEANFILES += tests/bench/spawn tests/bench/floor
EXTRA_DIST += tests/bench/bench.py
tests_bench_spawn_SOURCES = tests/bench/spawn.c
tests_bench_floor_SOURCES = tests/bench/floor.c

.PHONY: bench
bench: weft tests/bench/spawn tests/bench/floor $(minimal_guests)
	WEFT_BUILD=. python3 -B $(srcdir)/tests/bench/bench.py
	WEFT_BUILD=. srcdir=$(srcdir) python3 -B $(srcdir)/tests/bench/validate.py

EXTRA_DIST += tests/bench/reload.py
.PHONY: bench-reload
bench-reload: weft tests/guest/bare/arrive tests/guest/bare/eject
	WEFT_BUILD=. python3 -B $(srcdir)/tests/bench/reload.py

EXTRA_DIST += tests/bench/validate.py
.PHONY: bench-validate
bench-validate: weft
	WEFT_BUILD=. srcdir=$(srcdir) python3 -B $(srcdir)/tests/bench/validate.py
