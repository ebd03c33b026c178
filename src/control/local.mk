# SPDX-License-Identifier: Apache-2.0
libweft_a_SOURCES += \
	src/control/address.c \
	src/control/address.h \
	src/control/client.c \
	src/control/client.h \
	src/control/console.c \
	src/control/console.h \
	src/control/history.c \
	src/control/history.h \
	src/control/internal.h \
	src/control/machines.c \
	src/control/machines.h \
	src/control/openapi.c \
	src/control/openapi.h \
	src/control/routes.c \
	src/control/routes.h \
	src/control/server.c \
	src/control/server.h \
	src/control/stream.c \
	src/control/stream.h

# The schemas of answers, as a string of C.
EXTRA_DIST += src/control/answers.json
BUILT_SOURCES += src/control/answers.inc
CLEANFILES += src/control/answers.inc
src/control/answers.inc: $(srcdir)/src/control/answers.json
	$(AM_V_GEN)mkdir -p src/control && $(SED) 's/[\\"]/\\&/g; s/.*/"&\\n"/' \
	$(srcdir)/src/control/answers.json >$@.tmp && mv $@.tmp $@

src/control/openapi.$(OBJEXT): src/control/answers.inc
