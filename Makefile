# SPDX-License-Identifier: Apache-2.0
# Coffret: one Makefile. Every folder's Makefile says `obj-y += file.o folder/`; nothing recurses.
# Out of tree always: O=build by default. V=1 shows commands, SAN=1 builds with ASan and UBSan, COV=1 with coverage.

O ?= build
V ?= 0
Q := $(if $(filter 1,$(V)),,@)
PYTHON ?= /usr/bin/python3
CC := $(if $(filter default,$(origin CC)),$(CROSS_COMPILE)gcc,$(CC))
AR := $(if $(filter default,$(origin AR)),$(CROSS_COMPILE)ar,$(AR))
SIZE ?= $(CROSS_COMPILE)size

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:

# --- goals -----------------------------------------------------------------------------------------------------------

# These install, configure, or call make again to build; alone they need neither a compiler nor a configuration.
# Given together with others, each goal is made in its turn: `make install-build headless_defconfig all`.
installs := help clean install-% check demo bench fuzz lint format-check
configures := %_defconfig menuconfig
goals := $(or $(MAKECMDGOALS),all)

ifneq ($(and $(filter $(installs) $(configures),$(goals)),$(word 2,$(goals))),)
.PHONY: $(goals) one-by-one
$(goals): one-by-one
	@:
one-by-one:
	@+for goal in $(goals); do $(MAKE) --no-print-directory $$goal || exit; done
else

# --- configuration ---------------------------------------------------------------------------------------------------

