/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An inotify watch on a file dies with its inode: editors, sed -i and git put another inode under
 * the name. A watch on the directory survives all of them, but for two things: a directory that is
 * reached through a symbolic link can be swapped as a whole, which only the directory that holds
 * the link sees; and a ConfigMap's files are links through `..data`, which is itself a link. So the
 * path is resolved a component at a time, as the kernel does, and every directory that holds a link
 * of it is watched.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "loop/loop.h"
#include "reload/watch.h"

#define MAX_LINKS       40 /* as the kernel: ELOOP */
#define MAX_DIRECTORIES 512
#define MAX_READS       64 /* of events in one go: who floods a directory does not stop the machine */

/*
 * Not IN_MODIFY: a disk image beside the description is written all the time. A description that is
 * rewritten in place is closed at the end.
 */
#define EVENTS                                                                              \
	(IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB | \
	 IN_DELETE_SELF | IN_MOVE_SELF)

/*
 * Of the directories above: when one is renamed, the path leads elsewhere, and nothing below it
 * tells. What happens in them does not matter.
 */
#define EVENTS_ABOVE (IN_DELETE_SELF | IN_MOVE_SELF)

/* File times are those of the kernel's last tick, timers round up to the next. */
#define CLOCK_TICK_NS (10 * 1000000ULL)

/* What a poll compares. */
struct stamp {
	bool exists;
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec modified, changed;
};

struct directories {
	struct {
		int descriptor;
		uint32_t events;
	} list[MAX_DIRECTORIES];
	size_t n;
};

struct watch {
	struct loop *loop;
	void (*fn)(void *opaque);
	void *opaque;

	enum watch_mode mode;
	uint64_t poll_interval;
	char **paths;
	struct stamp *stamps;
	size_t n_paths;

	int inotify;
	int hold; /* on inotify: closing it waits for the kernel's readers, 20 ms in which nobody
		     gains */
	struct loop_source *events, *quiet, *poll;
	uint64_t first_event; /* of those that are not told yet, 0 for none */
	struct directories directories;
};

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000ULL + (uint64_t)t.tv_nsec;
}

void watch_trigger(struct watch *watch)
{
	uint64_t t = now(), latest;

	if (!watch->first_event)
		watch->first_event = t;
	latest = watch->first_event + WATCH_LATEST_NS;
	loop_timer_arm(watch->quiet, latest > t ? MIN(WATCH_QUIET_NS, latest - t) : 1);
}

static bool is_younger(const char *path, uint64_t age)
{
	struct timespec t;
	struct stat st;
	int64_t elapsed;

	if (stat(path, &st) < 0)
		return false;
	clock_gettime(CLOCK_REALTIME, &t);
	elapsed = (int64_t)(t.tv_sec - st.st_mtim.tv_sec) * 1000000000 + t.tv_nsec -
		  st.st_mtim.tv_nsec;
	/* A time in the future says nothing: somebody set a clock. */
	return elapsed >= 0 && (uint64_t)elapsed < age;
}

/*
 * Whether anybody has the file open to write: then the kernel gives out no lease to read it. It
 * gives one to the file's owner only, and not on every file system; there a file that was written a
 * moment ago counts.
 */
static bool is_open_to_write(const char *path)
{
	cleanup_fd int fd = -1;
	struct stat st;
	int r;

	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode))
		return false;
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return false;
	/* A writer who comes while we have it waits, and the kernel tells us: by a signal that
	 * nobody minds. */
	r = fcntl(fd, F_SETSIG, SIGURG);
	if (r == 0)
		r = fcntl(fd, F_SETLEASE, F_RDLCK);
	if (r < 0)
		return errno == EAGAIN || is_younger(path, WATCH_QUIET_NS - CLOCK_TICK_NS);
	fcntl(fd, F_SETLEASE, F_UNLCK);
	return false;
}

/*
 * Half a description may well be valid, with half the devices. A file that is being written in
 * place tells nothing until it is closed, but anything else in its directory may have called us
 * meanwhile.
 */
static bool is_being_written(const struct watch *watch)
{
	for (size_t i = 0; i < watch->n_paths; i++)
		if (is_open_to_write(watch->paths[i]))
			return true;
	return false;
}

static void on_quiet(void *opaque)
{
	struct watch *watch = opaque;

	if (now() < watch->first_event + WATCH_LATEST_NS && is_being_written(watch)) {
		watch_trigger(watch);
		return;
	}
	watch->first_event = 0;
	watch->fn(watch->opaque);
}

/*
 * What the events are does not matter, an overflow of the queue no more than the others; only that
 * a watch is gone, which we ourselves may have ended, is none.
 */
