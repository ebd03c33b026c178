/* SPDX-License-Identifier: Apache-2.0 */
/* Commands that tell what the guest sees of its machine. */
#include <asm/ioctls.h>
#include <asm/termios.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/utsname.h>

#include "command.h"

struct linux_dirent64 {
	uint64_t d_ino;
	int64_t d_off;
	unsigned short d_reclen;
	unsigned char d_type;
	char d_name[];
};

static long cmd_hello(char **words, const char *rest, char *answer, size_t size)
{
	format(answer, size, "hello %s", rest);
	return 0;
}

static long cmd_console(char **words, const char *rest, char *answer, size_t size)
{
	return console_switch(words[0]);
}

static unsigned cpus_online(void)
{
	uint64_t mask[16];
	long n = sys(sched_getaffinity, 0, sizeof(mask), mask);
	unsigned cpus = 0;

	for (long i = 0; i < n / 8; i++)
		for (uint64_t m = mask[i]; m; m &= m - 1)
			cpus++;
	return cpus;
}

/* The value behind "NAME:" in a file of such lines, without the unit. */
static uint64_t file_number(const char *path, const char *name)
{
	static char text[4096];
	const char *p;
	uint64_t value = 0;

	if (read_file(path, text, sizeof(text)) < 0 || !(p = str_find(text, name)))
		return 0;
	for (p += strlen(name); *p == ' ' || *p == ':'; p++)
		;
	while (*p >= '0' && *p <= '9')
		value = value * 10 + (uint64_t)(*p++ - '0');
	return value;
}

static void print_first_line(const char *name, const char *path)
{
	static char text[2048];
	long n = read_file(path, text, sizeof(text));

	if (n < 0)
		return;
	for (char *p = text; *p; p++)
		if (*p == '\n')
			*p = '\0';
	out("%s=%s\n", name, text);
}

static long cmd_nproc(char **words, const char *rest, char *answer, size_t size)
{
	format(answer, size, "%u", cpus_online());
	return 0;
}

static long cmd_mem(char **words, const char *rest, char *answer, size_t size)
{
	format(answer, size, "%lu", file_number("/proc/meminfo", "MemTotal"));
	return 0;
}

static long cmd_uptime(char **words, const char *rest, char *answer, size_t size)
{
	long now[2];

	sys(clock_gettime, 7 /* CLOCK_BOOTTIME */, now);
	format(answer, size, "%ld.%03ld", now[0], now[1] / 1000000);
	return 0;
}

static long cmd_date(char **words, const char *rest, char *answer, size_t size)
{
	long now[2];

	sys(clock_gettime, 0 /* CLOCK_REALTIME */, now);
	format(answer, size, "%ld", now[0]);
	return 0;
}

static long cmd_facts(char **words, const char *rest, char *answer, size_t size)
{
	struct new_utsname name;

	sys(uname, &name);
	out("UNAME=%s %s\n", name.sysname, name.release);
	out("NPROC=%u\n", cpus_online());
	out("MEMTOTAL_KB=%lu\n", file_number("/proc/meminfo", "MemTotal"));
	print_first_line("CPUS_PRESENT", "/sys/devices/system/cpu/present");
	print_first_line("CPUS_POSSIBLE", "/sys/devices/system/cpu/possible");
	print_first_line("CMDLINE", "/proc/cmdline");
	print_first_line("CONSOLES", "/sys/class/tty/console/active");
	return 0;
}

/* Calls @each for every name in a directory but . and .. ; the number of them or a negative errno.
 */
static long each_entry(const char *path, void (*each)(const char *dir, const char *name))
{
	static char buf[4096];
	long fd = sys(open, path, O_RDONLY | O_DIRECTORY), n, count = 0;

	if (fd < 0)
		return fd;
	while ((n = sys(getdents64, fd, buf, sizeof(buf))) > 0)
		for (long at = 0; at < n;) {
			struct linux_dirent64 *e = (void *)(buf + at);

			at += e->d_reclen;
			if (str_eq(e->d_name, ".") || str_eq(e->d_name, ".."))
				continue;
			each(path, e->d_name);
			count++;
		}
	sys(close, fd);
	return n < 0 ? n : count;
}

static void print_name(const char *dir, const char *name)
{
	out("%s\n", name);
}

