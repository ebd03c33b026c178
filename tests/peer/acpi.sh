#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The firmware tables as other programs read them: acpica-tools disassembles, compiles and evaluates
# them, dmidecode reads SMBIOS. Three machines: a small one, a usual one, one with 300 CPUs.
dump=$PWD/tests/peer/acpi-dump
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
n=0

ok() { n=$((n + 1)); echo "ok $n - $1"; }
bad() { n=$((n + 1)); echo "not ok $n - $1"; sed 's/^/# /' "$2"; }
check() { # NAME LOG COMMAND...
	name=$1 log=$2
	shift 2
	if "$@" >"$log" 2>&1; then ok "$name"; else bad "$name" "$log"; fi
}
# Remarks are of style; a warning or an error is not.
quiet() { "$@" && ! grep -Eiq 'warning +[0-9]|error +[0-9]|invalid|could not|incorrect checksum|[1-9][0-9]* errors|[1-9][0-9]* warnings' "$log"; }
has() { # NAME FILE LINE...: the lines are in the file, in this order
	name=$1 file=$2
	shift 2
	for line; do printf '%s\n' "$line"; done >"$dir/wanted"
	if awk 'NR == FNR { want[++w] = $0; next } i < w && index($0, want[i + 1]) { i++ } END { exit i != w }' \
		"$dir/wanted" "$file"; then ok "$name"; else bad "$name" "$file"; fi
}

if ! command -v iasl >/dev/null || ! command -v acpiexec >/dev/null; then
	echo "1..0 # SKIP iasl and acpiexec are missing (install acpica-tools)"
	exit 0
fi

for v in small usual large; do
	t=$dir/$v
	mkdir "$t"
	check "$v: tables are made" "$t/log" "$dump" $v "$t"
	for table in "$t"/*.dat; do
		name=$(basename "$table" .dat)
		check "$v: $name is disassembled" "$t/$name.log" quiet iasl -d "$table"
	done
	check "$v: DSDT is compiled again" "$t/dsdt.log" quiet iasl -ve -p "$t/again" "$t/DSDT.dsl"
	acpiexec -b 'evaluate \_S5_; evaluate \_SB.GED_._CRS; resources \_SB.GED_' "$t/DSDT.dat" >"$t/exec" 2>&1
	has "$v: _S5_ has four elements" "$t/exec" 'Contains 4 Elements' '[Integer] = 0000000000000005' \
		'[Integer] = 0000000000000005' '[Integer] = 0000000000000000' '[Integer] = 0000000000000000'
	has "$v: GED has interrupt 5" "$t/exec" 'Extended IRQ Resource' 'Triggering : Edge' 'Polarity : ActiveHigh' \
		'Dword00 : 00000005'
	case $v in small) continue ;; esac
	acpiexec -b 'resources \_SB.PCI0; evaluate \_SB.PCI0._PRT; evaluate \_SB.PCI0._STA; resources \_SB.COM1; resources \_SB.MBRD' \
		"$t/DSDT.dat" >"$t/pci" 2>&1
	has "$v: windows of the host bridge" "$t/pci" 'Bus Number Range' 'Address Maximum : 00' \
		'Address Minimum : 0CF8' 'Address Maximum : 0CF7' 'Address Minimum : 0D00' \
		'Address Minimum : C0000000' 'Address Maximum : E7FFFFFF' 'Address Length : 28000000' \
		'Address Minimum : 0000000140000000' 'Address Maximum : 0000007FFFFFFFFF' \
		'Address Length : 0000007EC0000000'
	has "$v: no interrupt pin is routed" "$t/pci" '_PRT returned object' 'Contains 0 Elements'
	has "$v: the serial port" "$t/pci" 'Device: \_SB.COM1' 'Address Minimum : 03F8' 'Dword00 : 00000004'
	if grep -q S031 "$t/DSDT.dsl"; then
		# Registers that read 0x82828282: slots 1, 7, 9, 15, 17, 23, 25, 31 have come, and have to go.
		acpiexec -fv 0x82 -b 'evaluate \_SB.PCI0.PCNT; evaluate \_SB.PCI0.S031._ADR; evaluate \_SB.PCI0.S031._EJ0 1' \
			"$t/DSDT.dat" >"$t/hotplug" 2>&1
		# Notifications are delivered by threads, in any order.
		for slot in 01 07 09 15 17 23 25 31; do
			echo "S0$slot 0x01"
			echo "S0$slot 0x03"
		done >"$t/told"
		sed -n 's/.*Notify on \[\(S0..\)\].*Value \(0x..\).*/\1 \2/p' "$t/hotplug" | sort | diff -u "$t/told" - >"$t/diff"
		if test -s "$t/diff"; then bad "$v: PCNT tells of each slot" "$t/diff"; else ok "$v: PCNT tells of each slot"; fi
		has "$v: the last slot's address" "$t/hotplug" '[Integer] = 00000000001F0000'
		if grep -Eq 'Exception|AE_' "$t/hotplug"; then bad "$v: its methods run" "$t/hotplug"; else ok "$v: its methods run"; fi
	fi
	has "$v: ECAM is reserved" "$t/pci" 'Device: \_SB.MBRD' 'Address : E8000000' 'Address Length : 10000000'
	if grep -q "Device (CPUS)" "$t/DSDT.dsl"; then
		acpiexec -b 'evaluate \_SB.CPUS.C004._MAT; evaluate \_SB.CPUS.C004._STA; evaluate \_SB.CPUS.C001._EJ0 1; evaluate \_SB.CPUS.C001.SLOT; evaluate \_SB.CPUS.C001._OST 0x103 0x84 (00); evaluate \_SB.CPUS.C001.SLOT; evaluate \_SB.CPUS.TELL 0x30002; evaluate \_SB.CPUS.SCAN' \
			"$t/DSDT.dat" >"$t/cpus" 2>&1
		has "$v: a CPU comes and goes" "$t/cpus" '00 08 04 04 01 00 00 00' '[Integer] = 0000000000000000' \
			'[Integer] = 0000000080000000' '[Integer] = 0000000001030084' '[C002]'
	fi
	if grep -q "Device (MEMS)" "$t/DSDT.dsl"; then
		acpiexec -b 'evaluate \_SB.MEMS.M002._STA; resources \_SB.MEMS.M000; resources \_SB.MEMS.M001; evaluate \_SB.MEMS.TELL 0x10002' \
			"$t/DSDT.dat" >"$t/dimms" 2>&1
		has "$v: DIMMs lie one behind the other" "$t/dimms" '[Integer] = 0000000000000000' \
			'Address Minimum : 00000001F8000000' 'Address Maximum : 00000001FFFFFFFF' \
			'Address Minimum : 0000000200000000' 'Address Maximum : 0000000207FFFFFF' \
			'Address Length : 0000000008000000' '[M002]'
	fi
