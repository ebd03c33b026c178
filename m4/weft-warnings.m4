# WEFT_WARNINGS: the warnings that gcc and clang both know; the tree is clean under all of them.
AC_DEFUN([WEFT_WARNINGS], [
  WARN_CFLAGS=
  for flag in -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
      -Wold-style-definition -Wvla -Wundef -Wpointer-arith -Wwrite-strings -Wformat=2 \
      -Wimplicit-fallthrough -Wno-unused-parameter -Qunused-arguments; do
    AS_VAR_PUSHDEF([known], [weft_cv_cc_$flag])
    AC_CACHE_CHECK([whether $CC takes $flag], [known], [
      save_CFLAGS=$CFLAGS
      CFLAGS="$CFLAGS -Werror $flag"
      AC_COMPILE_IFELSE([AC_LANG_PROGRAM()], [AS_VAR_SET([known], [yes])],
        [AS_VAR_SET([known], [no])])
      CFLAGS=$save_CFLAGS])
    AS_VAR_IF([known], [yes], [WARN_CFLAGS="$WARN_CFLAGS $flag"])
    AS_VAR_POPDEF([known])
  done
  AC_SUBST([WARN_CFLAGS])
])
