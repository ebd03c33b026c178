/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a plain scalar is: the core schema of YAML 1.2.2 (section 10.3.2), without its octal
 * integers and without what 1.1 had (yes, no, on, off, 1:30, 010).
 */
#include <errno.h>
#include <string.h>

#include "base/compiler.h"
#include "base/units.h"
#include "document/load.h"

static bool is_one_of(const char *text, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(text, words[i]) == 0)
			return true;
	return false;
}

static const char *skip_digits(const char *s)
{
	while (*s >= '0' && *s <= '9')
		s++;
	return s;
}

/* [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?, or an infinity, or no number
 */
static bool is_float(const char *text)
{
	static const char *const special[] = {".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN"};
	const char *s = text + (*text == '-' || *text == '+');
	const char *digits = s, *end;

	if (is_one_of(s, special, ARRAY_SIZE(special)))
		return true;
	s = skip_digits(s);
	if (*s == '.') {
		end = skip_digits(s + 1);
		if (s == digits && end == s + 1)
			return false;
		s = end;
	} else if (s == digits) {
		return false;
	}
	if (*s == 'e' || *s == 'E') {
		s += 1 + (s[1] == '-' || s[1] == '+');
		end = skip_digits(s);
		if (end == s)
			return false;
		s = end;
	}
	return !*s;
}

static void resolve_number(struct node *node, struct diag_list *diags)
{
	const char *text = node->text + (node->text[0] == '+');
	struct unit_error error;
	struct diag *diag;
	bool negative;
	uint64_t magnitude;
	int r = integer_parse(text, &negative, &magnitude, &error);

	if (r == 0) {
		node->kind = NODE_INT;
		node->integer.negative = negative;
		node->integer.magnitude = magnitude;
		return;
	}
	/* What looks like an integer and is none: neither a number nor a string would be a safe
	 * guess. */
	if (r == -ERANGE || *skip_digits(text + (*text == '-')) == '\0') {
		diag = diag_add(diags, "E0116", DIAG_ERROR, node->span, "%s", error.message);
		if (error.hint[0])
			diag_hint(diags, diag, "%s, or '%s' in quotes if it is no number",
				  error.hint, node->text);
		else
			diag_hint(diags, diag, "write '%s' in quotes if it is no number",
				  node->text);
		node->kind = NODE_INT;
		node->integer.negative = false;
		node->integer.magnitude = r == -ERANGE ? UINT64_MAX : 0;
		return;
	}
	if (is_float(node->text))
		node->kind = NODE_FLOAT;
}

void scalar_resolve(struct node *node, struct diag_list *diags)
{
	static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};
	static const char *const trues[] = {"true", "True", "TRUE"};
	static const char *const falses[] = {"false", "False", "FALSE"};

	node->kind = NODE_STRING;
	switch (node->text[0]) {
	case '0' ... '9':
	case '-':
	case '+':
	case '.':
		resolve_number(node, diags);
		break;
	case '\0':
	case '~':
	case 'n':
	case 'N':
		if (is_one_of(node->text, nulls, ARRAY_SIZE(nulls)))
			node->kind = NODE_NULL;
		break;
	case 't':
	case 'T':
	case 'f':
	case 'F':
		node->boolean = is_one_of(node->text, trues, ARRAY_SIZE(trues));
		if (node->boolean || is_one_of(node->text, falses, ARRAY_SIZE(falses)))
			node->kind = NODE_BOOL;
		break;
	}
}
