# WEFT_TEST_TOOLS: CUnit for the unit tests; everything else is looked for when a test runs.
AC_DEFUN([WEFT_TEST_TOOLS], [
  AC_CHECK_HEADER([CUnit/CUnit.h], [have_cunit=yes], [have_cunit=no])
  AS_IF([test "x$have_cunit" = xyes], [CUNIT_LIBS=-lcunit],
    [AC_MSG_WARN([CUnit is missing: there will be no unit tests (install libcunit1-dev)])])
  AM_CONDITIONAL([HAVE_CUNIT], [test "x$have_cunit" = xyes])
  AC_SUBST([CUNIT_LIBS])
])
