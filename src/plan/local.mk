# SPDX-License-Identifier: Apache-2.0
libweft_a_SOURCES += \
	src/plan/conflict.c \
	src/plan/conflict.h \
	src/plan/diff.c \
	src/plan/diff.h \
	src/plan/limits.c \
	src/plan/limits.h \
	src/plan/plan.c \
	src/plan/plan.h \
	src/plan/render.c \
	src/plan/render.h
