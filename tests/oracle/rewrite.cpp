// Assignments and tags of the oracle.
#include "tests/oracle/rewrite.h"

#include "tests/oracle/checksum.h"

#include <algorithm>

namespace xdpc::oracle {

namespace {

constexpr size_t kAddresses = 12, kTagBytes = 4; // of an Ethernet header; of a tag

// Bits of a field and what is to stand there, the first bit highest.
struct Write {
  size_t first = 0; // bit of the frame
  std::vector<bool> bits;
};

std::vector<bool> bitsOf(const Value& value, unsigned count) {
  std::vector<bool> bits;
  for (unsigned i = 0; i < count; ++i)
    bits.push_back(value.address ? value.address->bytes[i / 8] >> (7 - i % 8) & 1
                                 : value.number >> (count - 1 - i) & 1);
  return bits;
}

// Nothing where the address is of the other family: the header keeps its own.
std::optional<Write> writeOf(const ir::Policy& policy, const Packet& packet, const ir::Expr& target,
                             const Value& value) {
  const auto found = locate(policy, packet, target.header, target.field);
  const ir::Field& field = policy.headers[found->first.header].fields[found->second];
  if (value.address && addressBits(value.address->family) != field.bits)
    return std::nullopt;
  return Write{found->first.offset * 8 + field.bit_offset, bitsOf(value, field.bits)};
}

void put(Bytes& frame, const Write& write) {
  for (size_t i = 0; i < write.bits.size(); ++i) {
    const auto bit = static_cast<uint8_t>(0x80 >> (write.first + i) % 8);
    uint8_t& byte = frame[(write.first + i) / 8];
    byte = static_cast<uint8_t>(write.bits[i] ? byte | bit : byte & ~bit);
  }
}

bool isTag(const ir::Policy& policy, const Bytes& frame) {
  const uint64_t type = uint64_t{frame[kAddresses]} << 8 | frame[kAddresses + 1];
  for (const ir::PayloadBy& table : policy.headers[0].payload)
    for (const ir::PayloadEntry& entry : table.entries)
      if (entry.value == type && policy.headers[entry.next].name == "vlan")
        return true;
  return false;
}

} // namespace

void assign(const ir::Policy& policy, const Packet& packet, Bytes& frame, const ir::Action& action,
            const InSet& in_set) {
  for (const ir::HeaderId id : action.needs)
    if (!packet.find(policy, id))
      return;
  std::vector<Value> values; // all of them before anything is written
  for (const ir::Expr& expr : action.key) {
    const auto value = evaluate(policy, packet, expr, in_set);
    if (!value)
      return;
    values.push_back(*value);
  }
  const Bytes before = frame;
  std::vector<Range> written;
  for (size_t i = 0; i < values.size(); ++i)
    if (const auto write = writeOf(policy, packet, action.targets[i], values[i])) {
      put(frame, *write);
      written.push_back({write->first / 8, (write->first % 8 + write->bits.size() + 7) / 8});
    }
  updateChecksums(policy, packet, before, frame, std::move(written));
}

std::vector<Tag> tagsOf(const ir::Policy& policy, const Packet& packet, const ir::Block& block, const InSet& in_set) {
  std::vector<Tag> tags;
  for (const ir::Step& step : block.steps) {
    if (!step.action)
      continue;
    if (step.action->kind == ir::ActionKind::PopVlan)
      tags.push_back({});
    if (step.action->kind != ir::ActionKind::PushVlan)
      continue;
    std::vector<uint32_t> parts; // id, pcp, dei
    for (const ir::Expr& expr : step.action->key)
      if (const auto value = evaluate(policy, packet, expr, in_set))
        parts.push_back(static_cast<uint32_t>(value->number));
    const bool there =
        std::ranges::all_of(step.action->needs, [&](ir::HeaderId id) { return packet.find(policy, id).has_value(); });
    if (there && parts.size() == 3)
      tags.push_back({true, step.action->id << 16 | parts[1] << 13 | parts[2] << 12 | parts[0]});
  }
  return tags;
}

void changeTags(const ir::Policy& policy, Bytes& frame, const std::vector<Tag>& tags) {
  for (const Tag& tag : tags) {
    const auto start = frame.begin() + kAddresses;
    if (!tag.push) {
      if (frame.size() >= kAddresses + kTagBytes + 2 && isTag(policy, frame))
        frame.erase(start, start + kTagBytes);
      continue;
    }
    Bytes bytes;
    for (int shift = 24; shift >= 0; shift -= 8)
      bytes.push_back(static_cast<uint8_t>(tag.word >> shift));
    frame.insert(start, bytes.begin(), bytes.end());
  }
}

} // namespace xdpc::oracle
