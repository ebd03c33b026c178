/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a machine could be started on this host.
 */
#pragma once

struct diag_list;
struct generation;

/**
 * host_check() - look whether the host has what a machine takes
 * @generation: a valid one
 * @diags: gets what is missing, at the places that ask for it; codes E04xx
 *
 * A machine is made and thrown away: KVM, memory with its huge pages, processors with their
 * features, and the files to boot are those that a start would take, with the same words when they
 * are missing. Devices are not made, since that leaves traces: their files are opened with the
 * rights they need and closed, what they would make is only looked at.
 */
void host_check(const struct generation *generation, struct diag_list *diags);
