# The lab's own programs: static, so that they run in an image without anything else. Included by the Makefile; also
# usable alone: make -f tests/lab/lab.mk BUILD=build lab-tools
BUILD ?= build
CFLAGS ?= -O2 -g
lab_warn := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wwrite-strings -Wvla \
            -Wformat=2 -Wundef
lab_tools := $(BUILD)/workload $(BUILD)/lab-nsrun $(BUILD)/lab-load

.PHONY: lab-tools
lab-tools: $(lab_tools) ## build the lab's programs: the workload, the load generator, the launcher

$(BUILD)/workload: tests/workload/workload.c
$(BUILD)/lab-nsrun: tests/lab/nsrun.c
$(BUILD)/lab-load: tests/lab/load.c

$(lab_tools):
	@mkdir -p $(@D)
	@printf '  %-5s %s\n' CC $@
	@$(CC) -std=gnu11 -D_GNU_SOURCE $(lab_warn) $(WERROR) $(CFLAGS) $(LDFLAGS) -static -o $@.new $< && mv -f $@.new $@
