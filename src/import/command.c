/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line of Cloud Hypervisor, out of a shell script: `cloud-hypervisor --cpus boot=2
 * --disk path=a path=b …`, to the tree that its JSON would be. The shell is read as far as words,
 * quotes, comments, line continuations and NAME=value go; nothing is run.
 */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/arena.h"
#include "base/source.h"
#include "base/strbuf.h"
#include "document/load.h"
#include "import/readers.h"

struct word {
	const char *text;
	struct span span;
	bool plain; /* it stands in the source as it is: parts of it have places */
};

#define MAX_VARIABLES 64
#define MAX_EXPANSION (64 * 1024) /* bytes of values in all words */

struct variable {
	const char *name, *value;
};

struct shell {
	struct arena *arena;
	const struct source *source;
	size_t at;
	struct span place; /* of @at */
	size_t n;          /* values so far */
	struct variable variables[MAX_VARIABLES];
	size_t n_variables, expanded;
};

enum option_kind {
	OPTION_MAP,     /* k=v,k=v */
	OPTION_LIST,    /* of those */
	OPTION_SWITCH,  /* no value */
	OPTION_PAYLOAD, /* a part of "payload" */
	OPTION_PROGRAM, /* with a value that concerns the program, not the machine */
};

static const struct option {
	const char *name, *key;
	enum option_kind kind;
} options[] = {
	{"--cpus", "cpus", OPTION_MAP},
	{"--memory", "memory", OPTION_MAP},
	{"--memory-zone", "memory_zones", OPTION_LIST},
	{"--platform", "platform", OPTION_MAP},
	{"--kernel", "kernel", OPTION_PAYLOAD},
	{"--firmware", "firmware", OPTION_PAYLOAD},
	{"--initramfs", "initramfs", OPTION_PAYLOAD},
	{"--cmdline", "cmdline", OPTION_PAYLOAD},
	{"--igvm", "igvm", OPTION_PAYLOAD},
	{"--host-data", "host_data", OPTION_PAYLOAD},
	{"--disk", "disks", OPTION_LIST},
	{"--net", "net", OPTION_LIST},
	{"--fs", "fs", OPTION_LIST},
	{"--pmem", "pmem", OPTION_LIST},
	{"--device", "devices", OPTION_LIST},
	{"--user-device", "user_devices", OPTION_LIST},
	{"--vdpa", "vdpa", OPTION_LIST},
	{"--numa", "numa", OPTION_LIST},
	{"--pci-segment", "pci_segments", OPTION_LIST},
	{"--rate-limit-group", "rate_limit_groups", OPTION_LIST},
	{"--rng", "rng", OPTION_MAP},
	{"--balloon", "balloon", OPTION_MAP},
	{"--serial", "serial", OPTION_MAP},
	{"--console", "console", OPTION_MAP},
	{"--debug-console", "debug_console", OPTION_MAP},
	{"--vsock", "vsock", OPTION_MAP},
	{"--tpm", "tpm", OPTION_MAP},
	{"--watchdog", "watchdog", OPTION_SWITCH},
	{"--pvpanic", "pvpanic", OPTION_SWITCH},
	{"--landlock", NULL, OPTION_SWITCH},
	{"--no-shutdown", NULL, OPTION_SWITCH},
	{"-v", NULL, OPTION_SWITCH},
	{"--landlock-rules", NULL, OPTION_PROGRAM},
	{"--api-socket", NULL, OPTION_PROGRAM},
	{"--event-monitor", NULL, OPTION_PROGRAM},
	{"--log-file", NULL, OPTION_PROGRAM},
	{"--seccomp", NULL, OPTION_PROGRAM},
	{"--gdb", NULL, OPTION_PROGRAM},
};

