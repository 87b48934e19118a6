# SPDX-License-Identifier: BSD-2-Clause
# Booting, and how a VM ends.
test_boot_pvh_poweroff() {
	guest backports
	vm "job=" --iommu off
	want_status 0
	want "GUEST_INIT 6.12.* cpus=1" "$console"
	want "GUEST_END rc=0" "$console"
	want_no "BUG:|WARNING:|Oops|ACPI.*(Error|BIOS Warning)" "$console"
}
test_boot_bzimage() {
	guest backports
	kernel=$bzimage
	vm "job=" --iommu off
	want_status 0
	want "GUEST_END rc=0" "$console"
}
test_boot_bookworm() {
	guest bookworm
	vm "job=" --iommu off
	want_status 0
	want "GUEST_INIT 6.1.* cpus=1" "$console"
}
test_smp_16() {
	guest backports
	VM_SECONDS=240 vm "job=" --iommu off --cpus 16
	want_status 0
	want "GUEST_INIT 6.12.* cpus=16" "$console"
}
test_panic_has_its_code() {
	guest backports
	vm "job=panic" --iommu off
	want_status 11
	want "panic" "$messages"
}
test_reboot_restarts() {
	guest backports
	vm_start "job=reboot" --iommu off
	for i in $(seq 400); do
		[ "$(grep -ac GUEST_INIT "$console")" -lt 2 ] || break
		sleep 0.2
	done
	"$pviommu" stop t
	vm_end
	[ "$(grep -ac GUEST_INIT "$console")" -ge 2 ] || fail "it did not start again"
	want_status 14
}
test_reboot_exit() {
	guest backports
	vm "job=reboot" --iommu off --on-reboot exit
	want_status 10
	want GUEST_REBOOTS "$console"
}
test_triple_fault_has_its_code() {
	guest backports
	vm "job=reboot reboot=t" --iommu off --on-reboot exit
	want_status 12
}
