/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "block/block.h"
#include "loop/loop.h"
#include "tests/unit/cu-tap.h"

#define IMAGE_SIZE (1 * MiB)

static char dir[64], path[128];
static enum block_engine engine;
static struct block_image *image;
static struct block_queue *queue;

/* A request with room for its pieces, and what came of it. */
struct op {
	struct block_request req;
	struct iovec iov[2048];
	unsigned n_done;
	int result;
};

static void op_done(struct block_request *req, int result)
{
	struct op *op = container_of(req, struct op, req);

	op->n_done++;
	op->result = result;
}

static void submit(struct op *op)
{
	op->n_done = 0;
	op->req.done = op_done;
	if (op->req.iov == NULL)
		op->req.iov = op->iov;
	block_submit(queue, &op->req);
}

static int run(enum block_op kind, uint64_t offset, uint64_t length, void *buf)
{
	struct op *op = calloc(1, sizeof(*op));
	int r;

	op->req.op = kind;
	op->req.offset = offset;
	op->req.length = length;
	op->iov[0] = (struct iovec){buf, length};
	op->req.n_iov = 1;
	submit(op);
	block_queue_drain(queue);
	CU_ASSERT_EQUAL(op->n_done, 1);
	r = op->result;
	free(op);
	return r;
}

static void write_file(const char *name, size_t size, unsigned char first)
{
	cleanup_fd int fd = open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	unsigned char buf[4096];

	CU_ASSERT_FATAL(fd >= 0);
	for (size_t at = 0; at < size; at += sizeof(buf)) {
		memset(buf, (unsigned char)(first + at / sizeof(buf)), sizeof(buf));
		CU_ASSERT_FATAL(pwrite(fd, buf, MIN(sizeof(buf), size - at), (off_t)at) > 0);
	}
}

static int open_image(const char *name, const char *owner, bool read_only, bool direct,
		      struct block_failure *failure, struct block_image **ret)
{
	struct block_options options = {
		.path = name,
		.owner = owner,
		.read_only = read_only,
		.direct = direct,
	};

	return block_open(&options, ret, failure);
}

static bool start(bool read_only, bool direct)
{
	struct block_failure failure;

	if (open_image(path, "disk", read_only, direct, &failure, &image) < 0)
		return false;
	CU_ASSERT_EQUAL_FATAL(block_queue_create(image, engine, NULL, &queue), 0);
	return true;
}

static void stop(void)
{
	queue = block_queue_destroy(queue);
	image = block_close(image);
}

/*
 * Random requests, several at a time where they do not overlap, of odd pieces at odd addresses,
 * against a plain array that tells what the image must hold.
 */
