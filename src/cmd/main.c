/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weft COMMAND …: finds the command and runs it. Commands are in one file each.
 */
#include <stdio.h>

int main(int argc, char **argv)
{
	printf("weft\n");
	return 0;
}
