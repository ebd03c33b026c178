# SPDX-License-Identifier: Apache-2.0
weft_SOURCES += \
	src/cmd/command.c \
	src/cmd/command.h \
	src/cmd/commands.h \
	src/cmd/explain.c \
	src/cmd/schema.c \
	src/cmd/graph.c \
	src/cmd/overrides.h \
	src/cmd/plan.c \
	src/cmd/run.c \
	src/cmd/validate.c

# weft says its own manual page.
nodist_man_MANS = weft.yaml.5
CLEANFILES += weft.yaml.5
weft.yaml.5: weft$(EXEEXT)
	$(AM_V_GEN)./weft schema --format man >$@.tmp && mv $@.tmp $@