static void random_io(bool direct)
{
	enum { SLOTS = 8, SLOT = IMAGE_SIZE / SLOTS, ROUNDS = 60 };
	unsigned char *model = malloc(IMAGE_SIZE), *buf = malloc(IMAGE_SIZE + 8192);
	struct op *ops = calloc(SLOTS, sizeof(*ops));
	unsigned seed = 7;

	write_file(path, IMAGE_SIZE, 0);
	if (!start(false, direct)) {
		CU_PASS("no direct I/O here");
		goto out;
	}
	CU_ASSERT_EQUAL(block_size(image), IMAGE_SIZE);
	CU_ASSERT_EQUAL(run(BLOCK_READ, 0, IMAGE_SIZE, model), 0);
	for (unsigned round = 0; round < ROUNDS; round++) {
		unsigned unit = direct ? block_geometry(image)->logical_block : BLOCK_SECTOR;

		for (unsigned s = 0; s < SLOTS; s++) {
			struct op *op = &ops[s];
			uint64_t first = (uint64_t)rand_r(&seed) % (SLOT / unit);
			uint64_t n = 1 + (uint64_t)rand_r(&seed) % (SLOT / unit - first);
			unsigned char *p = buf + s * SLOT + rand_r(&seed) % 600;
			size_t left = n * unit, at = 0;

			memset(op, 0, sizeof(*op));
			op->req.op = (enum block_op[]){BLOCK_READ, BLOCK_WRITE, BLOCK_WRITE,
						       BLOCK_ZERO}[rand_r(&seed) % 4];
			op->req.offset = s * SLOT + first * unit;
			op->req.length = left;
			op->req.durable = rand_r(&seed) % 8 == 0;
			op->req.unmap = rand_r(&seed) % 2;
			p = MIN(p, buf + (s + 1) * SLOT - left);
			while (left > 0) {
				size_t piece = MIN(left, 1 + (size_t)rand_r(&seed) % 5000);

				op->iov[op->req.n_iov++] = (struct iovec){p + at, piece};
				at += piece;
				left -= piece;
			}
			if (op->req.op == BLOCK_WRITE) {
				for (size_t i = 0; i < op->req.length; i++)
					p[i] = (unsigned char)rand_r(&seed);
				memcpy(model + op->req.offset, p, op->req.length);
			} else if (op->req.op == BLOCK_ZERO) {
				memset(model + op->req.offset, 0, op->req.length);
			}
			submit(op);
		}
		block_queue_kick(queue);
		block_queue_drain(queue);
		for (unsigned s = 0; s < SLOTS; s++) {
			CU_ASSERT_EQUAL(ops[s].n_done, 1);
			CU_ASSERT_EQUAL(ops[s].result, 0);
		}
	}
	CU_ASSERT_EQUAL(run(BLOCK_FLUSH, 0, 0, NULL), 0);
	CU_ASSERT_EQUAL(run(BLOCK_READ, 0, IMAGE_SIZE, buf), 0);
	CU_ASSERT_EQUAL(memcmp(buf, model, IMAGE_SIZE), 0);
	stop();
out:
	free(ops);
	free(buf);
	free(model);
}

static void random_io_agrees_with_a_model(void)
{
	random_io(false);
}

static void unaligned_direct_io_is_bounced(void)
{
	random_io(true);
}

/* More pieces than the kernel takes at once, and more requests than a ring holds. */
static void many_pieces_and_many_requests(void)
{
	enum { N = 600 };
	unsigned char *buf = malloc(2048 * BLOCK_SECTOR);
	struct op *op = calloc(1, sizeof(*op)), *ops = calloc(N, sizeof(*ops));

	write_file(path, IMAGE_SIZE, 1);
	CU_ASSERT_FATAL(start(false, false));
	op->req.op = BLOCK_READ;
	op->req.length = IMAGE_SIZE;
	op->req.n_iov = 2048;
	for (unsigned i = 0; i < 2048; i++)
		op->iov[i] = (struct iovec){buf + i * BLOCK_SECTOR, BLOCK_SECTOR};
	submit(op);
	block_queue_drain(queue);
	CU_ASSERT_EQUAL(op->result, 0);
	CU_ASSERT_EQUAL(buf[IMAGE_SIZE - 1], (unsigned char)(1 + 255));
	for (unsigned i = 0; i < N; i++) {
		ops[i].req.op = BLOCK_READ;
		ops[i].req.offset = i * BLOCK_SECTOR;
		ops[i].req.length = BLOCK_SECTOR;
		ops[i].req.n_iov = 1;
		ops[i].iov[0] = (struct iovec){buf + i * BLOCK_SECTOR, BLOCK_SECTOR};
		submit(&ops[i]);
	}
	CU_ASSERT(block_queue_in_flight(queue) <= N);
	block_queue_drain(queue);
	for (unsigned i = 0; i < N; i++)
		CU_ASSERT(ops[i].n_done == 1 && ops[i].result == 0);
	stop();
	free(ops);
	free(op);
	free(buf);
}

