# WEFT_HOTPLUG(NAME, DESCRIPTION): --disable-NAME-hotplug; NAME_HOTPLUG is 1 or 0 in config.h, and a condition in
# Makefiles.
AC_DEFUN([WEFT_HOTPLUG], [
  AC_ARG_ENABLE([$1-hotplug], [AS_HELP_STRING([--disable-$1-hotplug], [leave out hotplug of $2])], [], [enable_$1_hotplug=yes])
  AM_CONDITIONAL(m4_toupper([$1])[_HOTPLUG], [test "x$enable_$1_hotplug" != xno])
  AS_IF([test "x$enable_$1_hotplug" != xno], [enable_$1_hotplug=1], [enable_$1_hotplug=0])
  AC_DEFINE_UNQUOTED(m4_toupper([$1])[_HOTPLUG], [$enable_$1_hotplug], [hotplug of $2 is built in])
])

# WEFT_FEATURES: what is built in. A description that asks for what is left out is told so.
AC_DEFUN([WEFT_FEATURES], [
  AC_ARG_WITH([devices],
    [AS_HELP_STRING([--with-devices=LIST], [device types to build in, comma separated (all)])],
    [], [with_devices=all])
  DEVICES=`$SED -n 's/^\([[a-z]][[a-z0-9-]]*\).*/\1/p' "$srcdir/devices/devices.list"`
  AS_IF([test "x$with_devices" != xall], [
    wanted=`echo "$with_devices" | tr ',' ' '`
    for d in $wanted; do
      AS_CASE([" "`echo $DEVICES`" "], [*" $d "*], [],
        [AC_MSG_ERROR([--with-devices: no device type '$d'; there are: `echo $DEVICES`])])
    done
    DEVICES=$wanted])
  AC_ARG_ENABLE([nvdimm],
    [AS_HELP_STRING([--disable-nvdimm], [leave out NVDIMMs (ACPI NFIT); virtio-pmem is a device of its own])],
    [], [enable_nvdimm=yes])
  AS_CASE([" "`echo $DEVICES`" "], [*" nvdimm "*], [], [enable_nvdimm=no])
  AS_IF([test "x$enable_nvdimm" = xno], [DEVICES=`echo "$DEVICES" | tr ' ' '\n' | $SED /^nvdimm\$/d`])
  AM_CONDITIONAL([NVDIMM], [test "x$enable_nvdimm" != xno])
  AS_IF([test "x$enable_nvdimm" != xno], [enable_nvdimm=1], [enable_nvdimm=0])
  AC_DEFINE_UNQUOTED([NVDIMM], [$enable_nvdimm], [NVDIMMs are built in])
  DEVICES=`echo $DEVICES`
  AC_SUBST([DEVICES])
  AC_MSG_NOTICE([device types: $DEVICES])
  WEFT_HOTPLUG([pci], [PCI devices])
  WEFT_HOTPLUG([cpu], [virtual CPUs])
  WEFT_HOTPLUG([memory], [memory])
])
