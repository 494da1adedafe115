// Rules over five fields of IPv4, as one writes them by hand: compared in turn (-DLINEAR), or as bit vectors (-DBITS:
// each 16 bits of the key choose a vector of the rules that they fit, and the first bit of all of them is the rule).
// Neither: only the key is fetched. RULES is a multiple of 64; tests/bench/classifiers.py fills the tables.
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#define WORDS (RULES / 64)

struct key {
  __u32 source, destination;
  __u16 sport, dport, protocol;
};

struct rule {
  __u32 source, source_mask, destination, destination_mask;
  __u16 sport_low, sport_high, dport_low, dport_high;
  __u32 protocol, protocol_mask;
};

#define CHUNKS 7

struct {
  __u64 drops[WORDS]; // verdicts: a bit a rule
#ifdef LINEAR
  struct rule rules[RULES];
#elif defined(BITS)
  __u16 chunks[CHUNKS][65536]; // the number of a vector
#endif
} tables;

#ifdef LINEAR
#define AT_ONCE 16 // a branch for each rule would be more than the verifier follows: 8,192

// 0 if the rule matches.
static __u64 differs(const struct key* key, const struct rule* rule) {
  __u64 fields = (key->source ^ rule->source) & rule->source_mask;
  fields |= (key->destination ^ rule->destination) & rule->destination_mask;
  fields |= (key->protocol ^ rule->protocol) & rule->protocol_mask;
  __u64 ports = ((__u64)key->dport - rule->dport_low) | ((__u64)rule->dport_high - key->dport);
  ports |= ((__u64)key->sport - rule->sport_low) | ((__u64)rule->sport_high - key->sport);
  return fields | ports >> 63;
}

static int classify(const struct key* key) {
  for (__u32 first = 0; first < RULES; first += AT_ONCE) {
    __u64 found = 0;
#pragma unroll
    for (__u32 i = 0; i < AT_ONCE; ++i) {
      __u64 match = (differs(key, &tables.rules[first + i]) - 1) >> 63;
      asm volatile("" : "+r"(match));
      found |= match << i;
    }
    if (found)
      return tables.drops[first / 64] >> (first & 63) & (found & -found) ? XDP_DROP : XDP_PASS;
  }
  return XDP_TX;
}
#elif defined(BITS)
struct vector {
  __u64 words[WORDS];
};

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, VECTORS);
  __type(key, __u32);
  __type(value, struct vector);
} vectors SEC(".maps");

static int classify(const struct key* key) {
  const __u16 parts[CHUNKS] = {
      key->source >> 16, key->source & 0xffff, key->destination >> 16, key->destination & 0xffff,
      key->sport,        key->dport,           key->protocol};
  const struct vector* of[CHUNKS];
#pragma unroll
  for (int i = 0; i < CHUNKS; ++i) {
    __u32 number = tables.chunks[i][parts[i]];
    of[i] = bpf_map_lookup_elem(&vectors, &number);
    if (!of[i])
      return XDP_ABORTED;
  }
  for (__u32 word = 0; word < WORDS; ++word) {
    __u64 both = of[0]->words[word] & of[1]->words[word] & of[2]->words[word] & of[3]->words[word];
    both &= of[4]->words[word] & of[5]->words[word] & of[6]->words[word];
    if (both)
      return tables.drops[word] & (both & -both) ? XDP_DROP : XDP_PASS;
  }
  return XDP_TX;
}
#else
static int classify(const struct key* key) {
  return (key->source ^ key->destination ^ key->sport ^ key->dport ^ key->protocol) == 7 ? XDP_DROP : XDP_PASS;
}
#endif

SEC("xdp.frags")
int by_rules(struct xdp_md* ctx) {
  void *data = (void*)(long)ctx->data, *end = (void*)(long)ctx->data_end;
  if (data + 54 > end || *(__u16*)(data + 12) != __builtin_bswap16(0x0800))
    return XDP_PASS;
  struct key key = {
      .source = __builtin_bswap32(*(__u32*)(data + 26)),
      .destination = __builtin_bswap32(*(__u32*)(data + 30)),
      .protocol = *(__u8*)(data + 23),
  };
  if (key.protocol == 6 || key.protocol == 17) {
    key.sport = __builtin_bswap16(*(__u16*)(data + 34));
    key.dport = __builtin_bswap16(*(__u16*)(data + 36));
  }
  return classify(&key);
}

char _license[] SEC("license") = "GPL";
