# SPDX-License-Identifier: BSD-2-Clause
# Traffic of the stock e1000 driver through the jailed device.
traffic() { # CPUS CMDLINE OPTION...
	local cpus=$1 cmdline=$2
	shift 2
	web_start
	iperf_start
	vm "job=up,http,iperf seconds=${SECONDS_EACH:-10} $cmdline" \
		--cpus "$cpus" --net user "$@"
	want_status 0
	want "GUEST_END rc=0" "$console"
	want "SHA256 $sha" "$console"
	want_no "fault|gone|killed" "$messages"
}
test_bookworm_iommu_off() {
	guest bookworm
	traffic 1 "" --iommu off
}
test_lazy_1cpu() {
	guest backports
	traffic 1 "iommu.strict=0"
}
test_strict_1cpu() {
	guest backports
	traffic 1 "iommu.strict=1"
}
test_lazy_4cpu() {
	guest backports
	traffic 4 "iommu.strict=0"
}
test_strict_4cpu() {
	guest backports
	traffic 4 "iommu.strict=1"
}
test_groups() {
	guest backports
	vm "job=groups" --net user
	want_status 0
	want "GROUP 0 DMA" "$console"
}
test_bookworm_says_why_no_traffic() {
	guest bookworm
	vm_start "job=wait" --net user
	wait_for GUEST_READY "$console"
	wait_for "no device is attached" "$messages" 90
	want "virtio_iommu" "$messages"
	want "boot-bypass" "$messages"
	"$pviommu" stop t
	vm_end
	want_status 14
}
test_boot_bypass_serves_a_guest_without_driver() {
	guest bookworm
	SECONDS_EACH=2 traffic 1 "" --iommu boot-bypass
}
test_tap() {
	guest backports
	ip tuntap add tap0 mode tap vnet_hdr
	ip addr add 198.51.100.1/24 dev tap0
	ip link set tap0 up
	web_start
	iperf_start
	vm "job=up,ping,http,iperf seconds=3 ip=198.51.100.2 host=198.51.100.1" \
		--net tap=tap0
	want_status 0
	want "SHA256 $sha" "$console"
	want "GUEST_END rc=0" "$console"
	ip link del tap0
}
test_device_killed_vm_lives() {
	guest backports
	vm_start "job=up,wait" --net user
	wait_for GUEST_READY "$console"
	pkill -9 -x pviommu-e1000 || fail "no device process"
	wait_for "gone" "$messages" 10
	sleep 1
	kill -0 "$vm_pid" || fail "the VM went with its device"
	"$pviommu" stop t
	vm_end
	want_status 14
}
