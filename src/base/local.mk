# SPDX-License-Identifier: Apache-2.0
libweft_a_SOURCES += \
	src/base/arena.c \
	src/base/arena.h \
	src/base/compiler.h \
	src/base/cpu-features.c \
	src/base/cpu-features.h \
	src/base/diag-annotate.c \
	src/base/diag-codes.h \
	src/base/diag-render-internal.h \
	src/base/diag-render.c \
	src/base/diag-render.h \
	src/base/diag.c \
	src/base/diag.h \
	src/base/exit-code.h \
	src/base/fd.h \
	src/base/iov.c \
	src/base/iov.h \
	src/base/list.h \
	src/base/log.c \
	src/base/log.h \
	src/base/roff.c \
	src/base/roff.h \
	src/base/sha256.c \
	src/base/sha256.h \
	src/base/source.c \
	src/base/source.h \
	src/base/strbuf.c \
	src/base/strbuf.h \
	src/base/suggest.c \
	src/base/suggest.h \
	src/base/token-bucket.c \
	src/base/token-bucket.h \
	src/base/units.c \
	src/base/units.h \
	src/base/utf8.c \
	src/base/utf8.h
