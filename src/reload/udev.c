/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening libudev.
 */
#include <config.h>
#include <errno.h>
#include <stdbool.h>

#include "base/library.h"
#include "base/log.h"
#include "reload/udev.h"

#if LIBUDEV
#define FUNCTION(member, name) LIBRARY_FUNCTION(udev_library, member, name)

static const struct library_function functions[] = {
	FUNCTION(new, "udev_new"),
	FUNCTION(unref, "udev_unref"),
	FUNCTION(monitor_new_from_netlink, "udev_monitor_new_from_netlink"),
	FUNCTION(monitor_filter_add, "udev_monitor_filter_add_match_subsystem_devtype"),
	FUNCTION(monitor_enable_receiving, "udev_monitor_enable_receiving"),
	FUNCTION(monitor_get_fd, "udev_monitor_get_fd"),
	FUNCTION(monitor_receive_device, "udev_monitor_receive_device"),
	FUNCTION(monitor_unref, "udev_monitor_unref"),
	FUNCTION(enumerate_new, "udev_enumerate_new"),
	FUNCTION(enumerate_add_match_subsystem, "udev_enumerate_add_match_subsystem"),
	FUNCTION(enumerate_scan_devices, "udev_enumerate_scan_devices"),
	FUNCTION(enumerate_get_list_entry, "udev_enumerate_get_list_entry"),
	FUNCTION(enumerate_unref, "udev_enumerate_unref"),
	FUNCTION(list_entry_get_next, "udev_list_entry_get_next"),
	FUNCTION(list_entry_get_name, "udev_list_entry_get_name"),
	FUNCTION(device_new_from_syspath, "udev_device_new_from_syspath"),
	FUNCTION(device_get_devnode, "udev_device_get_devnode"),
	FUNCTION(device_get_sysname, "udev_device_get_sysname"),
	FUNCTION(device_get_property_value, "udev_device_get_property_value"),
	FUNCTION(device_get_sysattr_value, "udev_device_get_sysattr_value"),
	FUNCTION(device_get_is_initialized, "udev_device_get_is_initialized"),
	FUNCTION(device_unref, "udev_device_unref"),
};

int udev_library_open(const struct udev_library **ret)
{
	static struct udev_library library;
	static bool open;
	const char *why;

	if (!open &&
	    library_open("libudev.so.1", functions, ARRAY_SIZE(functions), &library, &why) < 0) {
		log_warn("host devices cannot be matched: %s", why);
		return -ENOENT;
	}
	open = true;
	*ret = &library;
	return 0;
}
#else
int udev_library_open(const struct udev_library **ret)
{
	return -EOPNOTSUPP;
}
#endif
