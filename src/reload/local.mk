# SPDX-License-Identifier: Apache-2.0
libweft_a_SOURCES += \
	src/reload/apply.c \
	src/reload/boot.c \
	src/reload/conditions.c \
	src/reload/conditions.h \
	src/reload/converge-internal.h \
	src/reload/converge.c \
	src/reload/converge.h \
	src/reload/hostdev.c \
	src/reload/hostdev.h \
	src/reload/policy.c \
	src/reload/state-content.c \
	src/reload/state-content.h \
	src/reload/state.c \
	src/reload/state.h \
	src/reload/status.c \
	src/reload/supervisor.c \
	src/reload/supervisor.h \
	src/reload/udev.c \
	src/reload/udev.h \
	src/reload/watch.c \
	src/reload/watch.h
