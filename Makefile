# orc: see `make help`. Packagers set CC, CFLAGS, LDFLAGS, PREFIX, DESTDIR, BUILD on the command line.
VERSION := 0.1
BUILD  ?= build
CFLAGS ?= -O2 -g
PREFIX ?= /usr/local
V      ?= 0
Q       = $(if $(filter 1,$(V)),,@)
say     = $(if $(filter 1,$(V)),,@printf '  %-5s %s\n' $(1) $(2))

WARN   := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wwrite-strings \
          -Wvla -Wformat=2 -Wundef -Wno-unused-parameter
WERROR ?= -Werror
PKGS   := libcurl libuv libmicrohttpd jansson yaml-0.1 libseccomp libmnl smartcols gnutls
orc_cflags := -std=gnu11 -D_GNU_SOURCE -I. $(WARN) $(WERROR) -fno-common -fstack-protector-strong \
              $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
orc_libs   := -Wl,--as-needed $(shell pkg-config --libs $(PKGS) 2>/dev/null)

# A sanitizer build lives in a folder of its own: make SAN=1 check
ifeq ($(SAN),1)
override BUILD := $(BUILD)/san
orc_cflags += -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -DORC_SANITIZE
orc_ldflags += -fsanitize=address,undefined
endif

# So does one for libFuzzer, which is clang's: make fuzz
ifeq ($(FUZZ),1)
override BUILD := $(BUILD)/fuzz
override CC := clang
orc_cflags += -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined -DORC_SANITIZE
orc_ldflags += -fsanitize=fuzzer,address,undefined
endif

