// examples/web_edge written by hand as an XDP programmer would: the baseline that `./dev bench` compares with. Kernel
// maps, per-CPU counters, a one-word token bucket. Compiled with clang -O2.
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

enum rule { NEIGHBORS, LISTED, BOGUS, SSH, SYN_FLOOD, DNS_AMP, WEB, DEFAULT, RULES };

struct address {
  __u32 family_length; // 4 or 6, prefix length << 8
  __u32 words[4];
};

struct trie_key {
  __u32 prefixlen;
  __u32 family;
  __u32 words[4];
};

struct count {
  __u64 packets, bytes;
};

struct flood {
  __u64 time;
  struct address source, target;
  __u32 port, length;
};

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, RULES);
  __type(key, __u32);
  __type(value, struct count);
} counts SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 100000);
  __type(key, struct address);
  __type(value, __u64);
} banned_hosts SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_LPM_TRIE);
  __uint(max_entries, 100000);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, struct trie_key);
  __type(value, __u64);
} banned_nets SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 1000000);
  __type(key, struct address);
  __type(value, __u64);
} buckets SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 1 << 20);
} floods SEC(".maps");

struct packet {
  struct address source, target;
  __u16 sport, dport;
  __u8 tcp, udp, syn, ack, neighbor, malformed, dns_answer, management;
  __u32 payload;
};

static __always_inline int decide(enum rule rule, int verdict, __u64 length) {
  __u32 key = rule;
  struct count* count = bpf_map_lookup_elem(&counts, &key);
  if (count) {
    count->packets++;
    count->bytes += length;
  }
  return verdict;
}

static __always_inline int is_banned(const struct packet* p) {
  __u64* until = bpf_map_lookup_elem(&banned_hosts, &p->source);
  if (until && bpf_ktime_get_coarse_ns() < *until)
    return 1;
  struct trie_key key = {.prefixlen = (p->source.family_length & 0xff) == 4 ? 64 : 160,
                         .family = p->source.family_length & 0xff};
  __builtin_memcpy(key.words, p->source.words, 16);
  until = bpf_map_lookup_elem(&banned_nets, &key);
  return until && bpf_ktime_get_coarse_ns() < *until;
}

// 200 packets a second with a burst of 400, a bucket for each /24 or /64.
static __always_inline int exceeds(const struct packet* p) {
  const __u64 cost = (1000000000ull << 16) / 200, window = cost * 400;
  struct address key = p->source;
  if ((key.family_length & 0xff) == 4) {
    key.family_length = 4 | 24 << 8;
    key.words[0] &= bpf_htonl(0xffffff00);
  } else {
    key.family_length = 6 | 64 << 8;
    key.words[2] = key.words[3] = 0;
  }
  __u64 now = bpf_ktime_get_ns() << 16;
  __u64* word = bpf_map_lookup_elem(&buckets, &key);
  if (!word) {
    bpf_map_update_elem(&buckets, &key, &now, BPF_NOEXIST);
    word = bpf_map_lookup_elem(&buckets, &key);
    if (!word)
      return 0;
  }
  for (int i = 0; i < 8; i++) {
    __u64 old = *word, ahead = old - now;
    if (ahead > window)
      ahead = 0;
    if (ahead + cost > window)
      return 1;
    if (__sync_val_compare_and_swap(word, old, now + ahead + cost) == old)
      return 0;
  }
  return 1;
}

static __always_inline void punish(const struct packet* p, __u64 length) {
  __u64 until = bpf_ktime_get_coarse_ns() + 600ull * 1000000000;
  bpf_map_update_elem(&banned_hosts, &p->source, &until, BPF_ANY);
  if (bpf_get_prandom_u32() % 100)
    return;
  struct flood* flood = bpf_ringbuf_reserve(&floods, sizeof(*flood), 0);
  if (!flood)
    return;
  flood->time = bpf_ktime_get_ns();
  flood->source = p->source;
  flood->target = p->target;
  flood->port = p->dport;
  flood->length = length;
  bpf_ringbuf_submit(flood, 0);
}

static __always_inline void parse_transport(struct packet* p, void* at, void* end, __u8 protocol, __u32 room) {
  if (protocol == IPPROTO_TCP) {
    struct tcphdr* tcp = at;
    if ((void*)(tcp + 1) > end || tcp->doff < 5 || at + tcp->doff * 4 > end) {
      p->malformed = 1;
      return;
    }
    p->tcp = 1;
    p->sport = bpf_ntohs(tcp->source);
    p->dport = bpf_ntohs(tcp->dest);
    p->syn = tcp->syn;
    p->ack = tcp->ack;
    p->malformed |= tcp->doff * 4 > room;
  } else if (protocol == IPPROTO_UDP) {
    struct udphdr* udp = at;
    if ((void*)(udp + 1) > end) {
      p->malformed = 1;
      return;
    }
    __u32 length = bpf_ntohs(udp->len);
    p->udp = 1;
    p->sport = bpf_ntohs(udp->source);
    p->dport = bpf_ntohs(udp->dest);
    p->payload = room > 8 ? room - 8 : 0;
    p->malformed |= length < 8 || length > room;
    __u8* dns = at + 8;
    if ((void*)(dns + 12) <= end && (p->sport == 53 || p->dport == 53))
      p->dns_answer = dns[2] >> 7;
  } else if (protocol == IPPROTO_ICMPV6) {
    __u8* icmp = at;
    if ((void*)(icmp + 4) > end) {
      p->malformed = 1;
      return;
    }
    p->neighbor = icmp[0] >= 133 && icmp[0] <= 137;
  }
}