static void discard_and_zero_punch_holes(void)
{
	unsigned char buf[8192];
	struct op op = {.req = {.op = BLOCK_ZERO, .offset = 512 * KiB, .length = 256 * KiB}};
	struct stat before, after;
	bool zero = true;

	write_file(path, IMAGE_SIZE, 1);
	CU_ASSERT_FATAL(start(false, false));
	stat(path, &before);
	CU_ASSERT_EQUAL(run(BLOCK_DISCARD, 0, 256 * KiB, NULL), 0);
	op.req.unmap = true;
	submit(&op);
	block_queue_drain(queue);
	CU_ASSERT_EQUAL(op.result, 0);
	stat(path, &after);
	CU_ASSERT_EQUAL(after.st_size, before.st_size);
	CU_ASSERT(after.st_blocks + 1024 <= before.st_blocks);
	CU_ASSERT_EQUAL(run(BLOCK_READ, 768 * KiB - 4096, 8192, buf), 0);
	for (unsigned i = 0; i < 4096; i++)
		zero = zero && buf[i] == 0;
	CU_ASSERT(zero);
	CU_ASSERT_NOT_EQUAL(buf[4096], 0);
	stop();
}

static void requests_outside_are_refused(void)
{
	unsigned char buf[4096];

	write_file(path, IMAGE_SIZE, 0);
	CU_ASSERT_FATAL(start(false, false));
	CU_ASSERT_EQUAL(run(BLOCK_READ, IMAGE_SIZE, 512, buf), -ENXIO);
	CU_ASSERT_EQUAL(run(BLOCK_WRITE, IMAGE_SIZE - 512, 1024, buf), -ENXIO);
	CU_ASSERT_EQUAL(run(BLOCK_WRITE, UINT64_MAX - 511, 512, buf), -ENXIO);
	CU_ASSERT_EQUAL(run(BLOCK_DISCARD, 0, UINT64_MAX, NULL), -ENXIO);
	CU_ASSERT_EQUAL(run(BLOCK_READ, 1, 512, buf), -EINVAL);
	CU_ASSERT_EQUAL(run(BLOCK_READ, 0, 100, buf), -EINVAL);
	CU_ASSERT_EQUAL(run(BLOCK_READ, IMAGE_SIZE, 0, buf), 0);
	stop();
	CU_ASSERT_FATAL(start(true, false));
	CU_ASSERT_EQUAL(run(BLOCK_WRITE, 0, 512, buf), -EROFS);
	CU_ASSERT_EQUAL(run(BLOCK_READ, 0, 512, buf), 0);
	stop();
}

/* The last sector of an odd file reads as if zeroes followed; a file that was cut is an error. */
static void ends_of_files(void)
{
	unsigned char buf[1024];
	uint64_t now;

	write_file(path, 4096 + 100, 1);
	CU_ASSERT_FATAL(start(false, false));
	CU_ASSERT_EQUAL(block_size(image), 4096 + 512);
	memset(buf, 0xff, sizeof(buf));
	CU_ASSERT_EQUAL(run(BLOCK_READ, 4096 - 512, 1024, buf), 0);
	CU_ASSERT_EQUAL(buf[512 + 99], 2);
	CU_ASSERT_EQUAL(buf[512 + 100], 0);
	CU_ASSERT_EQUAL(buf[1023], 0);
	CU_ASSERT_EQUAL(truncate(path, 1024), 0);
	CU_ASSERT_EQUAL(run(BLOCK_READ, 2048, 512, buf), -EIO);
	CU_ASSERT_EQUAL(run(BLOCK_READ, 512, 1024, buf), -EIO);
	CU_ASSERT_EQUAL(truncate(path, 64 * KiB), 0);
	CU_ASSERT_EQUAL(block_refresh_size(image, &now), 0);
	CU_ASSERT(now == 64 * KiB && block_size(image) == now);
	CU_ASSERT_EQUAL(run(BLOCK_READ, 64 * KiB - 512, 512, buf), 0);
	CU_ASSERT_EQUAL(truncate(path, 1024), 0);
	CU_ASSERT_EQUAL(block_refresh_size(image, &now), 0);
	CU_ASSERT(now == 1024 && block_size(image) == 64 * KiB);
	stop();
}

