/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state directory: its lock, its files, and the thread that waits for the disk.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/sha256.h"
#include "base/strbuf.h"
#include "reload/state-content.h"
#include "reload/state.h"
#include "schema/value-yaml.h"

#define STATE_MAX_BYTES   (64 * KiB)
#define JUST_TAKEN        3 /* seconds */
#define HISTORY           "history.ndjson"
#define HISTORY_MAX_BYTES (1024 * 1024)

struct save;

struct state {
	char *directory;
	int directory_fd, lock_fd;
	struct arena *arena; /* of paths */
	struct state_content content;

	/* A disk may take half a second to sync, in which the guest's devices would stand still. */
	pthread_t saver;
	bool has_saver;
	bool hurry;
	pthread_mutex_t lock; /* over the rest */
	bool saving;
	struct save *next; /* the newest that is to be saved, or NULL */
};

/* What the files are to hold. */
struct save {
	struct strbuf last_good, state;
};

char *state_directory(void)
{
	const char *home = getenv("XDG_STATE_HOME");
	char *path = NULL;
	int r;

	if (home && *home == '/') {
		r = asprintf(&path, "%s/weft", home);
	} else if (geteuid() == 0) {
		r = asprintf(&path, "/var/lib/weft");
	} else {
		home = getenv("HOME");
		if (!home || *home != '/')
			return NULL;
		r = asprintf(&path, "%s/.local/state/weft", home);
	}
	return r < 0 ? NULL : path;
}

