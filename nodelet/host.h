/* host.h - facts about this machine: kernel, virtualisation, capacity, identity.
 *
 * Reads /proc, /sys and CPUID; it must not know the store. `root` is "" outside of tests.
 */
#ifndef NODELET_HOST_H
#define NODELET_HOST_H

#include "lib/mem.h"

#include <stdbool.h>
#include <stdint.h>

struct host {
    char *kernel, *os, *arch; /* uname: "6.1.0-37-amd64"; "linux"; "amd64" (Docker's word) */
    char *virt;    /* systemd-detect-virt's words: "kvm", "qemu", "vmware", "openvz", "lxc", "none" */
    char *refused; /* why no containers may run here (a sentence), or NULL */
    char *machine_id, *boot_id; /* "" when the machine has none */
    int64_t cpus_nano, memory;
    int pids; /* processes and threads that may exist at once; 0: not known */
};

void host_read(struct host *h, const char *root);
void host_release(struct host *h);

/* The parts, for tests. `hypervisor`: CPUID's signature ("KVMKVMKVM"), "" without one. Freed by the caller.
 */
char *host_virt(const char *root, const char *kernel, const char *hypervisor);
int host_pids(const char *root);
const char *host_arch(const char *machine); /* uname -m to Docker's GOARCH word */

#endif
