#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# tests/cli/errors.sh PVIOMMU: each bad option, missing file and the like is
# refused by one clear line and exit code 2, and leaves nothing behind.
set -u
pviommu=$1
work=$(mktemp -d) path=$PATH failed=0
trap 'rm -rf "$work"' EXIT
export XDG_RUNTIME_DIR=$work PVIOMMU_LIBEXEC=$work/libexec
umask 022
mkdir "$work/libexec"

# refuse 'LINE' ARGUMENT...: LINE is what is said, a pattern as in case
refuse() {
	local want=$1 said code
	shift
	said=$(timeout 20 env "PATH=$path" "$pviommu" "$@" 2>&1 </dev/null)
	code=$?
	# shellcheck disable=SC2254
	case $said in
	"pviommu: "$want) [ $code = 2 ] && return ;;
	esac
	echo "FAIL: pviommu $*: code $code: $said"
	failed=1
}

# A kernel as far as the parent looks.
printf '\177ELF' >"$work/vmlinux"
head -c 4096 /dev/zero >"$work/zeros"
: >"$work/empty"
mkfifo "$work/fifo"
run=(run --kernel "$work/vmlinux")

refuse 'cli: frobnicate: no such command: see pviommu --help' frobnicate
refuse 'run: --frob: no such option: see pviommu run --help' run --frob
refuse 'run: --cpus 65: give a number from 1 to 64' "${run[@]}" --cpus 65
refuse 'run: --memory 1: give a size such as 512M or 2G' "${run[@]}" --memory 1
refuse 'run: --net x: give user or tap=NAME first' "${run[@]}" --net x
refuse 'run: --on-reboot: give a value: restart|exit' "${run[@]}" --on-reboot

refuse "run: --kernel $work/none: No such file or directory" \
	run --kernel "$work/none"
refuse "run: --kernel $work: Is a directory" run --kernel "$work"
for file in zeros empty fifo; do
	refuse "run: --kernel $work/$file: neither an ELF kernel nor a bzImage: give a vmlinux or a vmlinuz" \
		run --kernel "$work/$file"
done
refuse "run: --initrd $work/none: No such file or directory" \
	"${run[@]}" --initrd "$work/none"
refuse "run: --initrd $work: not a regular file" "${run[@]}" --initrd "$work"
refuse 'run: --cmdline: too long: with the default at most 2047 bytes' \
	"${run[@]}" --cmdline "$(head -c 2048 /dev/zero | tr '\0' x)"
refuse "run: --stats $work/none/stats: No such file or directory" \
	"${run[@]}" --stats "$work/none/stats"
refuse 'run: --net tap=pvnone0: there is no such tap: make it with: ip tuntap add *' \
	"${run[@]}" --net tap=pvnone0

if [ "$(id -u)" = 0 ]; then
	refuse 'run: --user pvnobody: no such user' "${run[@]}" --user pvnobody
	refuse 'run: --user root: is root: name a user without privileges' \
		"${run[@]}" --user root
	chmod 755 "$work"
	cp "$work/vmlinux" "$work/secret" && chmod 600 "$work/secret"
	other=(setpriv --reuid 65534 --regid 65534 --clear-groups)
	said=$("${other[@]}" "$pviommu" run --kernel "$work/secret" 2>&1)
	if [ "$said" != "pviommu: run: --kernel $work/secret: Permission denied" ]; then
		echo "FAIL: unreadable kernel: $said"
		failed=1
	fi
else
	refuse "run: --user x: only root can become another user: leave it out" \
		"${run[@]}" --user x
fi

if [ ! -e /dev/kvm ]; then
	refuse 'run: /dev/kvm: No such file or directory: see pviommu doctor' \
		"${run[@]}"
elif [ -r /dev/kvm ] && [ -w /dev/kvm ]; then
	refuse "run: device model dmatest: no program pviommu-dmatest in $work/libexec: take another model, or set PVIOMMU_LIBEXEC" \
		"${run[@]}" --device dmatest
	refuse "run: --device vfio-user,socket=$work/none: No such file or directory: start the device's server first" \
		"${run[@]}" --device "vfio-user,socket=$work/none"
	mkdir "$work/bin"
	printf '#!/bin/sh\nexit 1\n' >"$work/bin/passt"
	chmod 755 "$work/bin/passt"
	path=$work/bin
	refuse 'e1000\[net0\]: passt does not answer: Connection reset by peer' \
		"${run[@]}" --net user
	rm "$work/bin/passt"
	refuse 'e1000\[net0\]: passt: No such file or directory: install passt, or use --net tap=NAME' \
		"${run[@]}" --net user
	path=$PATH
fi

refuse 'stat: give a name: pviommu stat NAME \[--json\]' stat
refuse 'stop: give a name: pviommu stop NAME' stop a b
refuse 'doctor: --frob: no such option: there is --kvm' doctor --frob

# A VM that does not run is not a wrong option.
said=$("$pviommu" stat none 2>&1)
if [ $? != 1 ] || [ "$said" != "pviommu: cli: none: no such VM is running: no one answers at $work/pviommu/none.sock" ]; then
	echo "FAIL: stat none: $said"
	failed=1
fi
left=$(find "$work/pviommu" -name '*.sock' 2>/dev/null)
if [ -n "$left" ]; then
	echo "FAIL: left behind: $left"
	failed=1
fi
exit $failed
