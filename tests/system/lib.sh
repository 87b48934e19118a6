# SPDX-License-Identifier: BSD-2-Clause
# What the system tests share. Runs where /dev/kvm runs stock kernels: in L1, or
# on the machine itself. Each test is a function test_*; it fails by `fail`.
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
top=$(readlink -f "$here/../..")
build=${PVIOMMU_BUILD:-$top/build}
pviommu=$build/src/cli/pviommu
export PVIOMMU_LIBEXEC=$build/src/devices:$build/tests/attack:$top/tools
work=/run/pviommu-test
out=${PVIOMMU_OUT:-$work}

fail() {
	echo "FAIL: $*"
	exit 1
}

# guest SUITE: sets vmlinux, bzimage, initrd.
guest() {
	read -r vmlinux bzimage initrd < <("$here/image" "$1") || fail "no guest image"
}

# vm CMDLINE OPTION...: runs a VM to its end; console in $console, messages of
# the VMM in $messages, exit status in $status.
vm() {
	local cmdline=$1
	shift
	console=$work/console messages=$work/messages
	timeout --foreground "${VM_SECONDS:-240}" "$pviommu" run --name t \
		--kernel "${kernel:-$vmlinux}" --initrd "$initrd" --memory 256M \
		--cmdline "quiet panic=-1 $cmdline" "$@" \
		</dev/null >"$console" 2>"$messages"
	status=$?
	tr -d '\r' <"$console" >"$console.txt"
	console=$console.txt
	cat "$console"
	sed 's/^/vmm: /' "$messages"
}

# vm_start CMDLINE OPTION...: as vm, in the background; vm_wait_for TEXT waits for
# a line on its console, vm_end waits for its end.
vm_start() {
	local cmdline=$1
	shift
	console=$work/console messages=$work/messages
	: >"$console"
	"$pviommu" run --name t --kernel "${kernel:-$vmlinux}" --initrd "$initrd" \
		--memory 256M --cmdline "quiet panic=-1 $cmdline" "$@" \
		</dev/null >"$console" 2>"$messages" &
	vm_pid=$!
}
wait_for() { # TEXT FILE SECONDS
	local i
	for ((i = 0; i < ${3:-120} * 5; i++)); do
		grep -qa -- "$1" "$2" 2>/dev/null && return
		kill -0 "$vm_pid" 2>/dev/null || break
		sleep 0.2
	done
	grep -qa -- "$1" "$2" && return
	cat "$console" "$messages"
	fail "waited in vain for '$1'"
}
vm_end() {
	wait "$vm_pid"
	status=$?
	cat "$console"
	sed 's/^/vmm: /' "$messages"
}

want_status() {
	[ "$status" -eq "$1" ] || fail "exit status $status, not $1"
}
want() { # TEXT FILE
	grep -qaE -- "$1" "$2" || fail "no '$1' in $(basename "$2")"
}
want_no() {
	! grep -qaE -- "$1" "$2" || fail "'$1' in $(basename "$2")"
}

# said TEXT: what follows TEXT on the last line of the console that begins with it.
said() { tr -d '\r' <"$console" | sed -n "s/^$1 //p" | tail -n 1; }
# endpoint FIELD: of the first device, from pviommu stat.
endpoint() { "$pviommu" stat t --json | jq -r ".devices[0].$1"; }

# attack IOMMU: a VM with evil-e1000, which reads all that it can. Sets tried,
# granted, found (pages; canaries in them), allowed and allowed_after (bytes that the
# guest had granted for reading), refused, lines (of faults, in the guest's log).
attack() {
	vm_start "job=secret,up,attack secret=pviommu-canary-3f7a91c2 ipv6.disable=1 ip=10.0.2.15" \
		--net user,model=evil-e1000 --iommu "$1"
	wait_for "GUEST_READY" "$console" 90
	allowed=$(endpoint endpoint.readable_bytes)
	wait_for "evil-e1000: scan" "$messages" 180
	read -r tried granted found < <(sed -n \
		's/.*scan tried=\([0-9]*\) granted=\([0-9]*\) canary=\([0-9]*\).*/\1 \2 \3/p' "$messages" | tail -n 1)
	allowed_after=$(endpoint endpoint.readable_bytes)
	refused=$(endpoint dma.refused)
	sleep 4
	lines=$(said FAULT_LINES)
	"$pviommu" stop t
	vm_end >/dev/null
}

web_start() {
	mkdir -p $work/www
	[ -e $work/www/file ] ||
		head -c "${1:-4194304}" /dev/urandom >$work/www/file
	sha=$(sha256sum $work/www/file | cut -d' ' -f1)
	busybox httpd -p 8000 -h $work/www
}
iperf_start() {
	iperf3 -s -D --logfile $work/iperf.log
}

# Runs the named tests, or all; TAP on standard output, logs in $out.
run_tests() {
	local t start failed=0 names
	mkdir -p $work
	names=${*:-$(declare -F | awk '$3 ~ /^test_/ { print $3 }')}
	for t in $names; do
		start=$SECONDS
		if ("$t") >"$out/$t.log" 2>&1; then
			echo "ok $t ($((SECONDS - start)) s)"
		else
			echo "not ok $t ($((SECONDS - start)) s)"
			tail -n 25 "$out/$t.log" | sed 's/^/    /'
			failed=1
		fi
		pkill -x pviommu
		pkill -x busybox
		pkill -x iperf3
		rm -f $work/console* $work/messages
	done
	return $failed
}
