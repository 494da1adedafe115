// A bare drop: what a device does with a frame at the least.
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

SEC("xdp.frags")
int drop(struct xdp_md* ctx) {
  (void)ctx;
  return XDP_DROP;
}

char _license[] SEC("license") = "GPL";
