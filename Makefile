# SPDX-License-Identifier: BSD-2-Clause
# A thin front of meson and ninja. The two commands that matter to a newcomer:
#
#	make demo	installs what is missing, builds, boots a real VM behind the
#			door and shows what it protects
#	make check	runs every test; the last line is "N passed, N failed"
BUILD ?= build
PREFIX ?= /usr/local

.PHONY: all deps demo check bench attack install clean

all: deps $(BUILD)/build.ninja
	@ninja -C $(BUILD)

deps:
	@tools/deps

$(BUILD)/build.ninja:
	@meson setup --prefix $(abspath $(PREFIX)) --buildtype=debugoptimized $(BUILD) >/dev/null

demo: all
	@demo/demo

check: deps
	@tests/check

bench: all
	@bench/run

# The folder for building may have been set up for another prefix.
install: all
	@meson configure -Dprefix=$(abspath $(PREFIX)) $(BUILD)
	@meson install -C $(BUILD)

clean:
	rm -rf $(BUILD) build-*
