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

  bool isIp(ir::HeaderId id) const { return header(id).name == "ipv4" || header(id).name == "ipv6"; }

  // Puts the header into the packet if it is wholly there.
  bool enter(ir::HeaderId id) {
    if (tooDeep(id))
      return unparsed();
    const ir::Header& declared = header(id);
    if (offset_ + declared.min_size > packet_.frame.size())
      return cutShort();
    packet_.places.push_back({id, offset_, declared.min_size, ip_end_});
    if (declared.size && !resize(*declared.size)) {
      packet_.places.pop_back();
      return false;
    }
    checkLength();
    offset_ += packet_.places.back().size;
    if (covered_ && behind_ip_ && declared.kind != ir::HeaderKind::extension)
      covered_ = false; // that was the transport
    behind_ip_ |= isIp(id);
    return true;
  }

  // A size of its own: at least what is declared, and wholly in the frame.
  bool resize(const ir::Expr& size) {
    const int64_t bytes = evaluate(policy_, packet_, size)->number;
    Place& place = packet_.places.back();
    if (bytes < static_cast<int64_t>(place.size) || offset_ + static_cast<size_t>(bytes) > packet_.frame.size())
      return cutShort();
    place.size = static_cast<size_t>(bytes);
    if (header(place.header).kind != ir::HeaderKind::extension)
      return true;
    extension_bytes_ += place.size;
    return extension_bytes_ <= kExtensionBytes || unparsed();
  }

  bool tooDeep(ir::HeaderId id) {
    if (header(id).kind == ir::HeaderKind::extension)
      return extensions_++ == kExtensions;
    return static_cast<size_t>(std::ranges::count(packet_.places, id, &Place::header)) == kTags;
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
        return table.entries.front().next;
      const uint64_t value = fieldBits(packet_, last, declared.fields[*table.by]);
      if (&table == &declared.payload.front())
        packet_.places.back().protocol_behind = value;
      if (const auto next = entry(table, value))
        return next;
    }
    return std::nullopt;
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
    return entry(header(owner->header).payload.front(), value);
  }

  static std::optional<ir::HeaderId> entry(const ir::PayloadBy& table, uint64_t value) {
    const auto found = std::ranges::find(table.entries, value, &ir::PayloadEntry::value);
    return found == table.entries.end() ? std::nullopt : std::optional(found->next);
  }

  const ir::Policy& policy_;
  Packet& packet_;
  size_t offset_ = 0;
  std::optional<size_t> ip_end_;
  unsigned extensions_ = 0;
  size_t extension_bytes_ = 0;
  bool covered_ = true; // by pkt.malformed: the outermost Ethernet to transport
  bool behind_ip_ = false;
};

} // namespace

const Place* Packet::find(const ir::Policy& policy, ir::HeaderId id) const {
  const auto& alternatives = policy.headers[id].alternatives;
  for (const Place& place : places)
    if (place.header == id || std::ranges::count(alternatives, place.header))
      return &place;
  return nullptr;
}

Packet parsePacket(const ir::Policy& policy, std::span<const uint8_t> frame, uint32_t ifindex, uint32_t rx_queue) {
  Packet packet{.frame = frame, .ifindex = ifindex, .rx_queue = rx_queue, .length = frame.size()};
  Walk(policy, packet).run();
  return packet;
}

} // namespace xdpc::oracle
