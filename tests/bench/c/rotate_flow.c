// Puts the next of 65,536 flows into an IPv4 frame and goes on with the program under test. As rotate.c, for rules over
// five fields.
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

// As in the frame: source and destination, ports.
struct key {
  __u64 addresses;
  __u32 ports;
  __u32 protocol;
};

#include "next_key.h"

struct {
  __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, __u32);
} next SEC(".maps");

SEC("xdp.frags")
int rotate(struct xdp_md* ctx) {
  void *data = (void*)(long)ctx->data, *end = (void*)(long)ctx->data_end;
  if (data + 54 > end)
    return XDP_ABORTED;
  struct key* key = next_key();
  if (!key)
    return XDP_ABORTED;
  *(__u8*)(data + 23) = key->protocol;
  __builtin_memcpy(data + 26, &key->addresses, 8);
  __builtin_memcpy(data + 34, &key->ports, 4);
  bpf_tail_call(ctx, &next, 0);
  return XDP_ABORTED;
}

char _license[] SEC("license") = "GPL";
