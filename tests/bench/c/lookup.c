// The kernel's own lookups of the source address: a longest prefix match or a hash, for IPv4 and IPv6. Compiled with
// -DLPM or -DHASH or neither, and -DV6.
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#ifdef V6
#define BYTES 16
#define OFFSET 22
#else
#define BYTES 4
#define OFFSET 26
#endif

struct key {
  __u32 length;
  __u8 address[BYTES];
};

struct {
#ifdef HASH
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(key_size, BYTES);
#else
  __uint(type, BPF_MAP_TYPE_LPM_TRIE);
  __uint(key_size, 4 + BYTES);
  __uint(map_flags, BPF_F_NO_PREALLOC);
#endif
  __uint(value_size, 4);
  __uint(max_entries, 1 << 20);
} table SEC(".maps");

SEC("xdp.frags")
int lookup(struct xdp_md* ctx) {
  void *data = (void*)(long)ctx->data, *end = (void*)(long)ctx->data_end;
  if (data + OFFSET + BYTES > end)
    return XDP_PASS;
  struct key key = {.length = BYTES * 8};
  __builtin_memcpy(key.address, data + OFFSET, BYTES);
#ifdef HASH
  return bpf_map_lookup_elem(&table, key.address) ? XDP_DROP : XDP_PASS;
#elif defined(LPM)
  return bpf_map_lookup_elem(&table, &key) ? XDP_DROP : XDP_PASS;
#else
  return key.address[BYTES - 1] == 7 ? XDP_DROP : XDP_PASS;
#endif
}

char _license[] SEC("license") = "GPL";
