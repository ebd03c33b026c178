/* SPDX-License-Identifier: Apache-2.0 */
/*
 * init of the guests that test weft. Without a shell in its initramfs it obeys the test on the
 * other end of its console: a command a line, answered by any number of lines and then one `OK …`
 * or `ERR …`. With a shell it greets whoever sits there and lets them type (examples/hello.yaml).
 *
 *   weft.console=NAME    use /dev/NAME instead of /dev/console
 *   weft.obey            obey, although there is a shell
 *
 * Modules that /modules/order names, a path a line, are loaded first: a distribution's kernel needs
 * them. The power button powers off, as on any machine: it is signal 38 with the kernel of this
 * folder, a key of an input device with a distribution's.
 */
#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/input.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>

#include "command.h"

enum { SIGNAL_POWER_BUTTON = 38 };

static int console_fd, signal_fd, button_fd = -1;
static char line[4096];
static size_t line_len;

static const struct command *const tables[] = {
	commands_info, commands_file, commands_block, commands_net, commands_labels, commands_power,
};

static void set_raw(int fd)
{
	struct termios t;

	if (sys(ioctl, fd, TCGETS, &t) < 0)
		return;
	t.c_lflag &= ~(tcflag_t)(ECHO | ICANON | ISIG);
	t.c_oflag &= ~(tcflag_t)OPOST;
	t.c_iflag &= ~(tcflag_t)(ICRNL | IXON);
	sys(ioctl, fd, TCSETS, &t);
}

long console_switch(const char *path)
{
	long fd = sys(open, path, O_RDWR | O_NOCTTY);

	if (fd < 0)
		return fd;
	set_raw((int)fd);
	out_flush();
	console_fd = out_fd = (int)fd;
	return 0;
}

static void help(void)
{
	for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++)
		for (const struct command *c = tables[t]; c->name; c++)
			out("  %s %s\n", c->name, c->usage);
}

static void obey(char *text)
{
	char *words[COMMAND_WORDS + 1], answer[512] = "";
	char rest[sizeof(line)] = "";
	unsigned n = 0;
	const struct command *found = NULL;
	long r;

	while (*text == ' ')
		text++;
	if (!*text)
		return;
	for (size_t i = 0; text[i]; i++)
		if (text[i] == ' ') {
			format(rest, sizeof(rest), "%s", text + i + 1);
			break;
		}
	while (*text && n < COMMAND_WORDS) {
		words[n++] = text;
		while (*text && *text != ' ')
			text++;
		while (*text == ' ')
			*text++ = '\0';
	}
	words[n] = NULL;

	for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]) && !found; t++)
		for (const struct command *c = tables[t]; c->name && !found; c++)
			if (str_eq(c->name, words[0]))
				found = c;
	if (!found) {
		if (str_eq(words[0], "help"))
			help();
		out("ERR %d no such command: %s\n", ENOSYS, words[0]);
	} else if (n - 1 < found->min_words) {
		out("ERR %d usage: %s %s\n", EINVAL, found->name, found->usage);
	} else {
		r = found->run(words + 1, rest, answer, sizeof(answer));
		if (r < 0)
			out("ERR %ld %s%s%s\n", -r, found->name, answer[0] ? " " : "", answer);
		else
			out("OK%s%s\n", answer[0] ? " " : "", answer);
	}
	out_flush();
}

static void on_input(void)
{
	char buf[512];
	long n = sys(read, console_fd, buf, sizeof(buf));

	for (long i = 0; i < n; i++) {
		if (buf[i] == '\r' || buf[i] == '\n') {
			line[line_len] = '\0';
			line_len = 0;
			obey(line);
		} else if (line_len < sizeof(line) - 1) {
			line[line_len++] = buf[i];
		}
	}
}

/* The terminal behind /dev/console: only that can be the controlling one of a shell. */
static void console_device(char *path, size_t size)
{
	char active[128];
	const char *last = active;

	if (read_file("/sys/class/tty/console/active", active, sizeof(active)) <= 0) {
		format(path, size, "/dev/console");
		return;
	}
	for (char *p = active; *p; p++) {
		if (*p == '\n')
			*p = '\0';
		else if (*p == ' ')
			last = p + 1;
	}
	format(path, size, "/dev/%s", last);
}

static long shell_start(void)
{
	static const char *const argv[] = {"-sh", NULL};
	static const char *const envp[] = {
		"PATH=/bin:/sbin:/usr/bin:/usr/sbin",
		"HOME=/root",
		"TERM=linux",
		"PS1=weft \\w \\$ ",
		/* A kernel that runs with noxsave does not keep AVX registers apart. */
		"GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX512VL,-AVX512F,-AVX2,-AVX,-XSAVE,-XSAVEC",
		NULL,
	};
	uint64_t none = 0;
	char path[64];
	long pid = sys(fork), fd;

	if (pid)
		return pid;
	console_device(path, sizeof(path));
	sys(rt_sigprocmask, SIG_SETMASK, &none, NULL, sizeof(none));
	sys(setsid);
	fd = sys(open, path, O_RDWR);
	if (fd < 0)
		fd = sys(open, "/dev/console", O_RDWR);
	sys(ioctl, fd, TIOCSCTTY, 1);
	for (int i = 0; i < 3; i++)
		sys(dup2, fd, i);
	sys(chdir, "/root");
	sys(execve, "/bin/sh", argv, envp);
	sys(exit_group, 127);
	return -1;
}