done
if grep -q "Device (CPUS)" "$dir/large/DSDT.dsl"; then
	acpiexec -b 'evaluate \_SB.CPUS.C12B._MAT' "$dir/large/DSDT.dat" >"$dir/large/last" 2>&1
	has "the 300th CPU has an x2APIC entry" "$dir/large/last" '09 10 00 00 2B 01 00 00 01 00 00 00 2B 01 00 00'
fi
if [ -f "$dir/usual/NFIT.dsl" ]; then
	has "NFIT: a range, its NVDIMM and a flush hint" "$dir/usual/NFIT.dsl" 'Subtable Type : 0000' 'Range Index : 0001' \
		'66F0D379-B4F3-4074-AC43-0D3318B78CDB' 'Address Range Base : 0000000A00000000' \
		'Address Range Length : 0000000004000000' 'Memory Map Attribute : 0000000000008008' \
		'Subtable Type : 0001' 'Device Handle : 00000001' 'Subtable Type : 0004' 'Subtable Type : 0006' \
		'Hint Count : 0001' 'Hint Address : 00000000FEB10000' 'Range Index : 0008' \
		'Device Handle : 00000008' 'Device not armed : 1' 'Hint Address : 00000000FEB17000'
	# acpiexec gives the registers memory behind: the sizes are as set here, the data zeros.
	printf '%s\n' '\_SB_.NVDS.NSIZ 160' '\_SB_.NVDS.NMAX 256' >"$dir/registers"
	acpiexec -b 'evaluate \_SB.NVDS.N007.NVDR._FIT; evaluate \_SB.NVDS.N007.NVDR.NV08._LSI; evaluate \_SB.NVDS.N007.NVDR.NV08._LSR 0 8;evaluate \_SB.NVDS.N007.NVDR.NV08._LSW 0 2 (01 02);evaluate \_SB.NVDS.N007._EJ0 1; evaluate \_SB.NVDS.N007.SLOT; evaluate \_SB.NVDS.TELL 0x30007' \
		-fi "$dir/registers" "$dir/usual/DSDT.dat" >"$dir/fit" 2>&1
	has "_FIT, _LSI, _LSR and _LSW are evaluated" "$dir/fit" '_FIT returned object' '[Buffer] Length A0' \
		'_LSI returned object' 'Contains 3 Elements' '[Integer] = 00000000000000A0' \
		'[Integer] = 0000000000000100' '_LSR returned object' 'Contains 2 Elements' '[Buffer] Length 08' \
		'_LSW returned object' '[Integer] = 0000000000000000' '[Integer] = 0000000080000000' '[N007]'
	if grep -qi 'AE_\|error' "$dir/fit"; then bad "without an error" "$dir/fit"; else ok "without an error"; fi
else
	ok "NVDIMMs # SKIP they are not built in"
fi
has "FADT: reduced hardware, reset and sleep registers" "$dir/usual/FACP.dsl" 'MSI Not Supported (V4) : 0' \
	'Control Method Power Button (V1) : 1' 'Reset Register Supported (V2) : 1' 'Hardware Reduced (V5) : 1' \
	'Address : 0000000000000602' 'Value to cause reset : 01' 'Address : 0000000000000600' \
	'Address : 0000000000000601'
has "MADT: four CPUs are on, four may come" "$dir/usual/APIC.dsl" 'Processor ID : 03' 'Processor Enabled : 1' \
	'Processor ID : 04' 'Processor Enabled : 0' 'Runtime Online Capable : 1'
has "MADT: the 256th CPU has an x2APIC entry" "$dir/large/APIC.dsl" 'Processor x2Apic ID : 000000FF' \
	'Processor UID : 000000FF'
if command -v dmidecode >/dev/null; then
	for v in small usual large; do
		check "$v: dmidecode reads SMBIOS" "$dir/$v/dmi" dmidecode --from-dump "$dir/$v/smbios.bin"
	done
	has "SMBIOS: the system" "$dir/usual/dmi" 'SMBIOS 3.2.0 present' 'System is a virtual machine' \
		'Manufacturer: weft' 'Serial Number: 0001' 'UUID: 00112233-4455-6677-8899-aabbccddeeff' \
		'Family: web' 'Core Count: 2' 'Thread Count: 4' 'Size: 40 GB' 'End Of Table'
	has "SMBIOS: memory above 4 GiB" "$dir/usual/dmi" 'Ending Address: 0x000BFFFFFFF' \
		'Starting Address: 0x00100000000' 'Range Size: 37 GB'
else
	ok "SMBIOS # SKIP dmidecode is missing"
fi
echo "1..$n"
