# WEFT_BUILD_SWITCHES: sanitizers, fuzzing, coverage, werror, a fully static build.
AC_DEFUN([WEFT_SWITCH], [
  AC_ARG_ENABLE([$1], [AS_HELP_STRING([--enable-$1], [$2])], [], [enable_$1=no])
])

AC_DEFUN([WEFT_BUILD_SWITCHES], [
  WEFT_SWITCH([asan], [build with AddressSanitizer])
  WEFT_SWITCH([ubsan], [build with UndefinedBehaviorSanitizer])
  WEFT_SWITCH([tsan], [build with ThreadSanitizer])
  WEFT_SWITCH([fuzzing], [build the libFuzzer targets (needs clang)])
  WEFT_SWITCH([coverage], [build for gcov])
  WEFT_SWITCH([werror], [turn warnings into errors])
  WEFT_SWITCH([static], [link everything statically (no libudev, no libexpat: host device matching and import from libvirt are left out)])

  BUILD_CFLAGS=
  BUILD_LDFLAGS=
  AS_IF([test "x$enable_asan" = xyes],
    [BUILD_CFLAGS="$BUILD_CFLAGS -fsanitize=address -fno-omit-frame-pointer"
     BUILD_LDFLAGS="$BUILD_LDFLAGS -fsanitize=address"])
  AS_IF([test "x$enable_ubsan" = xyes],
    [BUILD_CFLAGS="$BUILD_CFLAGS -fsanitize=undefined -fno-sanitize-recover=undefined"
     BUILD_LDFLAGS="$BUILD_LDFLAGS -fsanitize=undefined"])
  # ThreadSanitizer does not model fences. Those of the rings are against the guest, of which it knows nothing.
  AS_IF([test "x$enable_tsan" = xyes],
    [BUILD_CFLAGS="$BUILD_CFLAGS -fsanitize=thread -Wno-tsan -Wno-unknown-warning-option"
     BUILD_LDFLAGS="$BUILD_LDFLAGS -fsanitize=thread"])
  AS_IF([test "x$enable_fuzzing" = xyes],
    [BUILD_CFLAGS="$BUILD_CFLAGS -fsanitize=fuzzer-no-link"])
  AS_IF([test "x$enable_coverage" = xyes],
    [BUILD_CFLAGS="$BUILD_CFLAGS --coverage -O0"
     BUILD_LDFLAGS="$BUILD_LDFLAGS --coverage"])
  # A sanitizer brings its own allocator and fortify checks.
  AS_IF([test "x$enable_asan$enable_tsan$enable_fuzzing$enable_coverage" = xnononono],
    [BUILD_CFLAGS="$BUILD_CFLAGS -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2"])
  AS_IF([test "x$enable_static" = xyes], [BUILD_LDFLAGS="$BUILD_LDFLAGS -static"])
  AS_IF([test "x$enable_werror" = xyes], [BUILD_CFLAGS="$BUILD_CFLAGS -Werror"])
  AC_SUBST([BUILD_CFLAGS])
  AC_SUBST([BUILD_LDFLAGS])
  AM_CONDITIONAL([FUZZING], [test "x$enable_fuzzing" = xyes])
  AS_IF([test "x$enable_static" = xyes], [libudev=0; libexpat=0], [libudev=1; libexpat=1])
  AC_DEFINE_UNQUOTED([LIBUDEV], [$libudev], [libudev can be opened to match devices of the host])
  AC_DEFINE_UNQUOTED([LIBEXPAT], [$libexpat], [libexpat can be opened to import from libvirt])
  AM_CONDITIONAL([STATIC], [test "x$enable_static" = xyes])
])
