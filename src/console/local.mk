# SPDX-License-Identifier: Apache-2.0
libweft_a_SOURCES += \
	src/console/attach.c \
	src/console/config.c \
	src/console/console.c \
	src/console/console.h \
	src/console/file.c \
	src/console/port.c \
	src/console/pty.c \
	src/console/sink.h \
	src/console/sinks.c \
	src/console/socket.c \
	src/console/terminal.c
