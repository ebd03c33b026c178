# SPDX-License-Identifier: Apache-2.0
libweft_a_SOURCES += \
	src/loop/loop.c \
	src/loop/loop.h
