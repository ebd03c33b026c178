/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/diag-render.h"
#include "base/fd.h"
#include "base/sha256.h"
#include "base/source.h"
#include "base/strbuf.h"
#include "base/suggest.h"
#include "base/utf8.h"
#include "tests/unit/cu-tap.h"

/* FIPS 180-4 examples, and the million of NIST's long message test. */
static void sha256_gives_the_vectors_of_fips_180_4(void)
{
	static const struct {
		const char *message, *digest;
	} vectors[] = {
		{"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
		{"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
		{"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		 "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
		{"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopq"
		 "klmnopqrlmnopqrsmnopqrstnopqrstu",
		 "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
	};
	char hex[SHA256_HEX_SIZE], block[1000];
	uint8_t digest[SHA256_SIZE];
	struct sha256 hash;

	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		sha256(vectors[i].message, strlen(vectors[i].message), digest);
		CU_ASSERT_STRING_EQUAL(sha256_hex(digest, hex), vectors[i].digest);
	}
	memset(block, 'a', sizeof(block));
	sha256_init(&hash);
	for (unsigned i = 0; i < 1000; i++)
		sha256_update(&hash, block, sizeof(block));
	sha256_final(&hash, digest);
	CU_ASSERT_STRING_EQUAL(sha256_hex(digest, hex),
			       "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static void sha256_does_not_depend_on_how_data_is_cut(void)
{
	uint8_t data[300], whole[SHA256_SIZE], pieces[SHA256_SIZE];

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7);
	for (size_t size = 0; size <= sizeof(data); size += 13) {
		struct sha256 hash;

		sha256(data, size, whole);
		sha256_init(&hash);
		for (size_t at = 0; at < size; at += 11)
			sha256_update(&hash, data + at, MIN((size_t)11, size - at));
		sha256_final(&hash, pieces);
		CU_ASSERT_EQUAL(memcmp(whole, pieces, sizeof(whole)), 0);
	}
}

static void suggestions_are_near(void)
{
	static const char *const keys[] = {"queues", "queue-size", "path", NULL, "readonly", "mac"};
	size_t n = ARRAY_SIZE(keys);

	CU_ASSERT_STRING_EQUAL(suggest("queue", keys, n), "queues");
	CU_ASSERT_STRING_EQUAL(suggest("qeueus", keys, n), "queues");
	CU_ASSERT_STRING_EQUAL(suggest("queue_size", keys, n), "queue-size");
	CU_ASSERT_STRING_EQUAL(suggest("ReadOnly", keys, n), "readonly");
	CU_ASSERT_STRING_EQUAL(suggest("paht", keys, n), "path");
	CU_ASSERT_STRING_EQUAL(suggest("read", keys, n), "readonly");
	CU_ASSERT_PTR_NULL(suggest("x", keys, n));
	CU_ASSERT_PTR_NULL(suggest("serial", keys, n));
	CU_ASSERT_PTR_NULL(suggest("", keys, n));
	CU_ASSERT_PTR_NULL(suggest("id", keys, n));
}

static void utf8_refuses_what_rfc_3629_refuses(void)
{
	static const char *const bad[] = {"\x80",         "\xc0\xaf",         "\xe0\x80\xaf",
					  "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xff",
					  "\xe2\x82",     "\xf0\x9f\x98"};
	uint32_t c;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CU_ASSERT_EQUAL(utf8_decode(bad[i], strlen(bad[i]), &c), 0);
	CU_ASSERT_EQUAL(utf8_decode("\xf0\x9f\x98\x80", 4, &c), 4);
	CU_ASSERT_EQUAL(c, 0x1f600);
	CU_ASSERT_EQUAL(utf8_width(0x1f600), 2);
	CU_ASSERT_EQUAL(utf8_width('a'), 1);
	CU_ASSERT_EQUAL(utf8_width(0x301), 0);
	CU_ASSERT_EQUAL(utf8_check("0123456789\xc3\xa9\xff", 13), 12);
}

static void lines_end_as_in_every_editor(void)
{
	cleanup_arena struct arena *arena = arena_create();
	const char text[] = "\xef\xbb\xbfone\ntwo\r\nthree\rfour\n";
	struct source *source = source_from_text(arena, "x", text, sizeof(text) - 1);
	static const char *const lines[] = {"one", "two", "three", "four", ""};
	size_t size;

	for (uint32_t i = 0; i < ARRAY_SIZE(lines); i++) {
		const char *line = source_line(source, i + 1, &size);

		CU_ASSERT_PTR_NOT_NULL_FATAL(line);
		CU_ASSERT_EQUAL(size, strlen(lines[i]));
		CU_ASSERT_EQUAL(strncmp(line, lines[i], size), 0);
	}
	CU_ASSERT_PTR_NULL(source_line(source, 6, &size));
	CU_ASSERT_PTR_NULL(source_line(source, 0, &size));
}

static void only_files_are_read(void)
{
	cleanup_arena struct arena *arena = arena_create();
	char directory[] = "/tmp/weft-test-XXXXXX", fifo[64], file[64];
	struct source *source = NULL;
	int fd;

	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(directory));
	snprintf(fifo, sizeof(fifo), "%s/fifo", directory);
	snprintf(file, sizeof(file), "%s/file", directory);
	CU_ASSERT_EQUAL(mkfifo(fifo, 0600), 0);
	fd = open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	CU_ASSERT_EQUAL(write(fd, "a: 1\n", 5), 5);
	close(fd);

	CU_ASSERT_EQUAL(source_read(arena, fifo, 100, &source), SOURCE_NOT_REGULAR);
	CU_ASSERT_EQUAL(source_read(arena, "/dev/zero", 100, &source), SOURCE_NOT_REGULAR);
	CU_ASSERT_EQUAL(source_read(arena, directory, 100, &source), -EISDIR);
	CU_ASSERT_EQUAL(source_read(arena, "/nowhere/at/all", 100, &source), -ENOENT);
	CU_ASSERT_EQUAL(source_read(arena, file, 4, &source), SOURCE_TOO_LARGE);
	CU_ASSERT_PTR_NULL(source);
	CU_ASSERT_EQUAL(source_read(arena, file, 5, &source), 0);
	CU_ASSERT_STRING_EQUAL(source->text, "a: 1\n");
	CU_ASSERT_EQUAL(strncmp(source->directory, directory, strlen(directory)), 0);
	unlink(fifo);
	unlink(file);
	rmdir(directory);
}

static struct span at(const struct source *source, uint32_t line, uint32_t column, uint32_t end)
{
	return (struct span){source, line, column, line, end};
}

static void carets_stand_under_what_they_mean(void)
{
	cleanup_arena struct arena *arena = arena_create();
	const char text[] = "\tk\xc3\xa9y: \xe6\x97\xa5\xe6\x9c\xac x\n";
	struct source *source = source_from_text(arena, "x.yaml", text, sizeof(text) - 1);
	struct diag_list *diags = diag_list_create(arena);
	cleanup_strbuf struct strbuf out = STRBUF_INIT;

	diag_add(diags, "E0101", DIAG_ERROR, at(source, 1, 7, 9), "wide");
	diag_add(diags, "E0101", DIAG_ERROR, at(source, 1, 10, 11), "after");
	diag_render_text(&out, diags, false);
	CU_ASSERT_STRING_EQUAL(out.text, "x.yaml:1:7: error: wide [E0101]\n"
					 "    1 |         k\xc3\xa9y: \xe6\x97\xa5\xe6\x9c\xac x\n"
					 "      |              ^~~~\n"
					 "x.yaml:1:10: error: after [E0101]\n"
					 "    1 |         k\xc3\xa9y: \xe6\x97\xa5\xe6\x9c\xac x\n"
					 "      |                   ^\n");
}

static void long_lines_are_seen_through_a_window(void)
{
	cleanup_arena struct arena *arena = arena_create();
	char text[5000];
	struct diag_list *diags = diag_list_create(arena);
	cleanup_strbuf struct strbuf out = STRBUF_INIT;
	struct source *source;

	memset(text, '.', sizeof(text));
	text[4000] = 'X';
	source = source_from_text(arena, "x", text, sizeof(text));
	diag_add(diags, "E0101", DIAG_ERROR, at(source, 1, 4001, 4002), "far");
	diag_render_text(&out, diags, false);
	CU_ASSERT(out.size < 500);
	CU_ASSERT_PTR_NOT_NULL(strchr(out.text, 'X'));
	CU_ASSERT_PTR_NOT_NULL(strchr(out.text, '^'));
}

static void hostile_text_does_not_reach_a_terminal(void)
{
	cleanup_arena struct arena *arena = arena_create();
	const char text[] = "a: \x1b[2J\n";
	struct source *source = source_from_text(arena, "x\x1b", text, sizeof(text) - 1);
	struct diag_list *diags = diag_list_create(arena);
	cleanup_strbuf struct strbuf out = STRBUF_INIT;
	char *huge = malloc(100000);
	struct diag *diag;

	memset(huge, 'k', 99999);
	huge[99999] = '\0';
	diag = diag_add(diags, "E0101", DIAG_ERROR, at(source, 1, 1, 2), "key '%s\x1b[0m\n\xff'",
			"a");
	diag_hint(diags, diag, "%s", huge);
	diag_render_text(&out, diags, false);
	CU_ASSERT_PTR_NULL(strchr(out.text, 0x1b));
	CU_ASSERT_PTR_NOT_NULL(strstr(out.text, "\\x1b[0m\\n\\xff"));
	CU_ASSERT(out.size < 2000);
	free(huge);
}

static void diagnostics_are_sorted_bounded_and_single(void)
{
	cleanup_arena struct arena *arena = arena_create();
	struct source *source = source_from_text(arena, "x", "", 0);
	struct diag_list *diags = diag_list_create(arena);
	cleanup_strbuf struct strbuf out = STRBUF_INIT;

	for (uint32_t i = 0; i < 3000; i++)
		diag_add(diags, "E0101", DIAG_ERROR, at(source, 3000 - i, 1, 2), "m");
	CU_ASSERT_EQUAL(diag_errors(diags), 3000);
	CU_ASSERT_EQUAL(diag_count(diags), DIAG_MAX_KEPT);
	diag_add(diags, "E0101", DIAG_WARNING, at(source, 3000, 1, 2), "m");
	CU_ASSERT_EQUAL(diag_warnings(diags), 1);
	diag_render_text(&out, diags, false);
	CU_ASSERT_EQUAL(diag_get(diags, 0)->span.line, 2001);
	CU_ASSERT_PTR_NOT_NULL(strstr(out.text, "and 2951 more"));

	diags = diag_list_create(arena);
	diag_add(diags, "E0101", DIAG_ERROR, at(source, 1, 1, 2), "same");
	diag_add(diags, "E0101", DIAG_ERROR, at(source, 1, 1, 2), "same");
	CU_ASSERT_EQUAL(diag_errors(diags), 1);
}

static void a_held_file_ends_with_its_hold(void)
{
	int pipe_fds[2], hold;
	struct pollfd end;

	CU_ASSERT_EQUAL_FATAL(pipe(pipe_fds), 0);
	end = (struct pollfd){.fd = pipe_fds[0], .events = POLLIN};
	hold = fd_hold_in_kernel(pipe_fds[1]);
	fd_close(pipe_fds[1]);
	/* A host may forbid io_uring: then the file has ended already. */
	CU_ASSERT_EQUAL(poll(&end, 1, 0), hold < 0 ? 1 : 0);
	fd_close(hold);
	CU_ASSERT_EQUAL(poll(&end, 1, 10000), 1);
	CU_ASSERT(end.revents & POLLHUP);
	fd_close(pipe_fds[0]);
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"SHA-256 gives the vectors of FIPS 180-4", sha256_gives_the_vectors_of_fips_180_4},
		{"SHA-256 does not depend on how data is cut",
		 sha256_does_not_depend_on_how_data_is_cut},
		{"suggestions are near", suggestions_are_near},
		{"UTF-8 refuses what RFC 3629 refuses", utf8_refuses_what_rfc_3629_refuses},
		{"lines end as in every editor", lines_end_as_in_every_editor},
		{"only files are read", only_files_are_read},
		{"a held file ends with its hold", a_held_file_ends_with_its_hold},
		{"carets stand under what they mean", carets_stand_under_what_they_mean},
		{"long lines are seen through a window", long_lines_are_seen_through_a_window},
		{"hostile text does not reach a terminal", hostile_text_does_not_reach_a_terminal},
		{"diagnostics are sorted, bounded and single",
		 diagnostics_are_sorted_bounded_and_single},
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = {
		{"base", NULL, NULL, NULL, NULL, tests},
		CU_SUITE_INFO_NULL,
	};

	return cu_tap_run(suites);
}
