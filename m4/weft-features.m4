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
  DEVICES=`echo $DEVICES`
  AC_SUBST([DEVICES])
  AC_MSG_NOTICE([device types: $DEVICES])
])
