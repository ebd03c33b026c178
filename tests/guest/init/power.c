/* SPDX-License-Identifier: Apache-2.0 */
/* The ways out of a machine. */
#include <errno.h>
#include <linux/reboot.h>

#include "command.h"

bool power_button_ignored;

static __attribute__((noreturn)) void leave(unsigned how)
{
	out_flush();
	for (;;) {
		sys(reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, how, 0);
		sys(pause);
	}
}

void power_off(void)
{
	leave(LINUX_REBOOT_CMD_POWER_OFF);
}

void power_reboot(void)
{
	leave(LINUX_REBOOT_CMD_RESTART);
}

static long cmd_poweroff(char **words, const char *rest, char *answer, size_t size)
{
	power_off();
}

static long cmd_reboot(char **words, const char *rest, char *answer, size_t size)
{
	power_reboot();
}

static long cmd_power_button(char **words, const char *rest, char *answer, size_t size)
{
	power_button_ignored = str_eq(words[0], "ignore");
	return power_button_ignored || str_eq(words[0], "poweroff") ? 0 : -EINVAL;
}

static long cpu_online(char **words, const char *text)
{
	char path[96];

	format(path, sizeof(path), "/sys/devices/system/cpu/%s/online", words[0]);
	return write_file(path, text);
}

static long cmd_online(char **words, const char *rest, char *answer, size_t size)
{
	return cpu_online(words, "1");
}

static long cmd_offline(char **words, const char *rest, char *answer, size_t size)
{
	return cpu_online(words, "0");
}

const struct command commands_power[] = {
	{"poweroff", 0, "", cmd_poweroff},
	{"reboot", 0, "", cmd_reboot},
	{"power-button", 1, "ignore|poweroff", cmd_power_button},
	{"online", 1, "cpuN", cmd_online},
	{"offline", 1, "cpuN", cmd_offline},
	{0},
};
