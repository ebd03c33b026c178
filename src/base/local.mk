# SPDX-License-Identifier: Apache-2.0
libweft_a_SOURCES += \
	src/base/arena.c \
	src/base/arena.h \
	src/base/compiler.h \
	src/base/diag.h \
	src/base/fd.h \
	src/base/list.h \
	src/base/log.c \
	src/base/log.h \
	src/base/sha256.h \
	src/base/source.h \
	src/base/suggest.h \
	src/base/units.h
