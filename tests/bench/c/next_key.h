// 65,536 keys, which are a struct key each, in turn: one that is always the same would be timed in the cache.
#pragma once

#define KEYS 65536

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, KEYS);
  __type(key, __u32);
  __type(value, struct key);
} keys SEC(".maps");

static volatile __u32 turn;

static __always_inline struct key* next_key(void) {
  __u32 number = turn++ % KEYS;
  return bpf_map_lookup_elem(&keys, &number);
}
