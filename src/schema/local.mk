# SPDX-License-Identifier: Apache-2.0
libweft_a_SOURCES += \
	src/schema/bind.c \
	src/schema/bind.h \
	src/schema/check.c \
	src/schema/check.h \
	src/schema/check-hint.c \
	src/schema/check-words.c \
	src/schema/check-internal.h \
	src/schema/check-scalar.c \
	src/schema/describe.c \
	src/schema/describe.h \
	src/schema/format.c \
	src/schema/format.h \
	src/schema/format-comments.c \
	src/schema/format-internal.h \
	src/schema/format-read.c \
	src/schema/format-write.c \
	src/schema/manual.c \
	src/schema/schema.c \
	src/schema/schema.h \
	src/schema/value.c \
	src/schema/value.h \
	src/schema/value-yaml.c \
	src/schema/value-yaml.h
nodist_libweft_a_SOURCES += src/schema/tables.c

# The schema compiler, and what it makes of schemas/. A schema that is added or changed is seen by
# the wildcard, so a device needs no line here.
noinst_PROGRAMS += src/schema/compile
src_schema_compile_SOURCES = \
	src/schema/compile.c \
	src/schema/compile.h \
	src/schema/compile-header.c \
	src/schema/compile-json.c \
	src/schema/compile-lint.c \
	src/schema/compile-model.c \
	src/schema/compile-pattern.c \
	src/schema/compile-read.c \
	src/schema/compile-scalar.c \
	src/schema/compile-scalar.h \
	src/schema/compile-tables.c \
	src/schema/schema.h \
	src/base/arena.c \
	src/base/log.c \
	src/base/units.c
src_schema_compile_LDADD = $(YAML_LIBS)
# Objects of its own: those of weft wait for what it makes.
src_schema_compile_CFLAGS = $(AM_CFLAGS)

SCHEMA_FILES = $(wildcard $(srcdir)/schemas/*.yaml $(srcdir)/schemas/devices/*.yaml)
SCHEMA_COMPILE = $(AM_V_GEN)mkdir -p src/schema && src/schema/compile$(EXEEXT)

src/schema/config.h: src/schema/compile$(EXEEXT) $(SCHEMA_FILES) Makefile
	$(SCHEMA_COMPILE) header $(srcdir)/schemas $@.tmp $(DEVICES) && mv $@.tmp $@

src/schema/tables.c: src/schema/compile$(EXEEXT) $(SCHEMA_FILES) Makefile
	$(SCHEMA_COMPILE) tables $(srcdir)/schemas $@.tmp $(DEVICES) && mv $@.tmp $@

BUILT_SOURCES += src/schema/config.h
CLEANFILES += src/schema/config.h src/schema/tables.c

# A clean tree can make any one target: what is compiled may include the generated header.
$(libweft_a_OBJECTS) $(weft_OBJECTS): | src/schema/config.h