/* Options that have another name in JSON: of any of the maps. */
static const struct {
	const char *option, *group, *key; /* @group: a map below, which its "bw" or "ops" is */
} renames[] = {
	{"boot", NULL, "boot_vcpus"},
	{"max", NULL, "max_vcpus"},
	{"fd", NULL, "fds"},
	{"bw_size", "bandwidth", "size"},
	{"bw_one_time_burst", "bandwidth", "one_time_burst"},
	{"bw_refill_time", "bandwidth", "refill_time"},
	{"ops_size", "ops", "size"},
	{"ops_one_time_burst", "ops", "one_time_burst"},
	{"ops_refill_time", "ops", "refill_time"},
};

static char peek(const struct shell *s)
{
	return s->source->text[s->at]; /* the text is ended by NUL, and holds none */
}

static void step(struct shell *s)
{
	if (peek(s) == '\n') {
		s->place.line++;
		s->place.column = 0;
	}
	do
		s->at++;
	while ((peek(s) & 0xc0) == 0x80);
	s->place.column++;
}

static void skip_line(struct shell *s)
{
	while (peek(s) && peek(s) != '\n')
		step(s);
}

/* Spaces, comments and continued lines. */
static void skip_blank(struct shell *s)
{
	for (;;) {
		if (peek(s) == ' ' || peek(s) == '\t' || peek(s) == '\r') {
			step(s);
		} else if (peek(s) == '\\' && (s->source->text[s->at + 1] == '\n' ||
					       s->source->text[s->at + 1] == '\r')) {
			step(s);
			step(s);
		} else if (peek(s) == '#') {
			skip_line(s);
		} else {
			return;
		}
	}
}

static void add_char(struct shell *s, struct strbuf *out)
{
	size_t start = s->at;

	step(s);
	strbuf_add(out, s->source->text + start, s->at - start);
}

static bool is_name_char(char c)
{
	return c == '_' || isalnum((unsigned char)c);
}

/* $NAME or ${NAME}: its value when the script gave it one, else as it is. */
static void read_variable(struct shell *s, struct strbuf *out)
{
	const char *text = s->source->text + s->at;
	size_t start = text[1] == '{' ? 2 : 1, size = 0, whole;
	const char *value = NULL;

	while (is_name_char(text[start + size]))
		size++;
	whole = start + size + (start == 2);
	for (size_t i = s->n_variables; i-- > 0 && !value;)
		if (strlen(s->variables[i].name) == size &&
		    !memcmp(s->variables[i].name, text + start, size))
			value = s->variables[i].value;
	if (!size || !value || (start == 2 && text[start + size] != '}') ||
	    strlen(value) > MAX_EXPANSION - s->expanded) {
		add_char(s, out);
		return;
	}
	s->expanded += strlen(value);
	strbuf_puts(out, value);
	while (whole--)
		step(s);
}

/* NAME=value before a command, or as one. */
static void take_assignment(struct shell *s, const struct word *word)
{
	size_t size = strcspn(word->text, "=");

	if (!size || !word->text[size] || s->n_variables == MAX_VARIABLES ||
	    isdigit((unsigned char)*word->text))
		return;
	for (size_t i = 0; i < size; i++)
		if (!is_name_char(word->text[i]))
			return;
	s->variables[s->n_variables++] = (struct variable){
		.name = arena_strndup(s->arena, word->text, size),
		.value = word->text + size + 1,
	};
}

static void read_quoted(struct shell *s, struct strbuf *out)
{
	char quote = peek(s);

	step(s);
	while (peek(s) && peek(s) != quote) {
		if (quote == '"' && peek(s) == '$') {
			read_variable(s, out);
			continue;
		}
		if (quote == '"' && peek(s) == '\\' && s->source->text[s->at + 1])
			step(s);
		add_char(s, out);
	}
	if (peek(s))
		step(s);
}