static void on_events(int fd, unsigned events, void *opaque)
{
	_Alignas(struct inotify_event) char buf[4096];
	const struct inotify_event *event;
	struct watch *watch = opaque;
	bool changed = false;
	ssize_t n;

	for (unsigned i = 0; i < MAX_READS && (n = read(fd, buf, sizeof(buf))) > 0; i++)
		for (ssize_t at = 0; at < n; at += (ssize_t)(sizeof(*event) + event->len)) {
			event = (const struct inotify_event *)(buf + at);
			changed |= (event->mask & ~IN_IGNORED) != 0;
		}
	if (changed)
		watch_trigger(watch);
}

/* Of a pattern (or a file with such a name that is not there) the directory: what matches changes
 * it. */
static struct stamp stamp_of(const char *path)
{
	char directory[PATH_MAX];
	struct stat st;

	if (stat(path, &st) < 0) {
		const char *slash = strrchr(path, '/');
		int len = slash ? (int)(slash - path) + 1 : 1;

		if (!strpbrk(path, "*?[") || len >= PATH_MAX)
			return (struct stamp){0};
		snprintf(directory, sizeof(directory), "%.*s", len, slash ? path : ".");
		if (stat(directory, &st) < 0)
			return (struct stamp){0};
	}
	return (struct stamp){true, st.st_dev, st.st_ino, st.st_size, st.st_mtim, st.st_ctim};
}

static bool same_stamp(const struct stamp *a, const struct stamp *b)
{
	return a->exists == b->exists && a->device == b->device && a->inode == b->inode &&
	       a->size == b->size && a->modified.tv_sec == b->modified.tv_sec &&
	       a->modified.tv_nsec == b->modified.tv_nsec &&
	       a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec;
}

static void on_poll(void *opaque)
{
	struct watch *watch = opaque;
	bool changed = false;

	for (size_t i = 0; i < watch->n_paths; i++) {
		struct stamp stamp = stamp_of(watch->paths[i]);

		changed |= !same_stamp(&stamp, &watch->stamps[i]);
		watch->stamps[i] = stamp;
	}
	loop_timer_arm(watch->poll, watch->poll_interval);
	if (changed)
		watch_trigger(watch);
}

struct watch *watch_create(struct loop *loop, void (*fn)(void *opaque), void *opaque)
{
	struct watch *watch = calloc(1, sizeof(*watch));

	invariant(watch != NULL);
	watch->loop = loop;
	watch->fn = fn;
	watch->opaque = opaque;
	watch->inotify = watch->hold = -1;
	watch->mode = WATCH_OFF;
	invariant(loop_add_timer(loop, on_quiet, watch, &watch->quiet) >= 0);
	return watch;
}

static void forget_paths(struct watch *watch)
{
	for (size_t i = 0; i < watch->n_paths; i++)
		free(watch->paths[i]);
	free(watch->paths);
	free(watch->stamps);
	watch->paths = NULL;
	watch->stamps = NULL;
	watch->n_paths = 0;
}

static void stop_inotify(struct watch *watch)
{
	watch->events = loop_source_remove(watch->events);
	watch->inotify = fd_close(watch->inotify);
	watch->hold = fd_close(watch->hold);
	watch->directories.n = 0;
}

struct watch *watch_destroy(struct watch *watch)
{
	if (!watch)
		return NULL;
	stop_inotify(watch);
	loop_source_remove(watch->quiet);
	loop_source_remove(watch->poll);
	forget_paths(watch);
	free(watch);
	return NULL;
}

/*
 * Watches a directory; the kernel gives the same descriptor for one that is watched already, with
 * other events. What that misses for a moment is no loss: the files are read after all this.
 */
static int watch_directory(struct watch *watch, const char *directory, uint32_t events,
			   struct directories *keep)
{
	const char *name = *directory ? directory : ".";
	int wd = inotify_add_watch(watch->inotify, name, events | IN_ONLYDIR);

