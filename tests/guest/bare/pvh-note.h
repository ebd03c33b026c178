/* SPDX-License-Identifier: Apache-2.0 */
/* clang-format off */
/* For assembler files: the note that names the 32-bit entry point of a PVH guest. */
.macro PVH_NOTE entry
	.pushsection .note.pvh, "a", @note
	.balign 4
	.long 2f - 1f, 4f - 3f, 18 /* XEN_ELFNOTE_PHYS32_ENTRY */
1:	.asciz "Xen"
2:	.balign 4
3:	.quad \entry
4:	.balign 4
	.popsection
.endm