/* The next word of a command. Return: false at its end. */
static bool next_word(struct shell *s, struct word *ret)
{
	cleanup_strbuf struct strbuf out = STRBUF_INIT;
	struct word word = {.plain = true};

	skip_blank(s);
	if (!peek(s) || strchr("\n;&|()", peek(s)))
		return false;
	word.span = s->place;
	while (peek(s) && !strchr(" \t\r\n;&|()<>", peek(s))) {
		if (peek(s) == '"' || peek(s) == '\'') {
			word.plain = false;
			read_quoted(s, &out);
		} else if (peek(s) == '\\' && s->source->text[s->at + 1]) {
			word.plain = false;
			step(s);
			add_char(s, &out);
		} else if (peek(s) == '$') {
			word.plain = false;
			read_variable(s, &out);
		} else {
			add_char(s, &out);
		}
	}
	if (s->place.line == word.span.line && s->place.column == word.span.column)
		step(s); /* a redirection; what it names is a word that nobody asks for */
	word.span.end_line = s->place.line;
	word.span.end_column = s->place.column;
	word.text = arena_strndup(s->arena, out.size ? out.text : "", out.size);
	*ret = word;
	return true;
}

static bool is_program(const char *word)
{
	const char *slash = strrchr(word, '/');

	return !strncmp(slash ? slash + 1 : word, "cloud-hypervisor", strlen("cloud-hypervisor"));
}

/* Goes to the options of the first command that is the program. */
static bool find_command(struct shell *s)
{
	struct word word;

	while (peek(s)) {
		while (next_word(s, &word)) {
			if (is_program(word.text))
				return true;
			take_assignment(s, &word);
		}
		if (peek(s))
			step(s);
	}
	return false;
}

static const struct option *find_option(const char *name, size_t size)
{
	if (size > 2 && name[0] == '-' && name[1] == 'v' && name[strspn(name + 1, "v") + 1] == '\0')
		size = 2;
	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		if (strlen(options[i].name) == size && !memcmp(options[i].name, name, size))
			return &options[i];
	return NULL;
}

/* The place of a part of a word. */
static struct span part(const struct word *word, size_t start, size_t end)
{
	struct span span = word->span;

	if (!word->plain)
		return span;
	span.column += (uint32_t)start;
	span.end_column = word->span.column + (uint32_t)end;
	return span;
}

/* How much of @text is up to @end or the end of what encloses it, outside of quotes and brackets.
 */
static size_t extent(const char *text, char end)
{
	size_t i = 0, depth = 0;
	bool quoted = false;

	for (; text[i] && (quoted || depth || text[i] != end); i++) {
		if (text[i] == '"')
			quoted = !quoted;
		else if (!quoted && text[i] == '[')
			depth++;
		else if (!quoted && text[i] == ']' && depth)
			depth--;
	}
	return i;
}

static struct item *group(struct shell *s, struct item *map, const char *name, struct span span)
{
	struct item *found = item_find(map, name);

	return found ? found : item_add(s->arena, map, ITEM_MAP, name, NULL, span);
}

static char *without_quotes(struct shell *s, const char *text, size_t size)
{
	char *copy = arena_strndup(s->arena, text, size), *to = copy;

	for (const char *from = copy; *from; from++)
		if (*from != '"')
			*to++ = *from;
	*to = '\0';
	return copy;
}

/* "[3,4]" as a list, "1:2:1:1" and others as they are. */
static void add_value(struct shell *s, struct item *map, const char *key, const char *text,
		      size_t size, struct span span)
{
	struct item *list;

	if (!size || text[0] != '[' || text[size - 1] != ']' || strchr(text, '@')) {
		item_add(s->arena, map, ITEM_STRING, key, without_quotes(s, text, size), span);
		return;
	}
	list = item_add(s->arena, map, ITEM_LIST, key, NULL, span);
	for (size_t at = 1; at < size - 1 && s->n <= ITEM_MAX_COUNT; s->n++) {
		size_t n = MIN(strcspn(text + at, ","), size - 1 - at);

		item_add(s->arena, list, ITEM_STRING, "0", arena_strndup(s->arena, text + at, n),
			 span);
		at += n + 1;
	}
}