static void greet(void)
{
	char release[96], version[96] = "";

	read_file("/proc/sys/kernel/osrelease", version, sizeof(version));
	format(release, sizeof(release), "%s", version);
	for (char *p = release; *p; p++)
		if (*p == '\n')
			*p = '\0';
	out("\nHello from Linux %s, woven by weft.\n"
	    "This is a shell in the guest: look around (ls /sys/bus/pci/devices, cat /proc/interrupts).\n"
	    "`poweroff` or the end of the shell (Ctrl-D) ends the machine.\n\n",
	    release);
	out_flush();
}

static void on_power_button(void)
{
	out("POWER-BUTTON\n");
	out_flush();
	if (!power_button_ignored)
		power_off();
}

static void on_signal(long shell)
{
	struct signalfd_siginfo info;

	if (sys(read, signal_fd, &info, sizeof(info)) != (long)sizeof(info))
		return;
	switch (info.ssi_signo) {
	case SIGCHLD:
		for (long pid; (pid = sys(wait4, -1, NULL, 1 /* WNOHANG */, NULL)) > 0;)
			if (pid == shell)
				power_off();
		break;
	case SIGNAL_POWER_BUTTON:
		on_power_button();
		break;
	case SIGTERM: /* busybox's reboot */
		power_reboot();
	case SIGUSR1: /* its halt */
	case SIGUSR2: /* its poweroff */
		power_off();
	}
}

static void on_button_event(void)
{
	struct input_event event;

	if (sys(read, button_fd, &event, sizeof(event)) == (long)sizeof(event) &&
	    event.type == EV_KEY && event.code == KEY_POWER && event.value == 1)
		on_power_button();
}

static void open_power_button(void)
{
	enum { INPUT_DEVICES = 8 };
	char path[64], name[64];

	for (int i = 0; i < INPUT_DEVICES && button_fd < 0; i++) {
		format(path, sizeof(path), "/sys/class/input/event%d/device/name", i);
		if (read_file(path, name, sizeof(name)) <= 0 || !str_starts(name, "Power Button"))
			continue;
		format(path, sizeof(path), "/dev/input/event%d", i);
		button_fd = (int)sys(open, path, O_RDONLY | O_CLOEXEC);
	}
}

static void mount_all(void)
{
	sys(mount, "proc", "/proc", "proc", 0, NULL);
	sys(mount, "sysfs", "/sys", "sysfs", 0, NULL);
	sys(mount, "devtmpfs", "/dev", "devtmpfs", 0, NULL);
}

static void load_modules(void)
{
	static char list[16384];
	char *start = list;

	if (read_file("/modules/order", list, sizeof(list)) <= 0)
		return;
	for (char *p = list; *p; p++) {
		long fd, r;

		if (*p != '\n')
			continue;
		*p = '\0';
		fd = sys(open, start, O_RDONLY | O_CLOEXEC);
		r = fd < 0 ? fd : sys(finit_module, fd, "", 0);
		if (r < 0 && r != -EEXIST)
			out("init: %s: error %ld\n", start, -r);
		if (fd >= 0)
			sys(close, fd);
		start = p + 1;
	}
	out_flush();
}

static void choose_console(const char *cmdline)
{
	char path[64] = "/dev/console";
	const char *p = str_find(cmdline, "weft.console=");

	if (p) {
		char name[48];
		size_t n = 0;

		for (p += strlen("weft.console="); *p > ' ' && n < sizeof(name) - 1; p++)
			name[n++] = *p;
		name[n] = '\0';
		format(path, sizeof(path), "/dev/%s", name);
	}
	if (console_switch(path) < 0)
		console_switch("/dev/console");
}

__attribute__((noreturn, used)) static void init_main(void)
{
	uint64_t mask = 1ULL << (SIGCHLD - 1) | 1ULL << (SIGNAL_POWER_BUTTON - 1) |
			1ULL << (SIGTERM - 1) | 1ULL << (SIGUSR1 - 1) | 1ULL << (SIGUSR2 - 1);
	char cmdline[2048] = "";
	long shell = 0;

	mount_all();
	load_modules();
	open_power_button();
	read_file("/proc/cmdline", cmdline, sizeof(cmdline));
	sys(rt_sigprocmask, SIG_BLOCK, &mask, NULL, sizeof(mask));
	signal_fd = (int)sys(signalfd4, -1, &mask, sizeof(mask), SFD_CLOEXEC);
	if (sys(access, "/bin/sh", 1) == 0 && !str_find(cmdline, "weft.obey")) {
		greet();
		shell = shell_start();
	} else {
		choose_console(cmdline);
		out("GUEST-UP\n");
		out_flush();
	}
	for (;;) {
		struct pollfd fds[] = {{.fd = signal_fd, .events = POLLIN},
				       {.fd = shell ? -1 : console_fd, .events = POLLIN},
				       {.fd = button_fd, .events = POLLIN}};

		if (sys(poll, fds, sizeof(fds) / sizeof(fds[0]), -1) < 0)
			continue;
		if (fds[0].revents)
			on_signal(shell);
		if (fds[2].revents & POLLIN)
			on_button_event();
		if (fds[1].revents & POLLIN)
			on_input();
		else if (fds[1].revents) /* a console that hung up: do not spin on it */
			sleep_ms(200);
	}
}

/* The kernel enters with an unaligned stack by the standards of C. */
__asm__(".globl _start\n_start:\n\txor %ebp, %ebp\n\tand $-16, %rsp\n\tcall init_main\n");
