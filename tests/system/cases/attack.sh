# SPDX-License-Identifier: BSD-2-Clause
# A hostile device behind a stock kernel's own driver.
test_hostile_device_gets_what_was_granted() {
	guest backports
	attack on
	echo "tried=$tried granted=$granted found=$found allowed=$allowed refused=$refused lines=$lines"
	[ "$tried" -eq 1048576 ] || fail "tried $tried pages"
	[ "$allowed" = "$allowed_after" ] || fail "what is granted changed"
	[ "$granted" -eq $((allowed / 4096)) ] || fail "got $granted pages"
	[ "$found" -eq 0 ] || fail "found the secret"
	[ "$refused" -eq $((tried - granted)) ] || fail "refused $refused"
	[ "$lines" -gt 0 ] || fail "the guest was not told"
}