folders  := lib specs state scheduler nodelet netplug gateway cli
mains    := scheduler/main.c nodelet/main.c netplug/main.c gateway/main.c cli/main.c
srcs      = $(wildcard $(addsuffix /*.c,$(folders)))
# One archive per folder, in the order in which they may use one another (users first).
archives := $(foreach f,cli scheduler gateway nodelet netplug state specs lib,$(if $(filter-out $(mains),$(wildcard $f/*.c)),$(BUILD)/$f.a))
binaries := $(foreach p,orc:cli orc-scheduler:scheduler nodelet:nodelet netplug:netplug orc-gateway:gateway,\
            $(if $(wildcard $(lastword $(subst :, ,$p))/main.c),$(BUILD)/$(firstword $(subst :, ,$p))))
unit     := $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(wildcard tests/unit/test_*.c))

.PHONY: all help
all: $(binaries) ## build every program into build/ (the default)

help: ## this list
	@awk -F':.*## ' '/^[a-z][a-z-]*:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(orc_cflags) $(CFLAGS) $(CPPFLAGS) -MMD -MP -c -o $@ $<

# the one file that knows the version
$(BUILD)/obj/lib/version.o: orc_cflags += -DORC_VERSION='"$(VERSION)"'
$(BUILD)/obj/lib/version.o: Makefile
# files that are embedded
$(BUILD)/obj/gateway/files.o: $(wildcard gateway/lua/*.lua)
$(BUILD)/obj/cli/cmd_completion.o: $(wildcard cli/completion/*)

define archive_rule
$(BUILD)/$(1).a: $(patsubst %.c,$(BUILD)/obj/%.o,$(filter-out $(mains),$(wildcard $(1)/*.c)))
	$$(call say,AR,$$@)
	$$(Q)rm -f $$@ && $$(AR) rcs $$@ $$^
endef
$(foreach f,$(folders),$(eval $(call archive_rule,$f)))

# program: its folder's main.o and the archives of the folders that it may use (ARCHITECTURE.md)
define program_rule
$(BUILD)/$(1): $(BUILD)/obj/$(2)/main.o $(filter $(patsubst %,$(BUILD)/%.a,$(2) $(3)),$(archives))
	$$(call say,LD,$$@)
	$$(Q)$$(CC) $$(orc_ldflags) $$(LDFLAGS) -o $$@ $$^ $$(orc_libs)
endef
$(eval $(call program_rule,orc,cli,scheduler state specs lib))
$(eval $(call program_rule,orc-scheduler,scheduler,state specs lib))
$(eval $(call program_rule,nodelet,nodelet,netplug state specs lib))
$(eval $(call program_rule,netplug,netplug,lib))
$(eval $(call program_rule,orc-gateway,gateway,state specs lib))

$(BUILD)/tests/%: $(BUILD)/obj/tests/unit/%.o $(archives)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(orc_ldflags) $(LDFLAGS) -o $@ $< $(archives) $(orc_libs) -lcmocka

$(BUILD)/integration/%: $(BUILD)/obj/tests/integration/%.o $(archives)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(orc_ldflags) $(LDFLAGS) -o $@ $< $(archives) $(orc_libs) -lcmocka

$(BUILD)/bench-%: $(BUILD)/obj/tests/bench/%.o $(archives)
	$(call say,LD,$@)
	$(Q)$(CC) $(orc_ldflags) $(LDFLAGS) -o $@ $< $(archives) $(orc_libs)

bench_hollow := $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard tests/bench/hollow_*.c))
$(BUILD)/bench-hollow $(BUILD)/bench-leader $(BUILD)/bench-plan: $(BUILD)/bench-%: $(BUILD)/obj/tests/bench/%.o $(bench_hollow) $(archives)
	$(call say,LD,$@)
	$(Q)$(CC) $(orc_ldflags) $(LDFLAGS) -o $@ $< $(bench_hollow) $(archives) $(orc_libs)

$(BUILD)/fuzz_%: $(BUILD)/obj/tests/fuzz/fuzz_%.o $(archives)
	$(call say,LD,$@)
	$(Q)$(CC) $(orc_ldflags) $(LDFLAGS) -o $@ $< $(archives) $(orc_libs)

-include tests/lab/lab.mk

# ---- tests ---------------------------------------------------------------------------------------------------
# unit: pure functions and one process (tests/unit). integration: one part of orc against the real etcd, engine,
# kernel or NGINX (tests/integration: C programs and scripts). e2e: the whole in the lab (tests/e2e).
integration_c       := $(patsubst tests/integration/%.c,$(BUILD)/integration/%,$(wildcard tests/integration/test_*.c))
integration_scripts := $(shell find tests/integration -maxdepth 1 -type f -perm -u+x 2>/dev/null | sort)
e2e_scripts         := $(shell find tests/e2e -maxdepth 1 -type f -perm -u+x 2>/dev/null | sort)

.PHONY: check unit layers test integration e2e demo demo-down bench packages install clean
check: all layers unit sim-known ## the fast tests: layers, behaviours, unit and golden; no root, no engine, under a minute

layers:
	@tests/check-layers
	@tests/check-behaviours

unit: $(unit)
	@JOBS=2 tests/run-scripts $(unit)

.PHONY: docs/compose.md docs/x-orc.md
docs/compose.md docs/x-orc.md: $(BUILD)/tests/test_spec_docs ## what orc does with each key of a file, from the tables of specs/ (unit holds both against them)
	@ORC_GOLDEN_UPDATE=1 $<

SEEDS ?= 2000
JOBS  ?= $(shell nproc)
.PHONY: sim
$(BUILD)/sim: $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard tests/sim/*.c)) $(archives)
	$(call say,LD,$@)
	$(Q)$(CC) $(orc_ldflags) $(LDFLAGS) -Wl,--wrap=orc_json_parse,--wrap=codec_text -o $@ $^ $(orc_libs)

sim: $(BUILD)/sim ## the whole of orc simulated, SEEDS=2000 runs with faults; ORC_SIM_SEED=N replays one
	@$< --known tests/sim/seeds --seeds $(SEEDS) --jobs $(JOBS)

.PHONY: sim-known mutations
sim-known: $(BUILD)/sim
	@$< --known tests/sim/seeds --seeds 60

mutations: $(BUILD)/sim ## small bugs made on purpose, each of which the simulation must find: SEEDS=2000
	@SEEDS=$(SEEDS) BUILD=$(BUILD) CC="$(CC)" tests/sim/mutate

integration: all lab-tools $(integration_c) $(BUILD)/bench-leader ## every part against the real etcd, engine, kernel and NGINX (root)
	@BUILD=$(BUILD) tests/run-scripts $(integration_c) $(integration_scripts)

e2e: all lab-tools ## the whole cluster in the lab (root)
	@BUILD=$(BUILD) tests/run-scripts tests/lab/selftest $(e2e_scripts)

test: root packages ## everything, on a fresh machine: installs packages, builds, unit, integration, end to end (root)
	@$(MAKE) --no-print-directory test-all

.PHONY: test-all root
root:
	@[ "$$(id -u)" = 0 ] || { echo "make: this must be run as root: it makes network namespaces and starts Docker Engines in them" >&2; exit 1; }

test-all: all lab-tools layers $(unit) $(integration_c) $(BUILD)/bench-leader
	@BUILD=$(BUILD) tests/run-all "$(unit)" "$(integration_c) $(integration_scripts)" "tests/lab/selftest $(e2e_scripts)"

demo: root packages ## the first ten minutes: a cluster of three servers on this machine (root)
	@$(MAKE) --no-print-directory all lab-tools
	@BUILD=$(BUILD) tests/lab/demo

demo-down: ## remove every trace of the demo (root)
	@tests/lab/lab down

bench: root packages ## the benchmarks, written to docs/benchmarks.md (root); PARTS="deciding hollow": only those
	@$(MAKE) --no-print-directory all lab-tools $(addprefix $(BUILD)/bench-,floor scheduler packing hollow leader spec plan)
	@BUILD=$(BUILD) tests/bench/run $(PARTS)

fuzzed := spec record journal schedule
.PHONY: fuzz $(fuzzed:%=fuzz-%) $(fuzzed:%=run-fuzz-%)
SECONDS ?= 60
fuzz: $(fuzzed:%=fuzz-%) ## what reads hostile bytes, under libFuzzer: SECONDS=60 each (clang); fuzz-spec, ...: one of them
$(fuzzed:%=fuzz-%): fuzz-%:
	@$(MAKE) --no-print-directory FUZZ=1 run-fuzz-$*

run-fuzz-spec: fuzz_args = -max_len=65536 -dict=$(CURDIR)/tests/fuzz/spec.dict
run-fuzz-spec: fuzz_seeds = $(CURDIR)/specs/examples $(CURDIR)/tests/golden/specs
$(fuzzed:%=run-fuzz-%): run-fuzz-%: $(BUILD)/fuzz_%
	@mkdir -p $(BUILD)/corpus-$*
	cd $(BUILD) && ./fuzz_$* -max_total_time=$(SECONDS) -timeout=10 -rss_limit_mb=1024 $(fuzz_args) corpus-$* $(CURDIR)/tests/fuzz/corpus-$* $(fuzz_seeds)

packages: ## install the Debian packages of packages.txt that are missing (root when something is)
	@tests/install-packages build run test

.PHONY: man
man: $(BUILD)/orc ## orc's man pages, written into build/man from what its commands say of themselves
	@mkdir -p $(BUILD)/man
	@$< help --man >$(BUILD)/man/orc.1
	@set -e; for c in $$($< help --list); do $< help --man $$c >$(BUILD)/man/orc-$$c.1; done

install: all man ## install programs, man pages and completions below $(DESTDIR)$(PREFIX)
	install -d $(addprefix $(DESTDIR)$(PREFIX)/,bin share/man/man1 share/bash-completion/completions \
	    share/zsh/site-functions share/fish/vendor_completions.d)
	install -m 0755 $(binaries) $(DESTDIR)$(PREFIX)/bin/
	install -m 0644 $(BUILD)/man/*.1 $(DESTDIR)$(PREFIX)/share/man/man1/
	install -m 0644 cli/completion/orc.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/orc
	install -m 0644 cli/completion/orc.zsh $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_orc
	install -m 0644 cli/completion/orc.fish $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/orc.fish

clean: ## remove what was built
	rm -rf $(BUILD)

.SECONDARY:
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
