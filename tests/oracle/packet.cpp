// The oracle's walk over the headers of a frame.
#include "tests/oracle/packet.h"

#include "tests/oracle/value.h"

#include <algorithm>

namespace xdpc::oracle {

namespace {

class Walk {
public:
  Walk(const ir::Policy& policy, Packet& packet) : policy_(policy), packet_(packet) {}

  void run() {
    std::optional<ir::HeaderId> next = 0;
    while (next && enter(*next))
      next = follower();
  }

private:
  const ir::Header& header(ir::HeaderId id) const { return policy_.headers[id]; }

  bool isIp(ir::HeaderId id) const {
    const std::string& name = header(header(id).declared).name;
    return name == "ipv4" || name == "ipv6";
  }

  // Puts the header into the packet if it is wholly there.
  bool enter(ir::HeaderId id) {
    const ir::Header& declared = header(id);
    if (declared.kind == ir::HeaderKind::tunnel)
      covered_ = false;
    if (tooDeep(id))
      return unparsed();
    packet_.places.push_back({id, offset_, declared.min_size, ip_end_});
    if (!measure(declared)) {
      packet_.places.pop_back();
      return false;
    }
    checkLength();
    offset_ += packet_.places.back().size;
    // The authentication header is transparent.
    if (behind_ip_ && declared.kind != ir::HeaderKind::extension && declared.name != "ah4")
      covered_ = false; // that was the transport
    if (isIp(id)) {
      behind_ip_ = true;
      extensions_ = extension_bytes_ = 0;
    }
    return true;
  }

  // A size of its own is at least what is declared. All of it is in the frame.
  bool measure(const ir::Header& declared) {
    if (!inFrame(declared.min_size))
      return false;
    if (!declared.size)
      return true;
    const int64_t bytes = evaluate(policy_, packet_, *declared.size)->number;
    if (bytes < static_cast<int64_t>(declared.min_size))
      return cutShort();
    if (!inFrame(static_cast<size_t>(bytes)))
      return false;
    packet_.places.back().size = static_cast<size_t>(bytes);
    if (declared.kind != ir::HeaderKind::extension)
      return true;
    extension_bytes_ += static_cast<size_t>(bytes);
    return extension_bytes_ <= kExtensionBytes || unparsed();
  }

  bool inFrame(size_t bytes) {
    if (offset_ + bytes > packet_.frame.size())
      return cutShort();
    return offset_ + bytes <= kHeaderBytes || unparsed();
  }

  bool tooDeep(ir::HeaderId id) {
    if (header(id).kind == ir::HeaderKind::extension)
      return extensions_++ == kExtensions;
    const auto& tables = header(id).payload;
    const bool label = std::ranges::any_of(
        tables, [&](const ir::PayloadBy& table) { return !table.by && table.entries.front().next == id; });
    return static_cast<size_t>(std::ranges::count(packet_.places, id, &Place::header)) == (label ? kLabels : kTags);
  }

  bool unparsed() {
    packet_.unparsed = true;
    return false;
  }

  bool cutShort() {
    packet_.malformed |= covered_;
    return false;
  }

  // The causes of pkt.malformed that leave the header readable.
  void checkLength() {
    Place& place = packet_.places.back();
    const ir::Header& declared = header(place.header);
    const size_t around = ip_end_.value_or(packet_.frame.size());
    if (!declared.length) {
      packet_.malformed |= covered_ && ip_end_ && place.offset + place.size > around;
      return;
    }
    const int64_t length = evaluate(policy_, packet_, *declared.length)->number;
    const bool bad = length < static_cast<int64_t>(place.size) || place.offset + static_cast<size_t>(length) > around;
    packet_.malformed |= covered_ && bad;
    if (isIp(place.header))
      ip_end_ = place.ip_end = place.offset + static_cast<size_t>(length);
  }

  std::optional<ir::HeaderId> follower() {
    const Place& last = packet_.places.back();
    const ir::Header& declared = header(last.header);
    if (declared.kind == ir::HeaderKind::extension)
      return behindExtension(declared);
    for (const ir::PayloadBy& table : declared.payload) {
      if (table.when && !holds(policy_, packet_, *table.when))
        continue;
      if (!table.by)
        return entered(table.entries.front());
      const ir::Field& by = declared.fields[*table.by];
      if (by.ahead && last.offset + last.size + 1 > packet_.frame.size())
        continue; // it is not there
      const uint64_t value = fieldBits(packet_, last, by);
      if (&table == &declared.payload.front())
        packet_.places.back().protocol_behind = value;
      if (const ir::PayloadEntry* next = entry(table, value))
        return entered(*next);
    }
    return std::nullopt;
  }

  // Through a tunnel, only where names of the policy reach there.
  std::optional<ir::HeaderId> entered(const ir::PayloadEntry& entry, std::optional<ir::HeaderId> owner = {}) {
    if (!entry.tunnel)
      return entry.next;
    if (fragmented())
      return std::nullopt;
    const auto& inner = header(owner.value_or(packet_.places.back().header)).inner;
    const auto found = std::ranges::find(inner, entry.next, &ir::Inner::declared);
    if (found != inner.end()) {
      covered_ = false;
      ++tunnels_;
      return found->entered;
    }
    packet_.unparsed |= tunnels_ == kTunnels;
    return std::nullopt;
  }