	/* A directory that is not there: the one above it tells when it comes. */
	if (wd < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
	for (size_t i = 0; i < keep->n; i++) {
		if (keep->list[i].descriptor != wd)
			continue;
		if (keep->list[i].events & ~events)
			(void)!inotify_add_watch(watch->inotify, name,
						 events | keep->list[i].events | IN_ONLYDIR);
		keep->list[i].events |= events;
		return 0;
	}
	if (keep->n == MAX_DIRECTORIES) {
		inotify_rm_watch(watch->inotify, wd);
		return -ENOSPC;
	}
	keep->list[keep->n].descriptor = wd;
	keep->list[keep->n++].events = events;
	return 0;
}

/* readlink(2) with the outcome as text: "" for what is no link, NULL for what is missing. */
static const char *link_target(const char *path, char *target)
{
	ssize_t n = readlink(path, target, PATH_MAX - 1);

	if (n < 0 && errno != EINVAL)
		return NULL;
	target[n < 0 ? 0 : n] = '\0';
	return target;
}

static bool same_target(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/*
 * Watches @directory for what @name in it can become. It is looked at again after that: it may have
 * been swapped just before. Return: a negative errno, or 0 with its target.
 */
static int watch_name(struct watch *watch, const char *directory, const char *name, bool last,
		      char *target, const char **ret_target, struct directories *keep)
{
	char again[PATH_MAX];
	unsigned tries = 0;
	int r;

	do {
		*ret_target = link_target(name, target);
		r = watch_directory(watch, directory,
				    last || !*ret_target || **ret_target ? EVENTS : EVENTS_ABOVE,
				    keep);
	} while (r >= 0 && !same_target(link_target(name, again), *ret_target) &&
		 tries++ < MAX_LINKS);
	return r;
}

/*
 * Follows @path a component at a time. @done is the part that is resolved ("" is the working
 * directory), @rest the part that is left.
 */
static int watch_path(struct watch *watch, const char *path, struct directories *keep)
{
	char done[PATH_MAX] = "", rest[PATH_MAX], buf[PATH_MAX], next[PATH_MAX];
	const char *target;
	unsigned links = 0;

	if (strlen(path) >= sizeof(rest))
		return -ENAMETOOLONG;
	strcpy(rest, path);
	while (*rest) {
		size_t len = strcspn(rest, "/");
		int r;

		if (len == 0) {
			if (!*done)
				strcpy(done, "/");
			memmove(rest, rest + 1, strlen(rest));
			continue;
		}
		if ((size_t)snprintf(next, sizeof(next), "%s%s%.*s", done,
				     *done && strcmp(done, "/") != 0 ? "/" : "", (int)len,
				     rest) >= sizeof(next))
			return -ENAMETOOLONG;
		r = watch_name(watch, done, next, rest[len] == '\0', buf, &target, keep);
		/* What is missing: the directory tells when it comes. */
		if (r < 0 || !target)
			return r;
		if (!*target) {
			strcpy(done, next);
			memmove(rest, rest + len, strlen(rest + len) + 1);
			continue;
		}
		if (++links > MAX_LINKS)
			return -ELOOP;
		if ((size_t)snprintf(next, sizeof(next), "%s%s", target, rest + len) >=
		    sizeof(next))
			return -ENAMETOOLONG;
		strcpy(rest, next);
		if (*target == '/')
			strcpy(done, "");
	}
	return 0;
}

static int start_inotify(struct watch *watch)
{
	int r;

	if (watch->inotify >= 0)
		return 0;
	watch->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (watch->inotify < 0)
		return -errno;
	r = loop_add_fd(watch->loop, watch->inotify, LOOP_READ, on_events, watch, &watch->events);
	if (r < 0)
		watch->inotify = fd_close(watch->inotify);
	else
		watch->hold = fd_hold_in_kernel(watch->inotify);
	return r;
}

/* New directories are watched before old ones are let go, so that nothing is missed between. */
static int set_inotify(struct watch *watch)
{
	struct directories keep = {.n = 0}, *old = &watch->directories;
	int error = start_inotify(watch), r;

	if (error < 0)
		return error;
	for (size_t i = 0; i < watch->n_paths; i++) {
		r = watch_path(watch, watch->paths[i], &keep);
		if (r < 0)
			error = r;
	}
	for (size_t i = 0; i < old->n; i++) {
		size_t j = 0;

		while (j < keep.n && keep.list[j].descriptor != old->list[i].descriptor)
			j++;
		if (j == keep.n)
			inotify_rm_watch(watch->inotify, old->list[i].descriptor);
	}
	memcpy(old->list, keep.list, keep.n * sizeof(*keep.list));
	old->n = keep.n;
	return error;
}

static int set_poll(struct watch *watch)
{
	int r = 0;

	if (!watch->poll)
		r = loop_add_timer(watch->loop, on_poll, watch, &watch->poll);
	return r < 0 ? r : loop_timer_arm(watch->poll, watch->poll_interval);
}

int watch_set(struct watch *watch, enum watch_mode mode, uint64_t poll_interval,
	      const char *const *paths, size_t n_paths)
{
	char **copies = calloc(n_paths + 1, sizeof(*copies));
	struct stamp *stamps = calloc(n_paths + 1, sizeof(*stamps));

	invariant(copies != NULL && stamps != NULL);
	for (size_t i = 0; i < n_paths; i++) {
		copies[i] = strdup(paths[i]);
		invariant(copies[i] != NULL);
		if (mode == WATCH_POLL)
			stamps[i] = stamp_of(copies[i]);
	}
	forget_paths(watch);
	watch->paths = copies;
	watch->stamps = stamps;
	watch->n_paths = n_paths;
	watch->mode = mode;
	watch->poll_interval = poll_interval;
	if (mode != WATCH_INOTIFY)
		stop_inotify(watch);
	if (mode != WATCH_POLL)
		watch->poll = loop_source_remove(watch->poll);
	switch (mode) {
	case WATCH_INOTIFY:
		return set_inotify(watch);
	case WATCH_POLL:
		return set_poll(watch);
	default:
		return 0;
	}
}
