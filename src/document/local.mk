# SPDX-License-Identifier: Apache-2.0
libweft_a_SOURCES += \
	src/document/document.c \
	src/document/document.h \
	src/document/foreign.c \
	src/document/include.c \
	src/document/include.h \
	src/document/line.c \
	src/document/line.h \
	src/document/load.c \
	src/document/load.h \
	src/document/node.c \
	src/document/node.h \
	src/document/overlay.c \
	src/document/overlay.h \
	src/document/quote.c \
	src/document/quote.h \
	src/document/scalar.c \
	src/document/syntax.c \
	src/document/text.c \
	src/document/vars.c \
	src/document/vars.h
