// Checksums of the oracle.
#include "tests/oracle/checksum.h"

#include "tests/oracle/value.h"

#include <algorithm>

namespace xdpc::oracle {

namespace {

using Bytes = std::vector<uint8_t>;

// One's complement sums are numbers modulo 0xffff.
uint64_t sumOf(const Bytes& bytes) {
  uint64_t sum = 0;
  for (size_t i = 0; i < bytes.size(); ++i)
    sum += i % 2 ? bytes[i] : uint64_t{bytes[i]} << 8;
  return sum % 0xffff;
}

// RFC 9260, appendix A; the lowest byte is sent first. Of a difference: from zero, and not complemented.
uint32_t crc32c(const Bytes& bytes, uint32_t start) {
  uint32_t crc = start;
  for (const uint8_t byte : bytes) {
    crc ^= byte;
    for (int i = 0; i < 8; ++i)
      crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  return __builtin_bswap32(crc);
}

bool overlap(const Range& a, const Range& b) {
  return a.start < b.start + b.bytes && b.start < a.start + a.bytes;
}

// Two bytes of the frame.
uint64_t word(const Bytes& frame, size_t at) {
  return uint64_t{frame[at]} << 8 | frame[at + 1];
}

size_t widthOf(const ir::Checksum& checksum) {
  return checksum.coverage == ir::Coverage::crc32c ? 4 : 2;
}

class Update {
public:
  Update(const ir::Policy& policy, const Packet& packet, const Bytes& before, Bytes& frame, std::vector<Range> written)
      : policy_(policy), packet_(packet), before_(before), frame_(frame), written_(std::move(written)) {}

  // The innermost first: what it writes is covered by those before it.
  void run() {
    const std::vector<Range> by_hand = written_;
    for (size_t i = packet_.places.size(); i-- > 0;) {
      const Place& place = packet_.places[i];
      const auto& checksum = header(place).checksum;
      if (!checksum || !isTouched(i, *checksum))
        continue;
      const auto at = positionOf(place, *checksum);
      if (!at ||
          std::ranges::any_of(by_hand, [&](const Range& range) { return overlap(range, {*at, widthOf(*checksum)}); }))
        continue;
      if (checksum->coverage == ir::Coverage::crc32c)
        writeCrc(place, *at);
      else
        write(i, *checksum, *at);
      written_.push_back({*at, widthOf(*checksum)});
    }
  }

private:
  const ir::Header& header(const Place& place) const { return policy_.headers[place.header]; }

  // The IP header whose addresses the transport's checksum covers.
  const Place* networkOf(size_t index) const {
    while (index-- > 0)
      if (!header(packet_.places[index]).pseudo.empty())
        return &packet_.places[index];
    return nullptr;
  }

  std::vector<Range> addressesOf(const Place& ip) const {
    std::vector<Range> out;
    for (const ir::FieldId id : header(ip).pseudo) {
      const ir::Field& field = header(ip).fields[id];
      out.push_back({ip.offset + field.bit_offset / 8, field.bits / 8});
    }
    return out;
  }

  // All that is not constant while a policy rewrites. What lies beyond IP's length counts: it is malformed, but has
  // been read and written as a header.
  std::vector<Range> coveredBy(size_t index, const ir::Checksum& checksum) const {
    const Place& place = packet_.places[index];
    if (checksum.coverage == ir::Coverage::header)
      return {{place.offset, place.size}};
    std::vector<Range> ranges = {{place.offset, frame_.size() - place.offset}};
    if (const Place* ip = networkOf(index); ip && checksum.coverage == ir::Coverage::rest_with_pseudo)
      for (const Range& address : addressesOf(*ip))
        ranges.push_back(address);
    return ranges;
  }

  bool isTouched(size_t index, const ir::Checksum& checksum) const {
    const auto covered = coveredBy(index, checksum);
    return std::ranges::any_of(written_, [&](const Range& one) {
      return std::ranges::any_of(covered, [&](const Range& range) { return overlap(one, range); });
    });
  }

  // From the frame's start; nothing where the header goes without one.
  std::optional<size_t> positionOf(const Place& place, const ir::Checksum& checksum) const {
    const ir::Field& field = header(place).fields[checksum.field];
    if (!field.part)
      return place.offset + field.bit_offset / 8;
    const auto part = packet_.find(policy_, field.part->header);
    return part ? std::optional(part->offset) : std::nullopt;
  }

  Bytes bytesOf(const Bytes& frame, const std::vector<Range>& ranges, size_t checksum) const {
    Bytes out;
    for (const Range& range : ranges)
      for (size_t i = range.start; i < range.start + range.bytes; ++i)
        out.push_back(i == checksum || i == checksum + 1 ? 0 : frame[i]);
    if (out.size() % 2)
      out.push_back(0);
    return out;
  }

  void write(size_t index, const ir::Checksum& checksum, size_t at) {
    const uint64_t old = word(frame_, at);
    if (checksum.zero_means_none && old == 0)
      return;
    uint64_t fresh = 0;
    if (const auto whole = wholeSum(before_, index, checksum, at); whole && (*whole + word(before_, at)) % 0xffff == 0)
      fresh = 0xffff - *wholeSum(frame_, index, checksum, at);
    else
      fresh = old + rangesSum(before_, index, checksum, at) + 0xffff - rangesSum(frame_, index, checksum, at);
    fresh %= 0xffff;
    if (fresh == 0 && checksum.zero_means_none)
      fresh = 0xffff;
    frame_[at] = static_cast<uint8_t>(fresh >> 8);
    frame_[at + 1] = static_cast<uint8_t>(fresh);
  }

  // Of all bytes up to IP's end: those that the frame has not are zeros, and of what lies beyond nothing is known.
  void writeCrc(const Place& place, size_t at) {
    const uint64_t old = word(frame_, at) << 16 | word(frame_, at + 2);
    if (old == 0)
      return;
    const size_t end = place.ip_end ? *place.ip_end : frame_.size();
    Bytes before, after;
    for (size_t i = place.offset; i < end; ++i) {
      const bool is_checksum = i >= at && i < at + 4;
      before.push_back(i < frame_.size() && !is_checksum ? before_[i] : 0);
      after.push_back(isChanged(i, end) && !is_checksum ? frame_[i] : before.back());
    }
    uint64_t fresh = ~crc32c(after, ~0u) & 0xffffffff;
    if (old != (~crc32c(before, ~0u) & 0xffffffff) || end > frame_.size()) { // as wrong as it was
      for (size_t i = 0; i < before.size(); ++i)
        before[i] ^= after[i];
      fresh = old ^ crc32c(before, 0);
    }
    for (unsigned i = 0; i < 4; ++i)
      frame_[at + i] = static_cast<uint8_t>(fresh >> (24 - 8 * i));
  }

  // By something that lies wholly before the end.
  bool isChanged(size_t byte, size_t end) const {
    return std::ranges::any_of(
        written_, [&](const Range& one) { return overlap(one, {byte, 1}) && one.start + one.bytes <= end; });
  }

  // Each range begins with a word of its own.
  uint64_t rangesSum(const Bytes& frame, size_t index, const ir::Checksum& checksum, size_t at) const {
    uint64_t sum = 0;
    for (const Range& range : coveredBy(index, checksum))
      sum += sumOf(bytesOf(frame, {range}, at));
    return sum % 0xffff;
  }

  // What the RFC of the header sums up; nothing where the packet is a fragment, cut short, or malformed.
  std::optional<uint64_t> wholeSum(const Bytes& frame, size_t index, const ir::Checksum& checksum, size_t at) const {
    const Place& place = packet_.places[index];
    if (checksum.coverage == ir::Coverage::header)
      return sumOf(bytesOf(frame, {{place.offset, place.size}}, at));
    const auto end = endOf(place);
    if (!end || *end > frame.size() || *end < place.offset + place.size ||
        std::ranges::any_of(
            written_,
            [&](auto one) {
              return one.start + one.bytes > *end; // a header that lies beyond
            }))
      return std::nullopt;
    Bytes bytes = bytesOf(frame, {{place.offset, *end - place.offset}}, at);
    if (checksum.coverage == ir::Coverage::rest)
      return sumOf(bytes);
    const Place* ip = networkOf(index);
    if (!ip)
      return std::nullopt;
    const Bytes pseudo = bytesOf(frame, addressesOf(*ip), at);
    bytes.insert(bytes.end(), pseudo.begin(), pseudo.end());
    const size_t length = *end - place.offset;
    for (const size_t number : {length >> 16, length, size_t{0}, protocolOf(*ip, place.header)}) {
      bytes.push_back(static_cast<uint8_t>(number >> 8));
      bytes.push_back(static_cast<uint8_t>(number));
    }
    return sumOf(bytes);
  }

  // By the header's own length (UDP), or IP's.
  std::optional<size_t> endOf(const Place& place) const {
    if (!header(place).length || header(place).kind == ir::HeaderKind::tunnel)
      return place.ip_end;
    const auto length = evaluate(policy_, packet_, *header(place).length);
    return place.offset + static_cast<size_t>(length->number);
  }

  // Under which IP knows the transport.
  size_t protocolOf(const Place& ip, ir::HeaderId transport) const {
    for (const ir::PayloadBy& table : header(ip).payload)
      for (const ir::PayloadEntry& entry : table.entries)
        if (entry.next == transport)
          return entry.value;
    return 0;
  }

  const ir::Policy& policy_;
  const Packet& packet_;
  const Bytes& before_;
  Bytes& frame_;
  std::vector<Range> written_;
};

} // namespace

void updateChecksums(const ir::Policy& policy, const Packet& packet, const Bytes& before, Bytes& frame,
                     std::vector<Range> written) {
  Update(policy, packet, before, frame, std::move(written)).run();
}

} // namespace xdpc::oracle
