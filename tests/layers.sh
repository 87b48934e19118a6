#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Which module may include which (layers.txt), checked for every #include under
# src/, and that the kernel's interfaces stay in quarantine.
#
#   layers.sh [TREE]     TREE: where layers.txt and src/ are
set -uo pipefail
cd "${1:-$(dirname "$0")/..}" || exit 2
status=0

bad() {
	echo "layers: $*"
	status=1
}

declare -A allowed
while IFS=: read -r module rest; do
	case $module in '' | '#'*) continue ;; esac
	allowed[$module]=" $module $rest "
done <layers.txt

while IFS=: read -r file line include; do
	module=${file#src/} && module=${module%%/*}
	target=${include#*\"} && target=${target%%/*}
	[ -n "${allowed[$module]:-}" ] || {
		bad "$file: module $module is not in layers.txt"
		continue
	}
	case $include in
	*_internal.h\"*)
		folder=${include#*\"} && folder=${folder%/*}
		[ "src/$folder" = "${file%/*}" ] ||
			bad "$file:$line: $folder's internal header"
		;;
	esac
	case ${allowed[$module]} in
	*" * "* | *" $target "*) ;;
	*) bad "$file:$line: $module/ may not include $target/" ;;
	esac
done < <(grep -rn --include='*.[ch]' '^#include "' src)

# HEADER MODULE: only this module includes that header.
while read -r header module; do
	while IFS=: read -r file line _; do
		bad "$file:$line: only $module/ may include $header"
	done < <(grep -rn --include='*.[ch]' "#include <$header>" src |
		grep -v "^src/$module/")
done <<'LIST'
linux/kvm.h machine
linux/vfio.h vfio
LIST

# A module's library is linked only where layers.txt lets it be included.
for build in src/*/meson.build; do
	[ -e "$build" ] || continue
	module=$(basename "$(dirname "$build")")
	for other in "${!allowed[@]}"; do
		[ "$other" != "$module" ] || continue
		grep -qE "dependencies: *\[[^]]*\b$other\b" "$build" || continue
		case ${allowed[$module]:-} in
		*" * "* | *" $other "*) ;;
		*) bad "$build: $module/ may not link $other/" ;;
		esac
	done
done
exit $status
