/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "tests/unit/fake-console.h"

struct fake_console fake_console;

void console_needs(const struct console_output *output, const char *property, bool reads,
		   struct device_needs *needs, struct arena *arena)
{
}

int console_open(struct console_hub *hub, const struct graph_node *node, const char *property,
		 const struct console_output *output, const struct console_events *events,
		 void *opaque, struct console **ret, struct diag_list *diags)
{
	memset(&fake_console, 0, sizeof(fake_console));
	fake_console.opened = 1;
	fake_console.events = events;
	fake_console.opaque = opaque;
	*ret = (struct console *)&fake_console;
	return 0;
}

int console_update(struct console *console, const struct graph_node *node, const char *property,
		   const struct console_output *output, struct diag_list *diags)
{
	return 0;
}

int console_prepare(struct console *console, const struct graph_node *node, const char *property,
		    const struct console_output *output, struct diag_list *diags)
{
	return 0;
}

void console_start(struct console *console)
{
}

void console_cancel(struct console *console)
{
}

struct console *console_close(struct console *console)
{
	fake_console.closed++;
	return NULL;
}

void console_write(struct console *console, const void *buf, size_t len)
{
	size_t n = MIN(len, sizeof(fake_console.output) - fake_console.output_len);

	memcpy(fake_console.output + fake_console.output_len, buf, n);
	fake_console.output_len += n;
	fake_console.written += len;
}

size_t console_read(struct console *console, void *buf, size_t len)
{
	size_t n = MIN(len, fake_console.input_len - fake_console.input_start);

	memcpy(buf, fake_console.input + fake_console.input_start, n);
	fake_console.input_start += n;
	return n;
}

bool console_size(struct console *console, unsigned *ret_columns, unsigned *ret_rows)
{
	return false;
}

void fake_console_type(const void *buf, size_t len)
{
	if (fake_console.input_start == fake_console.input_len)
		fake_console.input_start = fake_console.input_len = 0;
	len = MIN(len, sizeof(fake_console.input) - fake_console.input_len);
	memcpy(fake_console.input + fake_console.input_len, buf, len);
	fake_console.input_len += len;
	fake_console.events->readable(fake_console.opaque);
}
