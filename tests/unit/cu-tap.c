/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TAP out of CUnit: CUnit's own reporters print tables for people, automake's harness wants a line
 * per test. The handlers below print that line, and the failed assertions as diagnostics under it.
 */
#include <CUnit/TestRun.h>
#include <CUnit/TestDB.h>
#include <stdio.h>

#include "tests/unit/cu-tap.h"

static unsigned test_number;

static void on_test_complete(const CU_pTest test, const CU_pSuite suite,
			     const CU_pFailureRecord failure)
{
	printf("%s %u - %s: %s\n", failure ? "not ok" : "ok", ++test_number, suite->pName,
	       test->pName);
	for (CU_pFailureRecord f = failure; f; f = f->pNext)
		printf("# %s:%u: %s\n", f->strFileName ? f->strFileName : "?", f->uiLineNumber,
		       f->strCondition ? f->strCondition : "?");
	fflush(stdout);
}

static void on_suite_init_failure(const CU_pSuite suite)
{
	printf("Bail out! suite %s could not be set up\n", suite->pName);
}

int cu_tap_run(CU_SuiteInfo suites[])
{
	unsigned failures;

	if (CU_initialize_registry() != CUE_SUCCESS || CU_register_suites(suites) != CUE_SUCCESS) {
		fprintf(stderr, "CUnit: %s\n", CU_get_error_msg());
		return 99;
	}
	printf("1..%u\n", CU_get_registry()->uiNumberOfTests);
	fflush(stdout);
	CU_set_test_complete_handler(on_test_complete);
	CU_set_suite_init_failure_handler(on_suite_init_failure);
	CU_set_error_action(CUEA_IGNORE);
	CU_run_all_tests();
	failures = CU_get_number_of_failures() + CU_get_number_of_suites_failed();
	CU_cleanup_registry();
	return failures ? 1 : 0;
}
