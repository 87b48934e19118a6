#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# layers.sh must refuse what layers.txt forbids: each case is a small tree that
# breaks one rule.
set -u
layers=$(dirname "$(readlink -f "$0")")/layers.sh
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
status=0

try() { # WANT FILE LINE
	rm -rf "${tree:?}"/*
	mkdir -p "$tree/src/base" "$tree/src/viommu" "$tree/src/machine"
	printf 'base:\nviommu: base\nmachine: base viommu\ncli: *\n' >"$tree/layers.txt"
	mkdir -p "$tree/$(dirname "$2")"
	echo "$3" >"$tree/$2"
	if "$layers" "$tree" >"$tree/said"; then got=accepts; else got=refuses; fi
	[ $got = "$1" ] && return
	echo "layers.sh $got $2 with $3"
	cat "$tree/said"
	status=1
}
try accepts src/viommu/a.c '#include "base/range.h"'
try accepts src/cli/a.c '#include "machine/machine.h"'
try accepts src/machine/a.c '#include <linux/kvm.h>'
try refuses src/base/a.c '#include "viommu/viommu.h"'
try refuses src/viommu/a.c '#include "machine/machine.h"'
try refuses src/viommu/a.c '#include <linux/kvm.h>'
try refuses src/machine/a.c '#include <linux/vfio.h>'
try refuses src/machine/a.c '#include "viommu/table_internal.h"'
try refuses src/novel/a.c '#include "base/range.h"'
try refuses src/base/meson.build "x = static_library('x', dependencies: [viommu])"
exit $status
