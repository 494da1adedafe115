// Puts the next of 65,536 keys into the frame and goes on with the program under test: a lookup that is timed always
// with one key would be timed in the cache.
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct key {
  __u64 words[2];
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
  if (data + 38 > end)
    return XDP_ABORTED;
  struct key* key = next_key();
  if (!key)
    return XDP_ABORTED;
  if (*(__u8*)(data + 12) == 0x86)
    __builtin_memcpy(data + 22, key->words, 16);
  else
    __builtin_memcpy(data + 26, key->words, 4);
  bpf_tail_call(ctx, &next, 0);
  return XDP_ABORTED;
}

char _license[] SEC("license") = "GPL";