static void a_full_disk_is_an_error_of_the_request(void)
{
	struct rlimit old, limit;
	unsigned char buf[8192] = {1};

	write_file(path, 4096, 1);
	CU_ASSERT_EQUAL(truncate(path, 64 * KiB), 0);
	CU_ASSERT_FATAL(start(false, false));
	getrlimit(RLIMIT_FSIZE, &old);
	limit = old;
	limit.rlim_cur = 16 * KiB;
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &limit);
	/* The first half fits: the short write is continued, and that fails. */
	CU_ASSERT_EQUAL(run(BLOCK_WRITE, 12 * KiB, 8192, buf), -EFBIG);
	setrlimit(RLIMIT_FSIZE, &old);
	CU_ASSERT_EQUAL(run(BLOCK_WRITE, 12 * KiB, 8192, buf), 0);
	stop();
}

/* Another process holds the image; returns its pid once it does. */
static pid_t hold_in_child(bool read_only)
{
	struct block_failure failure;
	int fds[2];
	pid_t pid;
	char c;

	CU_ASSERT_FATAL(pipe(fds) == 0);
	pid = fork();
	if (pid == 0) {
		struct block_image *held;

		c = open_image(path, "disk", read_only, false, &failure, &held) == 0 ? 'y' : 'n';
		if (write(fds[1], &c, 1) == 1)
			pause();
		_exit(0);
	}
	CU_ASSERT(read(fds[0], &c, 1) == 1 && c == 'y');
	close(fds[0]);
	close(fds[1]);
	return pid;
}

