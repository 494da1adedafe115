// Keyed state as it is written by hand over the kernel's maps, for the source address of an IPv4 packet. -DHOT: one
// token bucket under a spin lock; -DSPIN: a bucket a key, under spin locks in a hash; -DLRU: one word a key in an LRU
// hash, changed by compare-and-swap; -DSET: a set in an LRU hash, to which unknown sources are added; none: only the
// checks.
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#define CAPACITY 131072
#define RATE 1000000ull
#define WINDOW (1000000000ull << 4) // a burst of a second, in 1/16 ns
#define COST ((1000000000ull << 4) / RATE)

struct bucket {
  struct bpf_spin_lock lock;
  __u64 tokens, filled;
};

struct {
#ifdef HOT
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(value, struct bucket);
#elif defined(SPIN)
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, CAPACITY);
  __type(value, struct bucket);
#else
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, CAPACITY);
  __type(value, __u64);
#endif
  __type(key, __u32);
} state SEC(".maps");

#if defined(HOT) || defined(SPIN)
static __always_inline int conforms(__u32 key) {
  struct bucket* bucket = bpf_map_lookup_elem(&state, &key);
  if (!bucket) {
    struct bucket fresh = {.tokens = RATE, .filled = bpf_ktime_get_ns()};
    bpf_map_update_elem(&state, &key, &fresh, BPF_NOEXIST);
    return 1;
  }
  __u64 now = bpf_ktime_get_ns();
  int passes = 0;
  bpf_spin_lock(&bucket->lock);
  __u64 earned = (now - bucket->filled) * RATE / 1000000000;
  if (earned) {
    bucket->tokens = bucket->tokens + earned < RATE ? bucket->tokens + earned : RATE;
    bucket->filled = now;
  }
  if (bucket->tokens) {
    bucket->tokens--;
    passes = 1;
  }
  bpf_spin_unlock(&bucket->lock);
  return passes;
}
#elif defined(LRU)
static __always_inline int conforms(__u32 key) {
  __u64 now = bpf_ktime_get_ns() << 4;
  __u64* word = bpf_map_lookup_elem(&state, &key);
  if (!word) {
    __u64 fresh = now + COST;
    bpf_map_update_elem(&state, &key, &fresh, BPF_NOEXIST);
    return 1;
  }
  for (int i = 0; i < 8; i++) {
    __u64 old = *(volatile __u64*)word, ahead = old - now;
    if (ahead > WINDOW)
      ahead = 0;
    if (ahead + COST > WINDOW)
      return 0;
    if (__sync_val_compare_and_swap(word, old, now + ahead + COST) == old)
      return 1;
  }
  return 0;
}
#elif defined(SET)
static __always_inline int conforms(__u32 key) {
  __u64* expires = bpf_map_lookup_elem(&state, &key);
  if (expires && bpf_ktime_get_coarse_ns() < *expires)
    return 0;
  __u64 end = bpf_ktime_get_coarse_ns() + 3600000000000ull;
  bpf_map_update_elem(&state, &key, &end, BPF_ANY);
  return 1;
}
#else
static __always_inline int conforms(__u32 key) {
  return key != 0xc0000207;
}
#endif

SEC("xdp.frags")
int by_hand(struct xdp_md* ctx) {
  void *data = (void*)(long)ctx->data, *end = (void*)(long)ctx->data_end;
  if (data + 34 > end || *(__u16*)(data + 12) != 8)
    return XDP_PASS;
#ifdef HOT
  __u32 key = 0;
#else
  __u32 key = *(__u32*)(data + 26);
#endif
  return conforms(key) ? XDP_PASS : XDP_DROP;
}

char _license[] SEC("license") = "GPL";