  // A fragmented packet has no inner one.
  bool fragmented() const {
    const auto ip = std::find_if(packet_.places.rbegin(), packet_.places.rend(),
                                 [this](const Place& place) { return isIp(place.header); });
    if (ip == packet_.places.rend())
      return false;
    const auto& fields = header(ip->header).fields;
    const auto field = std::ranges::find(fields, "fragment", &ir::Field::name);
    return holds(policy_, packet_, *field->derived);
  }

  // An extension header selects in the table of the header that it extends.
  std::optional<ir::HeaderId> behindExtension(const ir::Header& declared) {
    const ir::PayloadBy& own = declared.payload.front();
    const uint64_t value = fieldBits(packet_, packet_.places.back(), declared.fields[*own.by]);
    const auto owner = std::find_if(packet_.places.rbegin(), packet_.places.rend(),
                                    [&](const Place& place) { return place.header == declared.extension_of; });
    owner->protocol_behind = value;
    if (own.when && !holds(policy_, packet_, *own.when))
      return std::nullopt;
    return inTablesOf(*owner, value);
  }

  // Tables of the header behind whose chain this is; the value stands for the field of the first.
  std::optional<ir::HeaderId> inTablesOf(const Place& owner, uint64_t value) {
    const ir::Header& declared = header(owner.header);
    for (const ir::PayloadBy& table : declared.payload) {
      if (table.when && !holds(policy_, packet_, *table.when))
        continue;
      if (!table.by)
        return entered(table.entries.front(), owner.header);
      const bool first = table.by == declared.payload.front().by;
      const uint64_t selector = first ? value : fieldBits(packet_, owner, declared.fields[*table.by]);
      if (const ir::PayloadEntry* next = entry(table, selector))
        return entered(*next, owner.header);
    }
    return std::nullopt;
  }

  static const ir::PayloadEntry* entry(const ir::PayloadBy& table, uint64_t value) {
    const auto found = std::ranges::find(table.entries, value, &ir::PayloadEntry::value);
    return found == table.entries.end() ? nullptr : &*found;
  }

  const ir::Policy& policy_;
  Packet& packet_;
  size_t offset_ = 0;
  std::optional<size_t> ip_end_;
  unsigned extensions_ = 0, tunnels_ = 0;
  size_t extension_bytes_ = 0;
  bool covered_ = true; // by pkt.malformed: the outermost Ethernet to transport
  bool behind_ip_ = false;
};

// `vlan.inner.vlan`: the first one behind the first tag.
std::optional<Place> findLater(const ir::Policy& policy, const Packet& packet, ir::HeaderId id) {
  const ir::Header& header = policy.headers[id];
  const auto first = packet.find(policy, header.after);
  for (Place place : packet.places)
    if (first && place.offset > first->offset && place.header == header.of) {
      place.header = id;
      return place;
    }
  return std::nullopt;
}

// An optional field of a header.
std::optional<Place> findPart(const ir::Policy& policy, const Packet& packet, ir::HeaderId id) {
  const ir::Header& header = policy.headers[id];
  const auto of = packet.find(policy, header.of);
  if (!of || (header.when && !holds(policy, packet, *header.when)))
    return std::nullopt;
  const auto start = static_cast<size_t>(evaluate(policy, packet, *header.start)->number);
  return Place{id, of->offset + start, header.min_size, of->ip_end};
}

// The first option of its number and with the declared length; 0 ends them, 1 fills a byte. One without a value may
// have any length.
std::optional<Place> findOption(const ir::Policy& policy, const Packet& packet, ir::HeaderId id) {
  const ir::Header& header = policy.headers[id];
  const auto of = packet.find(policy, header.of);
  if (!of)
    return std::nullopt;
  size_t at = of->offset + policy.headers[of->header].min_size;
  const size_t end = of->offset + of->size;
  while (at < end && packet.frame[at] != 0) {
    if (packet.frame[at] == 1) {
      ++at;
      continue;
    }
    const size_t bytes = at + 1 < end ? packet.frame[at + 1] : 0;
    if (bytes < 2 || at + bytes > end)
      return std::nullopt;
    if (packet.frame[at] == header.option && (header.min_size == 0 || bytes == header.min_size + 2))
      return Place{id, at + 2, header.min_size, of->ip_end};
    at += bytes;
  }
  return std::nullopt;
}

} // namespace

std::optional<Place> Packet::find(const ir::Policy& policy, ir::HeaderId id) const {
  const ir::Header& header = policy.headers[id];
  for (const ir::HeaderId alternative : header.alternatives)
    if (const auto place = find(policy, alternative))
      return place;
  switch (header.kind) {
  case ir::HeaderKind::later:
    return findLater(policy, *this, id);
  case ir::HeaderKind::part:
    return findPart(policy, *this, id);
  case ir::HeaderKind::option:
    return findOption(policy, *this, id);
  default: {
    if (reading_last && !places.empty() && places.back().header == id)
      return places.back();
    const auto found = std::ranges::find(places, id, &Place::header);
    return found == places.end() ? std::nullopt : std::optional(*found);
  }
  }
}

Packet parsePacket(const ir::Policy& policy, std::span<const uint8_t> frame, uint32_t ifindex, uint32_t rx_queue) {
  Packet packet{.frame = frame, .ifindex = ifindex, .rx_queue = rx_queue, .length = frame.size()};
  Walk(policy, packet).run();
  packet.reading_last = false;
  return packet;
}

} // namespace xdpc::oracle
