# SPDX-License-Identifier: Apache-2.0
libweft_a_SOURCES += \
	src/kvm/kvm.c \
	src/kvm/kvm.h \
	src/kvm/kvm-routes.c \
	src/kvm/kvm-vcpu.c \
	src/kvm/kvm-vcpu.h
