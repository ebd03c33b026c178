# SPDX-License-Identifier: Apache-2.0
libweft_a_SOURCES += \
	src/document/document.h \
	src/document/node.h