static void end_child(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void one_writer_or_many_readers(void)
{
	struct block_failure failure;
	struct block_image *a, *b;
	char pid_text[32];
	pid_t pid;

	write_file(path, IMAGE_SIZE, 0);
	pid = hold_in_child(false);
	CU_ASSERT_EQUAL(open_image(path, "a", false, false, &failure, &a), -EBUSY);
	snprintf(pid_text, sizeof(pid_text), "process %d", pid);
	CU_ASSERT_PTR_NOT_NULL(strstr(failure.message, pid_text));
	CU_ASSERT_PTR_NOT_NULL(strstr(failure.message, path));
	CU_ASSERT_EQUAL(open_image(path, "a", true, false, &failure, &a), -EBUSY);
	end_child(pid);
	pid = hold_in_child(true);
	CU_ASSERT_EQUAL(open_image(path, "a", true, false, &failure, &a), 0);
	CU_ASSERT_EQUAL(open_image(path, "b", false, false, &failure, &b), -EBUSY);
	CU_ASSERT_EQUAL(open_image(path, "b", true, false, &failure, &b), 0);
	block_close(b);
	end_child(pid);
	CU_ASSERT_EQUAL(open_image(path, "b", false, false, &failure, &b), -EBUSY);
	CU_ASSERT_PTR_NOT_NULL(strstr(failure.message, "another device of this machine"));
	block_close(a);
}

/* A device that is replaced opens its image while the old one still has it. */
static void a_replacement_shares_the_lock(void)
{
	static const bool read_only[][2] = {
		{false, false}, {false, true}, {true, false}, {true, true}};
	struct block_failure failure;
	struct block_image *old, *new, *other;

	write_file(path, IMAGE_SIZE, 0);
	for (unsigned i = 0; i < ARRAY_SIZE(read_only); i++) {
		bool was = read_only[i][0], is = read_only[i][1];

		for (unsigned undo = 0; undo < 2; undo++) {
			bool left = undo ? was : is;

			CU_ASSERT_EQUAL_FATAL(open_image(path, "a", was, false, &failure, &old), 0);
			CU_ASSERT_EQUAL_FATAL(open_image(path, "a", is, false, &failure, &new), 0);
			CU_ASSERT_EQUAL(open_image(path, "b", false, false, &failure, &other),
					-EBUSY);
			block_close(undo ? new : old);
			CU_ASSERT_EQUAL(open_image(path, "b", false, false, &failure, &other),
					-EBUSY);
			CU_ASSERT_EQUAL(open_image(path, "b", true, false, &failure, &other),
					left ? 0 : -EBUSY);
			if (left)
				block_close(other);
			block_close(undo ? old : new);
			CU_ASSERT_EQUAL(open_image(path, "b", false, false, &failure, &other), 0);
			block_close(other);
		}
	}
}

static void what_is_no_image_is_refused(void)
{
	struct block_failure failure;
	struct block_image *none;
	char fifo[160];

	CU_ASSERT_EQUAL(open_image(dir, "a", true, false, &failure, &none), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(failure.message, "a directory"));
	CU_ASSERT_EQUAL(open_image("/dev/zero", "a", true, false, &failure, &none), -EINVAL);
	snprintf(fifo, sizeof(fifo), "%s/fifo", dir);
	CU_ASSERT_EQUAL(mkfifo(fifo, 0600), 0);
	CU_ASSERT_EQUAL(open_image(fifo, "a", true, false, &failure, &none), -EINVAL);
	CU_ASSERT_EQUAL(open_image(fifo, "a", false, false, &failure, &none), -EINVAL);
	unlink(fifo);
	CU_ASSERT_EQUAL(open_image(fifo, "a", false, false, &failure, &none), -ENOENT);
	write_file(path, 0, 0);
	CU_ASSERT_EQUAL(open_image(path, "a", false, false, &failure, &none), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(failure.hint, "truncate"));
}

struct looped {
	struct op op;
	struct loop *loop;
	unsigned left;
};

/* Each completion asks for the next request: in the loop, without a drain. */
static void next(struct block_request *req, int result)
{
	struct looped *l = container_of(req, struct looped, op.req);

	CU_ASSERT_EQUAL(result, 0);
	if (--l->left == 0) {
		loop_quit(l->loop);
		return;
	}
	l->op.iov[0].iov_len = 4096;
	l->op.iov[0].iov_base = (char *)l->op.iov + sizeof(l->op.iov) - 4096;
	l->op.req.iov = l->op.iov;
	l->op.req.n_iov = 1;
	l->op.req.op = l->left % 5 ? BLOCK_READ : BLOCK_FLUSH;
	l->op.req.length = l->left % 5 ? 4096 : 0;
	l->op.req.offset = 0;
	block_submit(queue, req);
	block_queue_kick(queue);
}

static void completions_come_through_the_loop(void)
{
	struct looped *l = calloc(1, sizeof(*l));
	struct block_failure failure;

	write_file(path, IMAGE_SIZE, 1);
	l->loop = loop_create();
	l->left = 100;
	CU_ASSERT_EQUAL_FATAL(open_image(path, "disk", false, false, &failure, &image), 0);
	CU_ASSERT_EQUAL_FATAL(block_queue_create(image, engine, l->loop, &queue), 0);
	l->op.req.op = BLOCK_FLUSH;
	l->op.req.done = next;
	block_submit(queue, &l->op.req);
	block_queue_kick(queue);
	CU_ASSERT_EQUAL(loop_run(l->loop), 0);
	CU_ASSERT_EQUAL(l->left, 0);
	stop();
	loop_destroy(l->loop);
	free(l);
}

/* Attaches @path to a loop device when this is root and there are any. */
static int attach_loop(char *name, size_t size)
{
	int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC), number, fd, file;

	if (control < 0)
		return -1;
	number = ioctl(control, LOOP_CTL_GET_FREE);
	close(control);
	snprintf(name, size, "/dev/loop%d", number);
	fd = number < 0 ? -1 : open(name, O_RDWR | O_CLOEXEC);
	file = open(path, O_RDWR | O_CLOEXEC);
	if (fd >= 0 && ioctl(fd, LOOP_SET_FD, file) < 0)
		fd = fd_close(fd);
	close(file);
	return fd;
}

