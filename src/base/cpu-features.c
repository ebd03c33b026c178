/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of processor features (Intel SDM 2, CPUID; AMD APM 3, appendix E), and of what KVM
 * offers beside a processor's (Linux' Documentation/virt/kvm/x86/cpuid): kvm_ and the name that it
 * has there. Not here is KVM_FEATURE_MSI_EXT_DEST_ID: whether it is needed follows from the number
 * of vCPUs.
 */
#include <string.h>

#include "base/compiler.h"
#include "base/cpu-features.h"
#include "base/suggest.h"

#define F(name_, leaf_, subleaf_, register_, bit_)                                                 \
	{                                                                                          \
		.name = (name_), .leaf = (leaf_), .subleaf = (subleaf_), .reg = CPUID_##register_, \
		.bit = (bit_)                                                                      \
	}

/* clang-format off */
static const struct cpu_feature features[] = {
	/* leaf 0x1, EDX */
	F("fpu", 0x1, 0, EDX, 0), F("vme", 0x1, 0, EDX, 1), F("de", 0x1, 0, EDX, 2),
	F("pse", 0x1, 0, EDX, 3), F("tsc", 0x1, 0, EDX, 4), F("msr", 0x1, 0, EDX, 5),
	F("pae", 0x1, 0, EDX, 6), F("mce", 0x1, 0, EDX, 7), F("cx8", 0x1, 0, EDX, 8),
	F("apic", 0x1, 0, EDX, 9), F("sep", 0x1, 0, EDX, 11), F("mtrr", 0x1, 0, EDX, 12),
	F("pge", 0x1, 0, EDX, 13), F("mca", 0x1, 0, EDX, 14), F("cmov", 0x1, 0, EDX, 15),
	F("pat", 0x1, 0, EDX, 16), F("pse36", 0x1, 0, EDX, 17), F("pn", 0x1, 0, EDX, 18),
	F("clflush", 0x1, 0, EDX, 19), F("dts", 0x1, 0, EDX, 21), F("acpi", 0x1, 0, EDX, 22),
	F("mmx", 0x1, 0, EDX, 23), F("fxsr", 0x1, 0, EDX, 24), F("sse", 0x1, 0, EDX, 25),
	F("sse2", 0x1, 0, EDX, 26), F("ss", 0x1, 0, EDX, 27), F("ht", 0x1, 0, EDX, 28),
	F("tm", 0x1, 0, EDX, 29), F("ia64", 0x1, 0, EDX, 30), F("pbe", 0x1, 0, EDX, 31),
	/* leaf 0x1, ECX */
	F("pni", 0x1, 0, ECX, 0), F("sse3", 0x1, 0, ECX, 0), F("pclmulqdq", 0x1, 0, ECX, 1),
	F("dtes64", 0x1, 0, ECX, 2), F("monitor", 0x1, 0, ECX, 3), F("ds_cpl", 0x1, 0, ECX, 4),
	F("vmx", 0x1, 0, ECX, 5), F("smx", 0x1, 0, ECX, 6), F("est", 0x1, 0, ECX, 7),
	F("tm2", 0x1, 0, ECX, 8), F("ssse3", 0x1, 0, ECX, 9), F("cid", 0x1, 0, ECX, 10),
	F("sdbg", 0x1, 0, ECX, 11), F("fma", 0x1, 0, ECX, 12), F("cx16", 0x1, 0, ECX, 13),
	F("xtpr", 0x1, 0, ECX, 14), F("pdcm", 0x1, 0, ECX, 15), F("pcid", 0x1, 0, ECX, 17),
	F("dca", 0x1, 0, ECX, 18), F("sse4_1", 0x1, 0, ECX, 19), F("sse4_2", 0x1, 0, ECX, 20),
	F("x2apic", 0x1, 0, ECX, 21), F("movbe", 0x1, 0, ECX, 22), F("popcnt", 0x1, 0, ECX, 23),
	F("tsc_deadline_timer", 0x1, 0, ECX, 24), F("aes", 0x1, 0, ECX, 25),
	F("xsave", 0x1, 0, ECX, 26), F("avx", 0x1, 0, ECX, 28), F("f16c", 0x1, 0, ECX, 29),
	F("rdrand", 0x1, 0, ECX, 30),
	/* leaf 0x6, EAX */
	F("dtherm", 0x6, 0, EAX, 0), F("ida", 0x6, 0, EAX, 1), F("arat", 0x6, 0, EAX, 2),
	F("pln", 0x6, 0, EAX, 4), F("pts", 0x6, 0, EAX, 6), F("hwp", 0x6, 0, EAX, 7),
	/* leaf 0x7, EBX */
	F("fsgsbase", 0x7, 0, EBX, 0), F("tsc_adjust", 0x7, 0, EBX, 1), F("sgx", 0x7, 0, EBX, 2),
	F("bmi1", 0x7, 0, EBX, 3), F("hle", 0x7, 0, EBX, 4), F("avx2", 0x7, 0, EBX, 5),
	F("smep", 0x7, 0, EBX, 7), F("bmi2", 0x7, 0, EBX, 8), F("erms", 0x7, 0, EBX, 9),
	F("invpcid", 0x7, 0, EBX, 10), F("rtm", 0x7, 0, EBX, 11), F("cqm", 0x7, 0, EBX, 12),
	F("mpx", 0x7, 0, EBX, 14), F("rdt_a", 0x7, 0, EBX, 15), F("avx512f", 0x7, 0, EBX, 16),
	F("avx512dq", 0x7, 0, EBX, 17), F("rdseed", 0x7, 0, EBX, 18), F("adx", 0x7, 0, EBX, 19),
	F("smap", 0x7, 0, EBX, 20), F("avx512ifma", 0x7, 0, EBX, 21),
	F("clflushopt", 0x7, 0, EBX, 23), F("clwb", 0x7, 0, EBX, 24),
	F("intel_pt", 0x7, 0, EBX, 25), F("avx512pf", 0x7, 0, EBX, 26),
	F("avx512er", 0x7, 0, EBX, 27), F("avx512cd", 0x7, 0, EBX, 28),
	F("sha_ni", 0x7, 0, EBX, 29), F("avx512bw", 0x7, 0, EBX, 30),
	F("avx512vl", 0x7, 0, EBX, 31),
	/* leaf 0x7, ECX */
	F("avx512vbmi", 0x7, 0, ECX, 1), F("umip", 0x7, 0, ECX, 2), F("pku", 0x7, 0, ECX, 3),
	F("ospke", 0x7, 0, ECX, 4), F("waitpkg", 0x7, 0, ECX, 5), F("avx512_vbmi2", 0x7, 0, ECX, 6),
	F("shstk", 0x7, 0, ECX, 7), F("gfni", 0x7, 0, ECX, 8), F("vaes", 0x7, 0, ECX, 9),
	F("vpclmulqdq", 0x7, 0, ECX, 10), F("avx512_vnni", 0x7, 0, ECX, 11),
	F("avx512_bitalg", 0x7, 0, ECX, 12), F("tme", 0x7, 0, ECX, 13),
	F("avx512_vpopcntdq", 0x7, 0, ECX, 14), F("la57", 0x7, 0, ECX, 16),
	F("rdpid", 0x7, 0, ECX, 22), F("bus_lock_detect", 0x7, 0, ECX, 24),
	F("cldemote", 0x7, 0, ECX, 25), F("movdiri", 0x7, 0, ECX, 27),
	F("movdir64b", 0x7, 0, ECX, 28), F("enqcmd", 0x7, 0, ECX, 29), F("sgx_lc", 0x7, 0, ECX, 30),
	/* leaf 0x7, EDX */
	F("avx512_4vnniw", 0x7, 0, EDX, 2), F("avx512_4fmaps", 0x7, 0, EDX, 3),
	F("fsrm", 0x7, 0, EDX, 4), F("avx512_vp2intersect", 0x7, 0, EDX, 8),
	F("md_clear", 0x7, 0, EDX, 10), F("serialize", 0x7, 0, EDX, 14),
	F("hybrid_cpu", 0x7, 0, EDX, 15), F("tsxldtrk", 0x7, 0, EDX, 16),
	F("pconfig", 0x7, 0, EDX, 18), F("arch_lbr", 0x7, 0, EDX, 19), F("ibt", 0x7, 0, EDX, 20),
	F("amx_bf16", 0x7, 0, EDX, 22), F("avx512_fp16", 0x7, 0, EDX, 23),
	F("amx_tile", 0x7, 0, EDX, 24), F("amx_int8", 0x7, 0, EDX, 25),
	F("spec_ctrl", 0x7, 0, EDX, 26), F("intel_stibp", 0x7, 0, EDX, 27),
	F("flush_l1d", 0x7, 0, EDX, 28), F("arch_capabilities", 0x7, 0, EDX, 29),
	F("core_capabilities", 0x7, 0, EDX, 30), F("spec_ctrl_ssbd", 0x7, 0, EDX, 31),
	/* leaf 0x7, subleaf 1, EAX */
	F("sha512", 0x7, 1, EAX, 0), F("sm3", 0x7, 1, EAX, 1), F("sm4", 0x7, 1, EAX, 2),
	F("avx_vnni", 0x7, 1, EAX, 4), F("avx512_bf16", 0x7, 1, EAX, 5),
	F("cmpccxadd", 0x7, 1, EAX, 7), F("fzrm", 0x7, 1, EAX, 10), F("fsrs", 0x7, 1, EAX, 11),
	F("fsrc", 0x7, 1, EAX, 12), F("fred", 0x7, 1, EAX, 17), F("lkgs", 0x7, 1, EAX, 18),
	F("amx_fp16", 0x7, 1, EAX, 21), F("avx_ifma", 0x7, 1, EAX, 23), F("lam", 0x7, 1, EAX, 26),
	/* leaf 0x7, subleaf 1, EDX */
	F("avx_vnni_int8", 0x7, 1, EDX, 4), F("avx_ne_convert", 0x7, 1, EDX, 5),
	F("amx_complex", 0x7, 1, EDX, 8), F("avx_vnni_int16", 0x7, 1, EDX, 10),
	F("prefetchiti", 0x7, 1, EDX, 14), F("avx10", 0x7, 1, EDX, 19),
	/* leaf 0xd, subleaf 1, EAX */
	F("xsaveopt", 0xd, 1, EAX, 0), F("xsavec", 0xd, 1, EAX, 1), F("xgetbv1", 0xd, 1, EAX, 2),
	F("xsaves", 0xd, 1, EAX, 3), F("xfd", 0xd, 1, EAX, 4),
	/* leaf 0x40000001, EAX */
	F("kvm_clocksource", 0x40000001, 0, EAX, 0), F("kvm_nop_io_delay", 0x40000001, 0, EAX, 1),
	F("kvm_clocksource2", 0x40000001, 0, EAX, 3), F("kvm_async_pf", 0x40000001, 0, EAX, 4),
	F("kvm_steal_time", 0x40000001, 0, EAX, 5), F("kvm_pv_eoi", 0x40000001, 0, EAX, 6),
	F("kvm_pv_unhalt", 0x40000001, 0, EAX, 7), F("kvm_pv_tlb_flush", 0x40000001, 0, EAX, 9),
	F("kvm_async_pf_vmexit", 0x40000001, 0, EAX, 10),
	F("kvm_pv_send_ipi", 0x40000001, 0, EAX, 11),
	F("kvm_poll_control", 0x40000001, 0, EAX, 12),
	F("kvm_pv_sched_yield", 0x40000001, 0, EAX, 13),
	F("kvm_async_pf_int", 0x40000001, 0, EAX, 14),
	F("kvm_clocksource_stable", 0x40000001, 0, EAX, 24),
	/* leaf 0x80000001, EDX */
	F("syscall", 0x80000001, 0, EDX, 11), F("mp", 0x80000001, 0, EDX, 19),
	F("nx", 0x80000001, 0, EDX, 20), F("mmxext", 0x80000001, 0, EDX, 22),
	F("fxsr_opt", 0x80000001, 0, EDX, 25), F("pdpe1gb", 0x80000001, 0, EDX, 26),
	F("rdtscp", 0x80000001, 0, EDX, 27), F("lm", 0x80000001, 0, EDX, 29),
	F("3dnowext", 0x80000001, 0, EDX, 30), F("3dnow", 0x80000001, 0, EDX, 31),
	/* leaf 0x80000001, ECX */
	F("lahf_lm", 0x80000001, 0, ECX, 0), F("cmp_legacy", 0x80000001, 0, ECX, 1),
	F("svm", 0x80000001, 0, ECX, 2), F("extapic", 0x80000001, 0, ECX, 3),
	F("cr8_legacy", 0x80000001, 0, ECX, 4), F("abm", 0x80000001, 0, ECX, 5),
	F("sse4a", 0x80000001, 0, ECX, 6), F("misalignsse", 0x80000001, 0, ECX, 7),
	F("3dnowprefetch", 0x80000001, 0, ECX, 8), F("osvw", 0x80000001, 0, ECX, 9),
	F("ibs", 0x80000001, 0, ECX, 10), F("xop", 0x80000001, 0, ECX, 11),
	F("skinit", 0x80000001, 0, ECX, 12), F("wdt", 0x80000001, 0, ECX, 13),
	F("lwp", 0x80000001, 0, ECX, 15), F("fma4", 0x80000001, 0, ECX, 16),
	F("tce", 0x80000001, 0, ECX, 17), F("nodeid_msr", 0x80000001, 0, ECX, 19),
	F("tbm", 0x80000001, 0, ECX, 21), F("topoext", 0x80000001, 0, ECX, 22),
	F("perfctr_core", 0x80000001, 0, ECX, 23), F("perfctr_nb", 0x80000001, 0, ECX, 24),
	F("bpext", 0x80000001, 0, ECX, 26), F("ptsc", 0x80000001, 0, ECX, 27),
	F("perfctr_llc", 0x80000001, 0, ECX, 28), F("mwaitx", 0x80000001, 0, ECX, 29),
	/* leaf 0x80000007, EDX */
	F("hw_pstate", 0x80000007, 0, EDX, 7), F("nonstop_tsc", 0x80000007, 0, EDX, 8),
	F("cpb", 0x80000007, 0, EDX, 9),
	/* leaf 0x80000008, EBX */
	F("clzero", 0x80000008, 0, EBX, 0), F("irperf", 0x80000008, 0, EBX, 1),
	F("xsaveerptr", 0x80000008, 0, EBX, 2), F("rdpru", 0x80000008, 0, EBX, 4),
	F("wbnoinvd", 0x80000008, 0, EBX, 9), F("ibpb", 0x80000008, 0, EBX, 12),
	F("ibrs", 0x80000008, 0, EBX, 14), F("stibp", 0x80000008, 0, EBX, 15),
	F("ssbd", 0x80000008, 0, EBX, 24), F("virt_ssbd", 0x80000008, 0, EBX, 25),
	F("cppc", 0x80000008, 0, EBX, 27), F("amd_psfd", 0x80000008, 0, EBX, 28),
	/* leaf 0x8000000a, EDX */
	F("npt", 0x8000000a, 0, EDX, 0), F("lbrv", 0x8000000a, 0, EDX, 1),
	F("svm_lock", 0x8000000a, 0, EDX, 2), F("nrip_save", 0x8000000a, 0, EDX, 3),
	F("tsc_scale", 0x8000000a, 0, EDX, 4), F("vmcb_clean", 0x8000000a, 0, EDX, 5),
	F("flushbyasid", 0x8000000a, 0, EDX, 6), F("decodeassists", 0x8000000a, 0, EDX, 7),
	F("pausefilter", 0x8000000a, 0, EDX, 10), F("pfthreshold", 0x8000000a, 0, EDX, 12),
	F("avic", 0x8000000a, 0, EDX, 13), F("v_vmsave_vmload", 0x8000000a, 0, EDX, 15),
	F("vgif", 0x8000000a, 0, EDX, 16), F("x2avic", 0x8000000a, 0, EDX, 18),
	F("v_spec_ctrl", 0x8000000a, 0, EDX, 20), F("vnmi", 0x8000000a, 0, EDX, 25),
	/* leaf 0x80000021, EAX */
	F("amd_lfence_rdtsc", 0x80000021, 0, EAX, 2), F("autoibrs", 0x80000021, 0, EAX, 8),
};
/* clang-format on */

const struct cpu_feature *cpu_feature_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(features); i++)
		if (strcmp(features[i].name, name) == 0)
			return &features[i];
	return NULL;
}

const char *cpu_feature_suggest(const char *name)
{
	const char *names[ARRAY_SIZE(features)];

	for (size_t i = 0; i < ARRAY_SIZE(features); i++)
		names[i] = features[i].name;
	return suggest(name, names, ARRAY_SIZE(names));
}
