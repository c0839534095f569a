# orc: see `make help`. Packagers set CC, CFLAGS, LDFLAGS, PREFIX, DESTDIR, BUILD on the command line.
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
              $(shell pkg-config --cflags $(PKGS))
orc_libs   := $(shell pkg-config --libs $(PKGS))

# A sanitizer build lives in a folder of its own: make SAN=1 check
ifeq ($(SAN),1)
override BUILD := $(BUILD)/san
orc_cflags += -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -DORC_SANITIZE
orc_ldflags += -fsanitize=address,undefined
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

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(orc_cflags) $(CFLAGS) $(CPPFLAGS) -MMD -MP -c -o $@ $<

define archive_rule
$(BUILD)/$(1).a: $(patsubst %.c,$(BUILD)/%.o,$(filter-out $(mains),$(wildcard $(1)/*.c)))
	$$(call say,AR,$$@)
	$$(Q)rm -f $$@ && $$(AR) rcs $$@ $$^
endef
$(foreach f,$(folders),$(eval $(call archive_rule,$f)))

# program: its folder's main.o, then the archives
define program_rule
$(BUILD)/$(1): $(BUILD)/$(2)/main.o $(archives)
	$$(call say,LD,$$@)
	$$(Q)$$(CC) $$(orc_ldflags) $$(LDFLAGS) -o $$@ $$< $(archives) $$(orc_libs)
endef
$(eval $(call program_rule,orc,cli))
$(eval $(call program_rule,orc-scheduler,scheduler))
$(eval $(call program_rule,nodelet,nodelet))
$(eval $(call program_rule,netplug,netplug))
$(eval $(call program_rule,orc-gateway,gateway))

$(BUILD)/tests/%: $(BUILD)/tests/unit/%.o $(archives)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(orc_ldflags) $(LDFLAGS) -o $@ $< $(archives) $(orc_libs) -lcmocka

.PHONY: check unit clean
check: all unit ## the fast tests: unit and golden, no root, no engine, under a minute

unit: $(unit)
	@tests/run-unit $(unit)

clean: ## remove what was built
	rm -rf $(BUILD)

.SECONDARY:
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
