# SPDX-License-Identifier: Apache-2.0
weft_SOURCES += \
	src/cmd/command.c \
	src/cmd/command.h \
	src/cmd/commands.h \
	src/cmd/validate.c
