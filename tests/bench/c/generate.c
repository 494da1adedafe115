// Puts the next of 65,536 flows into an IPv4 frame and sends it out of the device that it was injected at. For
// tests/bench/time_wire.cpp.
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

// As in the frame.
struct key {
  __u64 addresses;
  __u32 ports;
  __u16 checksum;
  __u8 protocol, unused;
};

#include "next_key.h"

SEC("xdp")
int generate(struct xdp_md* ctx) {
  void *data = (void*)(long)ctx->data, *end = (void*)(long)ctx->data_end;
  if (data + 54 > end)
    return XDP_ABORTED;
  struct key* key = next_key();
  if (!key)
    return XDP_ABORTED;
  *(__u8*)(data + 23) = key->protocol;
  *(__u16*)(data + 24) = key->checksum;
  __builtin_memcpy(data + 26, &key->addresses, 8);
  __builtin_memcpy(data + 34, &key->ports, 4);
  return XDP_TX;
}

char _license[] SEC("license") = "GPL";
