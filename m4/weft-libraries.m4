# WEFT_LIBRARIES: each library is linked from its archive when there is one, so that a start of
# weft maps one file and not ten (--with-shared-libraries takes the shared ones). What few runs
# need (libudev, libexpat) is opened when it is needed.
#
# WEFT_LIBRARY(VARIABLE, pkg-config module, archive names)
AC_DEFUN([WEFT_LIBRARY], [
  PKG_CHECK_MODULES([$1], [$2])
  AS_IF([test "x$with_shared_libraries" != xyes], [
    archives=
    dirs=`$PKG_CONFIG --variable=libdir $2`
    for a in $3; do
      AS_IF([test -f "$dirs/$a"], [archives="$archives $dirs/$a"],
            [test -f "`$CC -print-file-name=$a`"], [archives="$archives `$CC -print-file-name=$a`"],
            [archives=; break])
    done
    AS_IF([test -n "$archives"], [$1_LIBS=$archives])])
  LIBRARY_CFLAGS="$LIBRARY_CFLAGS $$1_CFLAGS"
])

AC_DEFUN([WEFT_LIBRARIES], [
  AC_ARG_WITH([shared-libraries],
    [AS_HELP_STRING([--with-shared-libraries], [link third-party libraries dynamically])],
    [], [with_shared_libraries=no])
  LIBRARY_CFLAGS=
  WEFT_LIBRARY([YAML], [yaml-0.1], [libyaml.a])
  WEFT_LIBRARY([CYAML], [libcyaml], [libcyaml.a])
  WEFT_LIBRARY([EVENT], [libevent_core], [libevent_core.a])
  WEFT_LIBRARY([EVENT_EXTRA], [libevent_extra], [libevent_extra.a])
  WEFT_LIBRARY([URING], [liburing], [liburing.a])
  WEFT_LIBRARY([JANSSON], [jansson], [libjansson.a])
  WEFT_LIBRARY([ZLIB], [zlib], [libz.a])
  WEFT_LIBRARY([LZMA], [liblzma], [liblzma.a])
  WEFT_LIBRARY([ZSTD], [libzstd], [libzstd.a])
  WEFT_LIBRARY([LZ4], [liblz4], [liblz4.a])
  AC_CHECK_HEADER([libudev.h], [], [AC_MSG_ERROR([libudev.h is missing: install libudev-dev])])
  AC_CHECK_HEADER([expat.h], [], [AC_MSG_ERROR([expat.h is missing: install libexpat1-dev])])
  AC_SUBST([LIBRARY_CFLAGS])
])
