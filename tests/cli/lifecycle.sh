#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# tests/cli/lifecycle.sh PVIOMMU GUEST LIBEXEC: how a VM starts, ends, is asked and
# is stopped, and that nothing outlives it. GUEST (guest.S) needs so little that
# KVMs run it that run no kernel.
# shellcheck disable=SC2015,SC2016
set -u
pviommu=$1 guest=$2
work=$(mktemp -d) failed=0
# A VM that a failed test has left ends with its parent.
trap 'exec 3>&-; kill -9 $(jobs -p) 2>/dev/null; rm -rf "$work"' EXIT
export XDG_RUNTIME_DIR=$work PVIOMMU_LIBEXEC=$3
vm=("$pviommu" run --kernel "$guest" --memory 32M --name test)

[ -r /dev/kvm ] && [ -w /dev/kvm ] || { echo "no /dev/kvm: skipped" && exit 77; }

fail() {
	echo "FAIL: $*"
	tail -n 20 "$work/out" | sed 's/^/	/'
	failed=1
}

# start ARGUMENT...: a VM in the background, its input at descriptor 3
start() {
	rm -f "$work/in" && mkfifo "$work/in" && exec 3<>"$work/in"
	: >"$work/out" # or what the last VM said would be taken for this one's
	"${vm[@]}" "$@" <"$work/in" >"$work/out" 2>&1 &
	pid=$!
	await up
}

# await PATTERN [TIMES]: until the output has it
await() {
	for _ in $(seq 200); do
		[ "$(grep -c -e "$1" "$work/out" 2>/dev/null)" -ge "${2:-1}" ] && return
		sleep 0.05
	done
	fail "never said: $1"
}

# finish CODE WHAT: the VM ends, with CODE and without a trace
finish() {
	local code
	timeout 30 tail -s 0.05 --pid="$pid" -f /dev/null || kill -9 "$pid"
	wait "$pid"
	code=$?
	[ $code = "$1" ] || fail "$2: code $code, not $1"
	[ -z "$(find "$work" -name '*.sock')" ] || fail "$2: socket left"
	gone "$2"
}

gone() {
	for _ in $(seq 100); do
		pgrep -f "^$pviommu run --kernel $guest" >/dev/null || return
		sleep 0.05
	done
	fail "$1: processes left"
}

vmm() {
	pgrep -P "$pid" -f "^$pviommu run"
}

start
printf 'hello p' >&3
finish 0 'power off'
grep -q 'hello' "$work/out" || fail 'no echo'

start --on-reboot exit
printf r >&3
finish 10 'reboot, exit'

start --stats "$work/stats"
printf r >&3
await up 2
printf p >&3
finish 0 'reboot, restart'
[ "$(wc -l <"$work/stats")" = 1 ] && grep -q '^{"vm":{"name":"test",' "$work/stats" ||
	fail "statistics: $(cat "$work/stats")"

start
printf x >&3
finish 11 panic
grep -q "pviommu: run: the guest's kernel has panicked" "$work/out" ||
	fail 'panic: not said'

for signal in INT TERM HUP QUIT; do
	# A background job of a script ignores SIGINT and SIGQUIT.
	start
	kill -"$signal" "$pid"
	finish 14 "SIG$signal"
done

start
[ "$(stat -c %a "$work/pviommu/test.sock")" = 600 ] || fail 'socket: mode'
"$pviommu" stat test | grep -q '^vm.memory  *33554432$' || fail 'stat'
"$pviommu" stat test --json | grep -q '"iommu": "on"' || fail 'stat --json'
"${vm[@]}" >"$work/second" 2>&1 </dev/null
[ $? = 2 ] && grep -q -e '--name test: a VM of this name is running' "$work/second" ||
	fail "second VM: $(cat "$work/second")"
vmm=$(vmm)
if [ "$(id -u)" = 0 ]; then
	grep -q "^Uid:	$(id -u nobody)	" "/proc/$vmm/status" ||
		fail 'VMM: not nobody'
	# Not dumpable: even nobody can not look.
	[ "$(stat -c %U "/proc/$vmm/fd")" = root ] || fail 'VMM: dumpable'
	find "/proc/$vmm/fd" -type l -printf '%l\n' >"$work/fds"
	grep -q -e "$work" -e "$guest" -e /dev/pts "$work/fds" &&
		fail "VMM: $(cat "$work/fds")"
fi
"$pviommu" stop test || fail 'stop'
finish 14 stop

start
vmm=$(vmm)
kill -9 "$pid"
wait "$pid" 2>/dev/null
gone 'killed parent'
# Its socket is stale: the name is free.
start
kill -9 "$(vmm)"
finish 1 'killed VMM'
grep -q 'pviommu: run: the VMM was killed by signal 9 (Killed)' "$work/out" ||
	fail 'killed VMM: not said'

start --device dmatest
kill -9 "$(pgrep -P "$pid" pviommu-dmatest)"
await 'dmatest\[dev0\]: device process killed by signal 9 (Killed)'
await 'dmatest\[dev0\]: the device is gone'
"$pviommu" stat test | grep -q '^devices.0.gone  *yes$' || fail 'device: not gone'
printf p >&3
finish 0 'without its device'

# The terminal: raw while the VM runs, as before when it ends, however it ends.
on_terminal() {
	cat >"$work/session" <<-END
		stty -g >$work/before
		(sleep 0.3; until stty -g <$work/tty >$work/while; do sleep 0.1; done) &
		tty >/dev/null && ln -sf \$(tty) $work/tty
		sh -c 'echo \$\$ >$work/pid; exec ${vm[*]}'
		echo code \$? >$work/code
		sleep 0.3
		stty -g >$work/after
	END
	rm -f "$work/pid" "$work/while"
	{
		await up
		for _ in $(seq 100); do [ -s "$work/while" ] && break || sleep 0.05; done
		eval "$1"
		sleep 0.5
	} | timeout 30 script -qfc "sh $work/session" "$work/out" >/dev/null 2>&1
	[ "$(cat "$work/code")" = "code $2" ] || fail "terminal: $(cat "$work/code"), not $2"
	cmp -s "$work/before" "$work/after" || fail "terminal: $1: not as before"
	cmp -s "$work/before" "$work/while" && fail "terminal: $1: never raw"
	gone "terminal: $1"
}
on_terminal "printf '\\001x'" 14
on_terminal 'kill -9 $(cat $work/pid)' 137
on_terminal 'kill -USR1 $(cat $work/pid)' 138
on_terminal 'printf p' 0

exit $failed
