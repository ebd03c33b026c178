# SPDX-License-Identifier: Apache-2.0
weft_SOURCES += \
	src/cmd/act.c \
	src/cmd/apply.c \
	src/cmd/command.c \
	src/cmd/command.h \
	src/cmd/commands.h \
	src/cmd/completion.c \
	src/cmd/console.c \
	src/cmd/explain.c \
	src/cmd/follow.c \
	src/cmd/history.c \
	src/cmd/list.c \
	src/cmd/files.c \
	src/cmd/files.h \
	src/cmd/fleet.c \
	src/cmd/fleet.h \
	src/cmd/fmt.c \
	src/cmd/host-check.c \
	src/cmd/host-check.h \
	src/cmd/import.c \
	src/cmd/init.c \
	src/cmd/sarif.c \
	src/cmd/sarif.h \
	src/cmd/schema.c \
	src/cmd/graph.c \
	src/cmd/overrides.h \
	src/cmd/manual.c \
	src/cmd/manual.h \
	src/cmd/plan.c \
	src/cmd/remote.c \
	src/cmd/remote.h \
	src/cmd/run.c \
	src/cmd/show.c \
	src/cmd/status.c \
	src/cmd/validate.c \
	src/cmd/validate-report.c \
	src/cmd/validate-report.h

# weft says its own manual pages.
nodist_man_MANS = weft.1 weft.yaml.5
CLEANFILES += weft.1 weft.yaml.5
weft.1: weft$(EXEEXT)
	$(AM_V_GEN)./weft --manual >$@.tmp && mv $@.tmp $@
weft.yaml.5: weft$(EXEEXT)
	$(AM_V_GEN)./weft schema --format man >$@.tmp && mv $@.tmp $@

# And what shells complete.
bashcompletiondir = $(datadir)/bash-completion/completions
zshcompletiondir = $(datadir)/zsh/site-functions
nodist_bashcompletion_DATA = completion/weft
nodist_zshcompletion_DATA = completion/_weft
CLEANFILES += completion/weft completion/_weft
completion/weft: weft$(EXEEXT)
	$(AM_V_GEN)mkdir -p completion && ./weft completion bash >$@.tmp && mv $@.tmp $@
completion/_weft: weft$(EXEEXT)
	$(AM_V_GEN)mkdir -p completion && ./weft completion zsh >$@.tmp && mv $@.tmp $@

# And what editors read; the examples name it.
nodist_pkgdata_DATA = weft.schema.json weft.layer.schema.json
CLEANFILES += weft.schema.json weft.layer.schema.json
weft.schema.json: weft$(EXEEXT)
	$(AM_V_GEN)./weft schema >$@.tmp && mv $@.tmp $@
weft.layer.schema.json: weft$(EXEEXT)
	$(AM_V_GEN)./weft schema --format layer >$@.tmp && mv $@.tmp $@