static void block_devices(void)
{
	unsigned char buf[4096];
	struct block_failure failure;
	struct stat before, after;
	char name[64];
	int fd;

	write_file(path, IMAGE_SIZE, 1);
	fd = attach_loop(name, sizeof(name));
	if (fd < 0) {
		CU_PASS("no loop device here");
		return;
	}
	CU_ASSERT_EQUAL_FATAL(open_image(name, "disk", false, false, &failure, &image), 0);
	CU_ASSERT_EQUAL_FATAL(block_queue_create(image, engine, NULL, &queue), 0);
	CU_ASSERT_EQUAL(block_size(image), IMAGE_SIZE);
	memset(buf, 0x77, sizeof(buf));
	CU_ASSERT_EQUAL(run(BLOCK_WRITE, 4096, sizeof(buf), buf), 0);
	CU_ASSERT_EQUAL(run(BLOCK_FLUSH, 0, 0, NULL), 0);
	CU_ASSERT_EQUAL(run(BLOCK_ZERO, 0, 4096, NULL), 0);
	CU_ASSERT_EQUAL(run(BLOCK_READ, 0, 4096, buf), 0);
	CU_ASSERT_EQUAL(buf[100], 0);
	CU_ASSERT_EQUAL(run(BLOCK_READ, 4096, 4096, buf), 0);
	CU_ASSERT_EQUAL(buf[100], 0x77);
	stat(path, &before);
	CU_ASSERT_EQUAL(run(BLOCK_DISCARD, 512 * KiB, 512 * KiB, NULL), 0);
	stat(path, &after);
	CU_ASSERT(after.st_blocks < before.st_blocks);
	stop();
	ioctl(fd, LOOP_CLR_FD, 0);
	close(fd);
}

static int with_io_uring(void)
{
	engine = BLOCK_ENGINE_IO_URING;
	return 0;
}

static int with_threads(void)
{
	engine = BLOCK_ENGINE_THREADS;
	return 0;
}

int main(void)
{
	CU_TestInfo engines[] = {
		{"random I/O agrees with a model", random_io_agrees_with_a_model},
		{"unaligned direct I/O is bounced", unaligned_direct_io_is_bounced},
		{"many pieces and many requests", many_pieces_and_many_requests},
		{"discard and zero punch holes", discard_and_zero_punch_holes},
		{"requests outside are refused", requests_outside_are_refused},
		{"ends of files", ends_of_files},
		{"a full disk is an error of the request", a_full_disk_is_an_error_of_the_request},
		{"completions come through the loop", completions_come_through_the_loop},
		{"block devices", block_devices},
		CU_TEST_INFO_NULL,
	};
	CU_TestInfo images[] = {
		{"one writer or many readers", one_writer_or_many_readers},
		{"a replacement shares the lock", a_replacement_shares_the_lock},
		{"what is no image is refused", what_is_no_image_is_refused},
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo all[] = {
		{"images", NULL, NULL, NULL, NULL, images},
		{"threads", with_threads, NULL, NULL, NULL, engines},
		{"io_uring", with_io_uring, NULL, NULL, NULL, engines},
		CU_SUITE_INFO_NULL,
	};
	int r;

	/* Not on a tmpfs where it can be helped: it would not do direct I/O everywhere. */
	snprintf(dir, sizeof(dir), "%s/test-block.XXXXXX",
		 access("/var/tmp", W_OK) ? "/tmp" : "/var/tmp");
	if (!mkdtemp(dir))
		return 99;
	snprintf(path, sizeof(path), "%s/image", dir);
	if (block_probe_io_uring() < 0)
		all[2] = (CU_SuiteInfo)CU_SUITE_INFO_NULL;
	log_level = LOG_ERROR;
	r = cu_tap_run(all);
	unlink(path);
	rmdir(dir);
	return r;
}
