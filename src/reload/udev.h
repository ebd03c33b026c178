/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The functions of libudev that weft uses, opened at run time: a weft whose description matches no
 * host device costs nothing of it, and runs where it is not installed.
 */
#pragma once

#include <libudev.h>

#include "base/compiler.h"

struct udev_library {
	struct udev *(*new)(void);
	struct udev *(*unref)(struct udev *udev);
	struct udev_monitor *(*monitor_new_from_netlink)(struct udev *udev, const char *name);
	int (*monitor_filter_add)(struct udev_monitor *monitor, const char *subsystem,
				  const char *devtype);
	int (*monitor_enable_receiving)(struct udev_monitor *monitor);
	int (*monitor_get_fd)(struct udev_monitor *monitor);
	struct udev_device *(*monitor_receive_device)(struct udev_monitor *monitor);
	struct udev_monitor *(*monitor_unref)(struct udev_monitor *monitor);
	struct udev_enumerate *(*enumerate_new)(struct udev *udev);
	int (*enumerate_add_match_subsystem)(struct udev_enumerate *enumerate,
					     const char *subsystem);
	int (*enumerate_scan_devices)(struct udev_enumerate *enumerate);
	struct udev_list_entry *(*enumerate_get_list_entry)(struct udev_enumerate *enumerate);
	struct udev_enumerate *(*enumerate_unref)(struct udev_enumerate *enumerate);
	struct udev_list_entry *(*list_entry_get_next)(struct udev_list_entry *entry);
	const char *(*list_entry_get_name)(struct udev_list_entry *entry);
	struct udev_device *(*device_new_from_syspath)(struct udev *udev, const char *syspath);
	const char *(*device_get_devnode)(struct udev_device *device);
	const char *(*device_get_sysname)(struct udev_device *device);
	const char *(*device_get_property_value)(struct udev_device *device, const char *name);
	const char *(*device_get_sysattr_value)(struct udev_device *device, const char *name);
	int (*device_get_is_initialized)(struct udev_device *device);
	struct udev_device *(*device_unref)(struct udev_device *device);
};

/*
 * Opens it, once for the process. Return: 0, -ENOENT: it is not there or too old, -EOPNOTSUPP: it
 * was left out of this build, which is linked statically.
 */
int udev_library_open(const struct udev_library **ret) must_use;