static __always_inline int parse_ipv4(struct packet* p, void* at, void* end, __u32 left) {
  struct iphdr* ip = at;
  if ((void*)(ip + 1) > end || ip->ihl < 5 || at + ip->ihl * 4 > end) {
    p->malformed = 1;
    return 0;
  }
  __u32 total = bpf_ntohs(ip->tot_len), header = ip->ihl * 4;
  p->malformed = total < header || total > left;
  p->source.family_length = 4 | 32 << 8;
  p->source.words[0] = ip->saddr;
  p->target.family_length = 4 | 32 << 8;
  p->target.words[0] = ip->daddr;
  p->management = (ip->saddr & bpf_htonl(0xffffff00)) == bpf_htonl(0xc0000200);
  if (!(ip->frag_off & bpf_htons(0x1fff)))
    parse_transport(p, at + header, end, ip->protocol, total > header ? total - header : 0);
  return 1;
}

static __always_inline int parse_ipv6(struct packet* p, void* at, void* end, __u32 left) {
  struct ipv6hdr* ip = at;
  if ((void*)(ip + 1) > end) {
    p->malformed = 1;
    return 0;
  }
  __u32 room = bpf_ntohs(ip->payload_len);
  p->malformed = room + 40 > left;
  p->source.family_length = 6 | 128 << 8;
  __builtin_memcpy(p->source.words, &ip->saddr, 16);
  p->target.family_length = 6 | 128 << 8;
  __builtin_memcpy(p->target.words, &ip->daddr, 16);
  p->management =
      ip->saddr.in6_u.u6_addr32[0] == bpf_htonl(0x20010db8) && ip->saddr.in6_u.u6_addr16[2] == bpf_htons(0x42);
  __u8 next = ip->nexthdr;
  __u32 offset = 0;
  at += 40;
  for (int i = 0; i < 8; i++) {
    if (next != 0 && next != 43 && next != 44 && next != 60)
      break;
    __u8* extension = at + offset;
    if ((void*)(extension + 8) > end) {
      p->malformed = 1;
      return 1;
    }
    if (next == 44 && (extension[2] || extension[3] & 0xf8))
      return 1;
    __u32 size = next == 44 ? 8 : (extension[1] + 1) * 8;
    next = extension[0];
    offset += size;
    if (offset > 256)
      return 1;
  }
  parse_transport(p, at + offset, end, next, room > offset ? room - offset : 0);
  return 1;
}

SEC("xdp.frags")
int web_edge(struct xdp_md* ctx) {
  void *data = (void*)(long)ctx->data, *end = (void*)(long)ctx->data_end;
  __u64 length = bpf_xdp_get_buff_len(ctx);
  struct ethhdr* eth = data;
  struct packet p = {};
  if ((void*)(eth + 1) > end)
    return decide(DEFAULT, XDP_DROP, length);
  __u16 type = eth->h_proto;
  __u32 offset = sizeof(*eth);
  for (int i = 0; i < 2; i++) {
    if (type != bpf_htons(ETH_P_8021Q) && type != bpf_htons(ETH_P_8021AD))
      break;
    __u16* tag = data + offset;
    if ((void*)(tag + 2) > end) {
      p.malformed = 1;
      break;
    }
    type = tag[1];
    offset += 4;
  }
  int ip = 0;
  if (type == bpf_htons(ETH_P_ARP)) {
    if (data + offset + 28 <= end)
      return decide(NEIGHBORS, XDP_PASS, length);
    p.malformed = 1;
  } else if (type == bpf_htons(ETH_P_IP)) {
    ip = parse_ipv4(&p, data + offset, end, length - offset);
  } else if (type == bpf_htons(ETH_P_IPV6)) {
    ip = parse_ipv6(&p, data + offset, end, length - offset);
  }
  if (p.neighbor)
    return decide(NEIGHBORS, XDP_PASS, length);
  if (ip && is_banned(&p))
    return decide(LISTED, XDP_DROP, length);
  if (p.malformed)
    return decide(BOGUS, XDP_DROP, length);
  if (p.tcp && p.dport == 22 && p.management)
    return decide(SSH, XDP_PASS, length);
  if (p.tcp && p.syn && !p.ack && exceeds(&p)) {
    punish(&p, length);
    return decide(SYN_FLOOD, XDP_DROP, length);
  }
  if (p.udp && p.sport == 53 && p.payload > 512 && p.dns_answer)
    return decide(DNS_AMP, XDP_DROP, length);
  if (p.tcp && (p.dport == 80 || p.dport == 443 || (p.dport >= 8000 && p.dport <= 8099)))
    return decide(WEB, XDP_PASS, length);
  return decide(DEFAULT, XDP_DROP, length);
}

char _license[] SEC("license") = "GPL";
