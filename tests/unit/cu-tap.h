/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs CUnit suites and reports in TAP: the plan line first, so that a crash shows as missing
 * tests.
 */
#pragma once

#include <CUnit/CUnit.h>

/**
 * cu_tap_run() - run every test of the given suites and print TAP on standard output
 * @suites: array ended by CU_SUITE_INFO_NULL
 *
 * Return: the exit status for main(): 0 when all passed, 1 otherwise, 99 if CUnit itself failed.
 */
int cu_tap_run(CU_SuiteInfo suites[]);
