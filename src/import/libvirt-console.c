/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Serial ports and consoles of libvirt, and where they go.
 */
#include <string.h>

#include "base/strbuf.h"
#include "document/quote.h"
#include "import/libvirt-internal.h"

static void put_path(struct strbuf *out, const char *type, const struct item *path, bool append)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT;

	quote_variables(&text, path->text);
	strbuf_printf(out, "{ type: %s, path: ", type);
	quote_put(out, text.text);
	strbuf_puts(out, append ? ", append: true }" : " }");
}

/* The sink of a character device. Return: false when weft has none like it. */
static bool put_sink(struct strbuf *out, struct item *port)
{
	const struct item *type = item_take_item(port, "type");
	struct item *source = item_find(port, "source");
	const struct item *path = item_take_item(source, "path");
	const struct item *mode = item_take_item(source, "mode");
	const struct item *append = item_take_item(source, "append");

	if (!type || item_is(type, "pty"))
		strbuf_puts(out, "pty"); /* its path is another at every start */
	else if (item_is(type, "stdio"))
		strbuf_puts(out, "terminal");
	else if (item_is(type, "null"))
		strbuf_puts(out, "null");
	else if (item_is(type, "file") && path)
		put_path(out, "file", path, item_is_on(append));
	else if (item_is(type, "unix") && path && !item_is(mode, "connect"))
		put_path(out, "socket", path, false);
	else
		return false;
	return true;
}

static void map_output(struct libvirt *l, struct draft_block *block, struct item *port)
{
	cleanup_strbuf struct strbuf out = STRBUF_INIT;
	struct item *log = item_find(port, "log");
	const struct item *file = item_take_item(log, "file");
	bool append = item_is_on(item_take_item(log, "append"));

	strbuf_puts(&out, file ? "[" : "");
	if (!put_sink(&out, port)) {
		draft_unmapped(l->draft, block, port,
			       "weft writes to a terminal, pty, file or unix socket");
		item_ignore(port);
		strbuf_puts(&out, "pty");
	}
	if (file) {
		strbuf_puts(&out, ", ");
		put_path(&out, "file", file, append);
		strbuf_putc(&out, ']');
	}
	item_ignore_named(port, "tty");
	item_ignore_named(port, "protocol");
	draft_put(block, NULL, "output", port, out.text);
}

void libvirt_map_serial(struct libvirt *l, struct item *serial)
{
	struct item *target = item_find(serial, "target");
	const struct item *port = item_take_item(target, "port");

	if (draft_find(l->draft, "serial") || (port && !item_is(port, "0"))) {
		draft_unmapped(l->draft, NULL, serial, "weft has one serial port, the first");
		item_ignore(serial);
		return;
	}
	item_ignore(target);
	map_output(l, draft_device(l->draft, "serial", "serial", serial), serial);
}

/* One that is a serial port is the first of them, told twice. */
void libvirt_map_console(struct libvirt *l, struct item *console)
{
	struct item *target = item_find(console, "target");
	const struct item *type = item_take_item(target, "type");

	if (!type || item_is(type, "serial")) {
		if (draft_find(l->draft, "serial"))
			item_ignore(console);
		else
			libvirt_map_serial(l, console);
		return;
	}
	if (!item_is(type, "virtio")) {
		draft_unmapped(l->draft, NULL, console,
			       "weft has serial ports and virtio consoles");
		item_ignore(console);
		return;
	}
	item_ignore(target);
	map_output(l, draft_device(l->draft, "virtio-console", "console", console), console);
}