static void add_pair(struct shell *s, struct item *map, const struct word *word, size_t start,
		     size_t size)
{
	const char *text = word->text + start;
	size_t name = MIN(strcspn(text, "="), size), value = MIN(name + 1, size);
	const char *key = arena_strndup(s->arena, text, name);
	struct span span = part(word, start, start + size);

	/* "--serial tty": what has no value is the mode */
	if (name == size) {
		item_add(s->arena, map, ITEM_STRING, "mode", key, span);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(renames); i++) {
		if (strcmp(key, renames[i].option) != 0)
			continue;
		key = renames[i].key;
		if (renames[i].group)
			map = group(s, group(s, map, "rate_limiter_config", span), renames[i].group,
				    span);
		break;
	}
	add_value(s, map, key, text + value, size - value, span);
}

static void add_pairs(struct shell *s, struct item *map, const struct word *word)
{
	for (size_t at = 0; word->text[at] && s->n <= ITEM_MAX_COUNT; s->n++) {
		size_t size = extent(word->text + at, ',');

		if (size)
			add_pair(s, map, word, at, size);
		at += size + (word->text[at + size] == ',');
	}
}

static void add_option(struct shell *s, struct item *root, const struct option *option,
		       const struct word *word)
{
	struct item *at;

	switch (option->kind) {
	case OPTION_MAP:
		add_pairs(s, group(s, root, option->key, word->span), word);
		break;
	case OPTION_LIST:
		at = item_find(root, option->key);
		if (!at)
			at = item_add(s->arena, root, ITEM_LIST, option->key, NULL, word->span);
		at = item_add(s->arena, at, ITEM_MAP, "0", NULL, word->span);
		add_pairs(s, at, word);
		break;
	case OPTION_SWITCH:
		if (option->key)
			item_add(s->arena, root, ITEM_SWITCH, option->key, "true", word->span);
		break;
	case OPTION_PAYLOAD:
		item_add(s->arena, group(s, root, "payload", word->span), ITEM_STRING, option->key,
			 word->text, word->span);
		break;
	case OPTION_PROGRAM:
		break;
	}
}

/* The options up to the end of the command. Several values of one follow each other. */
static bool read_options(struct shell *s, struct item *root, struct diag_list *diags)
{
	const struct option *option = NULL;
	struct word word;

	while (next_word(s, &word)) {
		size_t size = strcspn(word.text, "=");

		if (word.text[0] != '-') {
			if (option)
				add_option(s, root, option, &word);
			continue;
		}
		option = find_option(word.text, size);
		if (!option) {
			item_add(s->arena, root, ITEM_STRING, word.text, word.text, word.span);
		} else if (option->kind == OPTION_SWITCH) {
			add_option(s, root, option, &word);
		} else if (word.text[size] == '=') {
			word.text += size + 1;
			word.plain = false;
			add_option(s, root, option, &word);
		}
		if (++s->n > ITEM_MAX_COUNT || strlen(word.text) > ITEM_MAX_TEXT) {
			diag_add(diags, "E0503", DIAG_ERROR, word.span,
				 "there are too many values, or one is too long: no machine needs "
				 "that");
			return false;
		}
	}
	return true;
}

int import_read_command(struct arena *arena, const struct source *source, struct diag_list *diags,
			struct item **ret_root)
{
	struct shell s = {
		.arena = arena,
		.source = source,
		.place = {.source = source, .line = 1, .column = 1},
	};
	struct item *root;
	struct diag *diag;

	if (!text_check(source, diags))
		return -EINVAL;
	if (!find_command(&s)) {
		diag = diag_add(diags, "E0501", DIAG_ERROR, (struct span){.source = source},
				"there is neither JSON here nor the command cloud-hypervisor");
		diag_hint(diags, diag,
			  "what vm.create takes is JSON; a script runs cloud-hypervisor "
			  "with options");
		return -EINVAL;
	}
	root = item_add(arena, NULL, ITEM_MAP, "command", NULL, s.place);
	if (!read_options(&s, root, diags))
		return -EINVAL;
	*ret_root = root;
	return 0;
}
