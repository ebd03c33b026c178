# SPDX-License-Identifier: Apache-2.0
libweft_a_SOURCES += \
	src/graph/compile.c \
	src/graph/compile.h \
	src/graph/device-type.h \
	src/graph/dot.c \
	src/graph/dot.h \
	src/graph/generation.c \
	src/graph/generation.h \
	src/graph/graph.c \
	src/graph/graph.h \
	src/graph/memory-layout.c \
	src/graph/memory-layout.h \
	src/graph/places.c \
	src/graph/places.h \
	src/graph/ranges.c \
	src/graph/ranges.h \
	src/graph/rules.c \
	src/graph/rules-uses.c \
	src/graph/rules.h