static void read_attribute(const char *dir, const char *name, const char *attribute, char *buf,
			   size_t size)
{
	char path[256];

	format(path, sizeof(path), "%s/%s/%s", dir, name, attribute);
	if (read_file(path, buf, size) < 0)
		format(buf, size, "?");
	for (char *p = buf; *p; p++)
		if (*p == '\n')
			*p = '\0';
}

static void print_pci(const char *dir, const char *name)
{
	char vendor[16], device[16], class[16], path[256], driver[128];
	const char *last = "-";
	long n;

	read_attribute(dir, name, "vendor", vendor, sizeof(vendor));
	read_attribute(dir, name, "device", device, sizeof(device));
	read_attribute(dir, name, "class", class, sizeof(class));
	format(path, sizeof(path), "%s/%s/driver", dir, name);
	n = sys(readlink, path, driver, sizeof(driver) - 1);
	if (n > 0) {
		driver[n] = '\0';
		for (char *p = driver; *p; p++)
			if (*p == '/')
				last = p + 1;
	}
	out("PCI=%s %s:%s class=%s driver=%s\n", name, vendor, device, class, last);
}

static long answer_count(long n, char *answer, size_t size)
{
	if (n >= 0)
		format(answer, size, "%ld", n);
	return n;
}

static long cmd_lspci(char **words, const char *rest, char *answer, size_t size)
{
	return answer_count(each_entry("/sys/bus/pci/devices", print_pci), answer, size);
}

static long cmd_ls(char **words, const char *rest, char *answer, size_t size)
{
	return answer_count(each_entry(words[0], print_name), answer, size);
}

/* Prints the lines of a file that contain a text; how many. */
static long grep(const char *path, const char *text)
{
	static char file[32768];
	long n = read_file(path, file, sizeof(file)), count = 0;
	char *start = file;

	if (n < 0)
		return n;
	for (char *p = file; p <= file + n; p++) {
		if (p < file + n && *p != '\n')
			continue;
		*p = '\0';
		if (*start && str_find(start, text)) {
			out("%s\n", start);
			count++;
		}
		start = p + 1;
	}
	return count;
}

static long cmd_grep(char **words, const char *rest, char *answer, size_t size)
{
	return answer_count(grep(words[1], words[0]), answer, size);
}

static long cmd_interrupts(char **words, const char *rest, char *answer, size_t size)
{
	return answer_count(grep("/proc/interrupts", words[0] ? words[0] : "virtio"), answer, size);
}

static long cmd_winsize(char **words, const char *rest, char *answer, size_t size)
{
	struct winsize w;
	long fd = words[0] ? sys(open, words[0], O_RDWR | O_NOCTTY) : out_fd, r;

	if (fd < 0)
		return fd;
	r = sys(ioctl, fd, TIOCGWINSZ, &w);
	if (words[0])
		sys(close, fd);
	if (r == 0)
		format(answer, size, "%u %u", w.ws_col, w.ws_row);
	return r;
}

static long cmd_hwrng(char **words, const char *rest, char *answer, size_t size)
{
	static unsigned char buf[65536];
	uint64_t n;
	size_t len = 0;
	long fd, r = 0;

	if (!parse_u64(words[0], &n) || n > sizeof(buf))
		return -EINVAL;
	fd = sys(open, "/dev/hwrng", O_RDONLY);
	if (fd < 0)
		return fd;
	while (len < n && (r = sys(read, fd, buf + len, n - len)) > 0)
		len += (size_t)r;
	sys(close, fd);
	if (r < 0)
		return r;
	for (size_t i = 0; i < len && i < 64; i++)
		out("%02x", buf[i]);
	out("\n");
	format(answer, size, "%lu %08x", len, crc32(0, buf, len));
	return 0;
}

const struct command commands_info[] = {
	{"hello", 0, "[TEXT]", cmd_hello},    {"facts", 0, "", cmd_facts},
	{"nproc", 0, "", cmd_nproc},          {"mem", 0, "", cmd_mem},
	{"uptime", 0, "", cmd_uptime},        {"date", 0, "", cmd_date},
	{"lspci", 0, "", cmd_lspci},          {"interrupts", 0, "[TEXT]", cmd_interrupts},
	{"grep", 2, "TEXT FILE", cmd_grep},   {"ls", 1, "DIR", cmd_ls},
	{"winsize", 0, "[TTY]", cmd_winsize}, {"hwrng", 1, "BYTES", cmd_hwrng},
	{"console", 1, "TTY", cmd_console},   {0},
};