/* Makes a directory and those above it; 0 also when it is there. */
static int make_directories(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		int r;

		*slash = '\0';
		r = mkdir(path, 0755);
		*slash = '/';
		if (r < 0 && errno != EEXIST)
			return -errno;
	}
	return mkdir(path, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

static int open_directory(struct state *state)
{
	int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC, r;

	state->directory_fd = open(state->directory, flags);
	if (state->directory_fd < 0 && errno == ENOENT) {
		r = make_directories(state->directory);
		if (r < 0)
			return r;
		state->directory_fd = open(state->directory, flags);
	}
	return state->directory_fd < 0 ? -errno : 0;
}

/* Whose directory it is could put any file, or a link to any, where we write. */
static int check_owner(const struct state *state)
{
	struct stat st;

	if (fstat(state->directory_fd, &st) < 0)
		return -errno;
	if (st.st_uid == geteuid())
		return 0;
	log_warn("%s belongs to another user", state->directory);
	return -EPERM;
}

static int take_lock(struct state *state, pid_t *ret_pid)
{
	char text[16] = "";
	int len;

	state->lock_fd = openat(state->directory_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (state->lock_fd < 0)
		return -errno;
	if (flock(state->lock_fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK)
			return -errno;
		*ret_pid = 0;
		if (pread(state->lock_fd, text, sizeof(text) - 1, 0) > 0)
			*ret_pid = (pid_t)strtol(text, NULL, 10);
		return -EBUSY;
	}
	/* Always as long, so that what was there is written over. The lock holds on a full disk,
	 * too. */
	len = snprintf(text, sizeof(text), "%-10d\n", (int)getpid());
	if (pwrite(state->lock_fd, text, (size_t)len, 0) < 0)
		log_warn("%s/lock cannot be written: %s", state->directory, strerror(errno));
	return 0;
}

bool state_was_just_taken(const char *name)
{
	cleanup_free char *base = state_directory(), *path = NULL;
	cleanup_fd int fd = -1;
	char text[16] = "";
	struct stat st;
	time_t age;
	long pid;

	if (!base || asprintf(&path, "%s/%s/lock", base, name) < 0) {
		path = NULL;
		return false;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		return false;
	/* Not by the lock itself: to try it could keep a machine that starts now from it. */
	pid = strtol(text, NULL, 10);
	age = time(NULL) - st.st_mtime;
	return age >= 0 && age <= JUST_TAKEN && pid > 0 &&
	       (kill((pid_t)pid, 0) == 0 || errno == EPERM);
}

/* Of a crash between writing a file and putting it in its place. */
static void remove_stale(const struct state *state)
{
	unlinkat(state->directory_fd, ".state.yaml.new", 0);
	unlinkat(state->directory_fd, ".last-good.yaml.new", 0);
}

static void warn_unreadable(const struct state *state, const char *why)
{
	log_warn("%s/state.yaml cannot be read (%s): devices may get other places",
		 state->directory, why);
}

/* A state that cannot be read is none: devices are given new slots, and the log says so. */
static void read_state(struct state *state)
{
	cleanup_fd int fd = openat(state->directory_fd, "state.yaml", O_RDONLY | O_CLOEXEC);
	cleanup_free char *text = NULL;
	const char *why;
	ssize_t n;

	if (fd < 0 && errno == ENOENT)
		return;
	text = malloc(STATE_MAX_BYTES);
	invariant(text != NULL);
	n = fd < 0 ? -1 : read(fd, text, STATE_MAX_BYTES);
	if (n < 0) {
		warn_unreadable(state, strerror(errno));
		return;
	}
	if (state_content_parse(text, (size_t)n, &state->content, &why) < 0)
		warn_unreadable(state, why);
}

int state_open(const char *name, struct state **ret, pid_t *ret_pid)
{
	struct state *state = calloc(1, sizeof(*state));
	cleanup_free char *base = state_directory();
	int r;

	if (!state)
		return -ENOMEM;
	state->directory_fd = state->lock_fd = -1;
	pthread_mutex_init(&state->lock, NULL);
	state->arena = arena_create();
	if (!base || asprintf(&state->directory, "%s/%s", base, name) < 0) {
		state->directory = NULL;
		state_close(state);
		return -ENOENT;
	}
	r = open_directory(state);
	if (r >= 0)
		r = check_owner(state);
	if (r >= 0)
		r = take_lock(state, ret_pid);
	if (r < 0) {
		state_close(state);
		return r;
	}
	remove_stale(state);
	read_state(state);
	*ret = state;
	return 0;
}

struct state *state_close(struct state *state)
{
	if (!state)
		return NULL;
	/* It ends when all is saved. */
	if (state->has_saver)
		pthread_join(state->saver, NULL);
	pthread_mutex_destroy(&state->lock);
	fd_close(state->lock_fd);
	fd_close(state->directory_fd);
	arena_destroy(state->arena);
	state_content_fini(&state->content);
	free(state->directory);
	free(state);
	return NULL;
}

const char *state_path(struct state *state, const char *file)
{
	return arena_printf(state->arena, "%s/%s", state->directory, file);
}

const struct graph_pins *state_pins(const struct state *state)
{
	return &state->content.pins;
}

uint64_t state_generation(const struct state *state)
{
	return state->content.generation;
}

bool state_is(const struct state *state, const struct graph *graph)
{
	char hex[SHA256_HEX_SIZE];

	return strcmp(state->content.hash, sha256_hex(graph->hash, hex)) == 0;
}

static int write_all(int fd, const char *data, size_t size, bool sync)
{
	while (size) {
		ssize_t n = write(fd, data, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		size -= (size_t)n;
	}
	return sync && fsync(fd) < 0 ? -errno : 0;
}

/* A machine that starts again as it was writes nothing. */
static bool holds(const struct state *state, const char *name, const void *data, size_t size)
{
	cleanup_fd int fd = openat(state->directory_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	cleanup_free char *text = NULL;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || st.st_size != (off_t)size)
		return false;
	text = malloc(size + 1);
	return text && read(fd, text, size) == (ssize_t)size && memcmp(text, data, size) == 0;
}

/* Writes a file beside, makes sure that it is on the disk, and puts it in the place of the old one.
 */
static int replace_file(struct state *state, const char *name, const void *data, size_t size,
			bool sync)
{
	cleanup_free char *beside = NULL;
	cleanup_fd int fd = -1;
	int r;

	if (holds(state, name, data, size))
		return 0;
	if (asprintf(&beside, ".%s.new", name) < 0) {
		beside = NULL;
		return -ENOMEM;
	}
	fd = openat(state->directory_fd, beside,
		    O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	r = write_all(fd, data, size, sync);
	if (r >= 0 && renameat(state->directory_fd, beside, state->directory_fd, name) < 0)
		r = -errno;
	if (r < 0) {
		unlinkat(state->directory_fd, beside, 0);
		return r;
	}
	return sync && fsync(state->directory_fd) < 0 ? -errno : 0;
}

static void save_free(struct save *save)
{
	if (!save)
		return;
	strbuf_fini(&save->last_good);
	strbuf_fini(&save->state);
	free(save);
}

/* Takes what is to be saved; the thread ends when there is nothing. */
static struct save *take_next(struct state *state)
{
	struct save *save;

	pthread_mutex_lock(&state->lock);
	save = TAKE_PTR(state->next);
	state->saving = save != NULL;
	pthread_mutex_unlock(&state->lock);
	return save;
}

/* Takes @save. */
static void write_files(struct state *state, struct save *save, bool sync)
{
	int r = replace_file(state, "last-good.yaml", save->last_good.text, save->last_good.size,
			     sync);

	if (r >= 0)
		r = replace_file(state, "state.yaml", save->state.text, save->state.size, sync);
	if (r < 0)
		log_warn("%s cannot be written: %s", state->directory, strerror(-r));
	save_free(save);
}

static void *saver_main(void *opaque)
{
	struct state *state = opaque;
	struct save *save;

	while ((save = take_next(state)))
		write_files(state, save, true);
	return NULL;
}

static int start_saver(struct state *state)
{
	sigset_t all, before;
	int r;

	if (state->has_saver)
		pthread_join(state->saver, NULL);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&state->saver, NULL, saver_main, state);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	state->has_saver = r == 0;
	return -r;
}

/* The newest takes the place of one that the disk has not come to. Takes @save. */
static int hand_over(struct state *state, struct save *save)
{
	bool start;
	int r = 0;

	pthread_mutex_lock(&state->lock);
	save_free(state->next);
	state->next = save;
	start = !state->saving;
	state->saving = true;
	pthread_mutex_unlock(&state->lock);
	if (start)
		r = start_saver(state);
	if (r < 0)
		save_free(take_next(state));
	return r;
}

int state_accept(struct state *state, const struct graph *graph, const struct value *root,
		 uint64_t generation)
{
	struct save *save = calloc(1, sizeof(*save));
	struct state_content content;
	int r;

	if (!save)
		return -ENOMEM;
	r = state_content_print(graph, generation, &save->state, &content);
	if (r < 0) {
		save_free(save);
		return r;
	}
	state_content_fini(&state->content);
	state->content = content;
	value_yaml(root, false, &save->last_good);
	if (!state->hurry)
		return hand_over(state, save);
	write_files(state, save, false);
	return 0;
}

void state_hurry(struct state *state)
{
	if (state->has_saver)
		pthread_join(state->saver, NULL);
	state->has_saver = false;
	state->hurry = true;
}

/* Two files of this size are kept: the newest entries, and those before. */
static void rotate_history(struct state *state, off_t size)
{
	if (size >= HISTORY_MAX_BYTES)
		(void)!renameat(state->directory_fd, HISTORY, state->directory_fd, HISTORY ".1");
}

/* Ends the half line that a crash or a full disk left. */
static bool ends_in_half_line(int fd, off_t size)
{
	char last = '\n';

	return size > 0 && pread(fd, &last, 1, size - 1) == 1 && last != '\n';
}

int state_record(struct state *state, const struct json_t *entry)
{
	cleanup_free char *text = json_dumps(entry, JSON_COMPACT);
	cleanup_fd int fd = -1;
	struct iovec line[3] = {{(char *)"\n", 1}, {text, 0}, {(char *)"\n", 1}};
	struct stat st;
	ssize_t n;

	if (!text)
		return -ENOMEM;
	line[1].iov_len = strlen(text);
	if (fstatat(state->directory_fd, HISTORY, &st, AT_SYMLINK_NOFOLLOW) == 0)
		rotate_history(state, st.st_size);
	fd = openat(state->directory_fd, HISTORY,
		    O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	/* One write: lines do not mix. */
	n = ends_in_half_line(fd, st.st_size) ? writev(fd, line, 3) : writev(fd, line + 1, 2);
	if (n < 0)
		return -errno;
	return (size_t)n < line[1].iov_len + 1 ? -ENOSPC : 0;
}
