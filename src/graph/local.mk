# SPDX-License-Identifier: Apache-2.0
libweft_a_SOURCES += \
	src/graph/device-type.h \
	src/graph/graph.h