config := $(O)/.config
export KCONFIG_CONFIG := $(abspath $(config))
kconfig_files := Kconfig $(wildcard */Kconfig */*/Kconfig)

# A new machine is told what it lacks before anything else is said.
missing = $(shell $(PYTHON) -c 'import kconfiglib' 2>/dev/null && command -v $(lastword $(CC)) >/dev/null || \
	.ci/install --missing build)
ifneq ($(filter-out $(installs),$(goals)),)
ifeq ($(wildcard $(config)),)
$(if $(missing),$(error not installed: $(missing). `make install-build` installs them))
endif
endif

$(config):
	$(Q)mkdir -p $(O)
	$(Q)cp board/sim/defconfig $@
	$(Q)$(PYTHON) -m olddefconfig Kconfig >/dev/null

%_defconfig: board/%/defconfig ## configure for board NAME: sim_defconfig, headless_defconfig, minimal_defconfig
	$(Q)mkdir -p $(O)
	$(Q)cp $< $(config)
	$(Q)$(PYTHON) -m olddefconfig Kconfig >/dev/null
	@echo "configured $(O) for board $*"

.PHONY: menuconfig
menuconfig: $(config) ## change the configuration in a menu
	$(Q)$(PYTHON) -m menuconfig Kconfig

$(O)/config.h: $(config) $(kconfig_files)
	$(Q)$(PYTHON) -m olddefconfig Kconfig >/dev/null
	$(Q)$(PYTHON) -m genconfig --header-path $@ --config-out $(O)/config.mk Kconfig
	$(Q)touch $@

ifneq ($(filter-out $(installs) $(configures),$(goals)),)
-include $(O)/config.mk
$(O)/config.mk: $(O)/config.h ;
endif

# --- flags -----------------------------------------------------------------------------------------------------------

cflags := -std=gnu11 -I. -include $(O)/config.h -MMD -MP -D_GNU_SOURCE -fPIE -fno-common \
	-Wall -Wextra -Wconversion -Wshadow -Wvla -Wundef -Wpointer-arith -Wcast-qual -Wwrite-strings \
	-Wstrict-prototypes -Wmissing-prototypes -Wmissing-declarations -Wimplicit-fallthrough -Wformat=2 \
	-Wnull-dereference -Werror=implicit-function-declaration
ldflags := -pie -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed -Wl,--gc-sections
CFLAGS ?= -O2 -g
ifeq ($(SAN),1)
cflags += -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
ldflags += -fsanitize=address,undefined
else ifeq ($(COV),1)
cflags += --coverage
ldflags += --coverage
else
cflags += -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection -ffunction-sections -fdata-sections \
	$(if $(filter x86_64%,$(shell $(CC) -dumpmachine 2>/dev/null)),-fcf-protection)
endif
ifeq ($(WERROR),1)
cflags += -Werror
endif

libs-y := -lz -lmbedtls -lmbedx509 -lmbedcrypto -linih -lpthread
libs-worker-y := -lsybdb $(if $(CONFIG_AGENT_SQL_SECCOMP),-lseccomp)
libs-cli-y := $(if $(CONFIG_AGENT_CLI_JSON),-lcjson)

# --- the walk --------------------------------------------------------------------------------------------------------

objects :=
walk = $(eval obj-y :=)$(eval include $(1)/Makefile)$(eval objects += $(addprefix $(O)/$(1)/,$(filter %.o,$(obj-y))))$(foreach d,$(filter %/,$(obj-y)),$(call walk,$(1)/$(d:/=)))
$(foreach room,agent storage hal board,$(call walk,$(room)))

# A file called main.c is a program; everything else is in one archive, from which each program links what it calls.
mains := $(filter %/main.o,$(objects))
library := $(O)/coffret.a
programs := $(O)/coffretd $(O)/coffret $(O)/coffret-worker $(if $(CONFIG_HAL_SIM),$(O)/coffret-panel)

$(O)/coffretd: $(O)/agent/main.o
$(O)/coffret: $(O)/agent/cli/main.o
$(O)/coffret-worker: $(O)/agent/sql/main.o
$(O)/coffret-panel: $(O)/board/sim/panel/main.o
$(O)/coffret: private libs-y += $(libs-cli-y)
$(O)/coffret-worker: private libs-y += $(libs-worker-y)

.PHONY: all
all: $(programs) ## build coffretd, coffret and coffret-worker

$(programs): $(library)
	@echo "  LINK    $@"
	$(Q)$(CC) $(cflags) $(CFLAGS) $(ldflags) $(LDFLAGS) -o $@ $(filter %.o,$^) $(library) $(libs-y)

$(library): $(filter-out $(mains),$(objects))
	@echo "  AR      $@"
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(O)/%.o: %.c $(O)/config.h
	@echo "  CC      $<"
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(cflags) $(CFLAGS) -c -o $@ $<

include tests/Makefile

.PHONY: panel
panel: $(O)/coffret-panel ## the front panel of a simulated box, live in this terminal: PANEL=its panel_socket
	$(Q)$(O)/coffret-panel "$(PANEL)"

# How many jobs where the caller named none.
jobs = $(if $(findstring -j,$(MAKEFLAGS)),,-j$(shell nproc))

PREFIX ?= /usr/local
# What somebody with a box reads, and what the README points to.
documents := README.md CHANGELOG.md LICENSE agent/sql/server.md agent/sql/logins.sql agent/restore/restore.md \
	agent/upkeep/retention.md agent/store/volumes.md agent/panel/panel.md agent/service/API.md storage/FORMAT.md

.PHONY: install
install: all ## put programs, unit, example configuration and documents in place (DESTDIR, PREFIX)
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/doc/coffret $(DESTDIR)/etc/coffret \
		$(DESTDIR)/etc/systemd/system
	install -m 0755 $(programs) $(DESTDIR)$(PREFIX)/bin
	sed 's|^ExecStart=.*|ExecStart=$(PREFIX)/bin/coffretd|' agent/coffretd.service > $(DESTDIR)/etc/systemd/system/coffretd.service
	install -m 0644 agent/config/config.example.conf $(DESTDIR)/etc/coffret
	install -m 0644 $(documents) $(DESTDIR)$(PREFIX)/share/doc/coffret
	[ -n "$(DESTDIR)" ] || getent group coffret >/dev/null || groupadd --system coffret

.PHONY: size
size: all ## bytes of code and data in each room, stripped
	$(Q)for room in $(patsubst %/,%,$(sort $(wildcard agent/*/))) agent storage hal board; do \
		$(SIZE) -t $$(find $(O)/$$room $$([ $$room = agent ] && echo -maxdepth 1) -name '*.o') 2>/dev/null | \
		awk -v r=$$room 'END { printf "%-14s text %7d  data %6d  bss %6d\n", r, $$1, $$2, $$3 }'; done
	$(Q)for p in $(programs); do $(CROSS_COMPILE)strip -o $$p.stripped $$p && stat -c '%n %s bytes' $$p.stripped; done

.PHONY: clean
clean: ## remove everything that was built
	rm -rf $(O)

.PHONY: help
help: ## this list
	@grep -hE '^[a-z%_-]+:.*## ' Makefile tests/Makefile | sed 's/:.*## /\t/' | sort | expand -t 22

-include $(shell find $(O) -name '*.d' 2>/dev/null)
endif
