# WEFT_HOST: weft is a Linux/KVM program for x86-64, and says so at configure time.
AC_DEFUN([WEFT_HOST], [
  AC_CANONICAL_HOST
  AS_CASE([$host],
    [x86_64-*-linux*], [],
    [AC_MSG_ERROR([weft runs on x86-64 Linux only, this is $host])])
])
