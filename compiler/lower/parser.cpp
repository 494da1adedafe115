// Lowers the packet parser.
#include "compiler/lower/parser.h"
#include "compiler/lower/condition.h"
#include "compiler/lower/notes.h"
#include "compiler/lower/value.h"
#include "compiler/lower/walk.h"

#include <algorithm>
#include <bit>

namespace xdpc::lower {
namespace {

// The header itself counts as present while its own size, length and selectors are computed.
Packet withHeader(Packet packet, ir::HeaderId id, const HeaderValue& value) {
  packet.headers[id] = value;
  return packet;
}

// Ends the walk where `bytes` from the place on would go beyond what headers can lie in.
void boundDepth(Builder& b, Walk& walk, const Place& place, llvm::Value* bytes) {
  auto *deep = b.block("deep"), *near = b.block("near"), *possible = b.block("possible");
  b.CreateCondBr(b.CreateICmpUGT(bytes, b.u64(plan::kCopiedBytes)), deep, possible); // the sum may wrap
  b.startBlock(possible);
  b.CreateCondBr(b.CreateICmpUGT(b.CreateAdd(place.offset, bytes), b.u64(plan::kCopiedBytes)), deep, near);
  b.startBlock(deep);
  walk.tooDeep(place.packet);
  b.startBlock(near);
}

class NodeLowering {
public:
  NodeLowering(Builder& b, Walk& walk, ir::HeaderId id, unsigned repeats, const Place& place, const Part* part)
      : b(b), walk_(walk), id_(id), repeats_(repeats), header_(b.policy().headers[id]), place_(place), part_(part) {}

  void run() {
    if (part_ && id_ == part_->header && !place_.behind_ip)
      return part_->lower({place_.offset, place_.packet.malformed, place_.packet.unparsed});
    // Tagged frames are one case to the verifier, whatever the tags. It knows no more of `data` behind them than
    // without any, as a pointer to what is forgotten is another.
    if (isTag())
      place_.offset = b.forgotten(place_.offset, offsetMask());
    value_ = lowerHeader(b, walk_, id_, place_);
    Packet own = withHeader(place_.packet, id_, value_);
    checkLength(own);
    bindNames(b, place_.packet, id_, value_);
    place_.offset = b.CreateAdd(value_.offset, value_.size);
    // So is all that lies in a tunnel, and each header where the code does not tell those before it apart.
    if (header_.packet > 0 || !b.noted.empty())
      place_.offset = b.forgotten(place_.offset, offsetMask());
    if (hasExtensions())
      return lowerChain(own);
    traceFragment();
    follow(own, nullptr);
  }

private:
  // The header's own idea of where it ends, for pkt.malformed and the payload's length.
  void checkLength(const Packet& own) {
    bool checked = b.program().needs_malformed && b.program().headers[id_].checked;
    llvm::Value* limit = place_.behind_ip ? place_.packet.ip_end : b.length;
    llvm::Value* bad = nullptr;
    if (header_.length) {
      llvm::Value* length = lowerValue(b, own, *header_.length).low;
      llvm::Value* end = b.CreateAdd(value_.offset, length);
      if (checked)
        bad = b.CreateOr(b.isLess(length, value_.size), b.isLess(limit, end));
      if (b.program().isIp(id_) && !place_.behind_ip) {
        place_.packet.setIpEnd(header_.packet, end);
        place_.behind_ip = true;
      }
    } else if (checked && place_.behind_ip) {
      bad = b.isLess(limit, b.CreateAdd(value_.offset, value_.size));
    }
    if (bad)
      place_.packet.malformed = b.CreateOr(place_.packet.malformed, bad);
  }

  // Between the packet's first header and IP.
  bool isTag() const {
    if (place_.behind_ip || header_.kind != ir::HeaderKind::plain || header_.declared == 0)
      return false;
    for (const ir::PayloadBy& payload : header_.payload)
      for (const ir::PayloadEntry& entry : payload.entries)
        if (!entry.tunnel && (entry.next == id_ || b.program().isIp(entry.next)))
          return true;
    return false;
  }

  // All bits that the place behind the header can have.
  uint64_t offsetMask() const {
    const uint64_t end = b.program().headers[id_].end;
    return end > plan::kCopiedBytes ? 2 * plan::kCopiedBytes - 1 : std::bit_ceil(end + 1) - 1;
  }

  bool hasExtensions() const {
    for (const ir::Header& header : b.policy().headers)
      if (header.extension_of == id_)
        return true;
    return false;
  }

  void lowerChain(const Packet& own) {
    const ir::PayloadBy& table = header_.payload.front();
    llvm::Value* next_header = readField(own, *table.by);
    lowerExtensions(b, walk_, id_, place_, next_header, [&](const Place& place, llvm::Value* protocol) {
      place_ = place;
      traceFragment();
      // What was looked for only to know fragments is known to no rule.
      std::erase_if(place_.packet.headers,
                    [&](const auto& known) { return !b.program().headers[known.first].asked && !known.second.note; });
      follow(own, protocol);
    });
  }

  // Whether a tunnel that comes later in this packet is in a fragment.
  void traceFragment() {
    if (!b.program().isIp(id_) || !b.program().packets[header_.packet].tunnels)
      return;
    const Packet own = withHeader(place_.packet, id_, value_);
    for (const ir::Field& field : header_.fields)
      if (field.name == "fragment" && field.derived)
        place_.fragmented = b.CreateZExt(lowerBool(b, own, *field.derived), b.getInt64Ty());
  }

  llvm::Value* readField(const Packet& own, ir::FieldId field) {
    if (header_.fields[field].ahead)
      return readAhead(header_.fields[field]);
    ir::Expr expr{.kind = ir::ExprKind::Field, .type = header_.fields[field].type, .header = id_, .field = field};
    return lowerValue(b, own, expr).low;
  }

  // Where nothing is behind the header, nothing follows.
  llvm::Value* readAhead(const ir::Field& field) {
    auto* nothing = b.block("nothing");
    llvm::Value* base = b.packetAt(place_.offset, (field.bit_offset + field.bits + 7) / 8, nothing);
    auto* there = b.GetInsertBlock();
    b.startBlock(nothing);
    walk_.finish(place_.packet);
    b.startBlock(there);
    return loadNumber(b, base, field);
  }

  // Goes to the header that the first table with an entry names. `selector` replaces the first table's field, which
  // what extends the header may ask again.
  void follow(const Packet& own, llvm::Value* selector) {
    for (size_t i = 0; i < header_.payload.size(); ++i) {
      const ir::PayloadBy& table = header_.payload[i];
      auto* others = b.block("others");
      if (table.when) {
        auto* when = b.block("when");
        lowerCondition(b, own, *table.when, when, others);
        b.startBlock(when);
      }
      if (!table.by) {
        enterOrFinish(table.entries.front());
        b.startBlock(others);
        if (table.when)
          continue;
        b.CreateUnreachable();
        return;
      }
      llvm::Value* value = selector && table.by == header_.payload.front().by ? selector : readField(own, *table.by);
      choose(table, value, others, isLastParsed(i));
      b.startBlock(others);
    }
    walk_.finish(place_.packet);
  }

  // All that is asked of the header is whether there is room for it: such headers share their code.
  bool isBare(const ir::PayloadEntry& entry) const {
    const auto next = b.program().next(id_, entry);
    if (!next || entry.tunnel || *next == id_ || !b.noted.empty() || b.program().isIp(*next))
      return false;
    const ir::Header& header = b.policy().headers[*next];
    const plan::HeaderPlan& plan = b.program().headers[*next];
    const auto leads_on = [&](const ir::PayloadBy& table) {
      return std::ranges::any_of(table.entries, [&](const ir::PayloadEntry& behind) {
        return b.program().next(*next, behind) || behind.tunnel;
      });
    };
    return plan.checked && !plan.asked && !plan.traced && header.kind == ir::HeaderKind::plain && !header.size &&
           !header.length && std::ranges::none_of(header.payload, leads_on) &&
           std::ranges::none_of(b.policy().headers,
                                [&](const ir::Header& other) { return other.extension_of == *next; });
  }

  // `sizes`: bytes of the headers, by the block that each is entered from. Ends the walk.
  void finishBare(const std::vector<std::pair<uint32_t, llvm::BasicBlock*>>& sizes, bool far) {
    auto* size = b.CreatePHI(b.getInt64Ty(), static_cast<unsigned>(sizes.size()));
    for (auto [bytes, from] : sizes)
      size->addIncoming(b.u64(bytes), from);
    if (far)
      boundDepth(b, walk_, place_, size);
    auto* cut = b.block("cut");
    b.checkWhole(b.opaque(b.at(b.data, place_.offset)), size, cut);
    Packet packet = place_.packet;
    if (b.program().needs_malformed && place_.behind_ip)
      packet.malformed = b.CreateOr(packet.malformed, b.isLess(packet.ip_end, b.CreateAdd(place_.offset, size)));
    walk_.finish(packet);
    b.startBlock(cut);
    packet.malformed = b.u64(1);
    walk_.finish(packet);
  }

  // No table behind it leads anywhere: an entry that is not parsed is then no case of its own.
  bool isLastParsed(size_t table) const {
    for (size_t i = table + 1; i < header_.payload.size(); ++i)
      for (const ir::PayloadEntry& entry : header_.payload[i].entries)
        if (b.program().next(id_, entry) || isInnermostTunnel(entry))
          return false;
    return true;
  }

  void choose(const ir::PayloadBy& table, llvm::Value* value, llvm::BasicBlock* others, bool last) {
    std::vector<std::pair<uint64_t, llvm::BasicBlock*>> cases;
    std::vector<std::pair<uint32_t, llvm::BasicBlock*>> bare_sizes;
    bool far = false;
    auto *from = b.GetInsertBlock(), *bare = b.block("bare");
    for (const ir::PayloadEntry& entry : table.entries) {
      const bool parsed = b.program().next(id_, entry) || isInnermostTunnel(entry);
      if (b.policy().headers[entry.next].kind == ir::HeaderKind::extension || (!parsed && last))
        continue;
      auto* next = b.block("next");
      b.startBlock(next);
      cases.push_back({entry.value, next});
      if (!isBare(entry)) {
        enterOrFinish(entry);
        continue;
      }
      const ir::HeaderId header = *b.program().next(id_, entry);
      bare_sizes.push_back({b.policy().headers[header].min_size, next});
      far |= b.program().headers[header].end > plan::kCopiedBytes;
      b.CreateBr(bare);
    }
    if (bare_sizes.empty()) {
      bare->eraseFromParent();
    } else {
      b.startBlock(bare);
      finishBare(bare_sizes, far);
    }
    b.startBlock(from);
    if (!place_.behind_ip)
      value = chooseIp(table, value, cases);
    auto* choice = b.CreateSwitch(value, others, cases.size());
    for (auto [number, block] : cases)
      choice->addCase(b.getInt64(number), block);
  }

  // IP first, by jumps: what does not jump is what the verifier walks first. Then it comes to IP behind tags, whose
  // place it knows least of, before it comes to IP without them, and has seen all of that already. Takes its cases out,
  // and gives the value for the others.
  llvm::Value* chooseIp(const ir::PayloadBy& table, llvm::Value* value,
                        std::vector<std::pair<uint64_t, llvm::BasicBlock*>>& cases) {
    const auto is_ip = [&](uint64_t number) {
      return std::ranges::any_of(table.entries, [&](const ir::PayloadEntry& entry) {
        return entry.value == number && b.program().isIp(entry.next);
      });
    };
    for (const auto& [number, block] : cases) {
      if (!is_ip(number))
        continue;
      auto* rest = b.block("not.ip");
      rest->moveAfter(b.GetInsertBlock());
      b.CreateCondBr(b.CreateICmpEQ(value, b.getInt64(number)), block, rest);
      b.startBlock(rest);
      value = b.opaque(value); // else the compares become one with the choice
    }
    std::erase_if(cases, [&](const auto& one) { return is_ip(one.first); });
    return value;
  }

  // One tunnel more than the walk follows.
  bool isInnermostTunnel(const ir::PayloadEntry& entry) const {
    return entry.tunnel && b.program().packets[header_.packet].innermost;
  }

  void enterOrFinish(const ir::PayloadEntry& entry) {
    if (isInnermostTunnel(entry))
      return walk_.tooDeep(place_.packet);
    const auto next = b.program().next(id_, entry);
    if (!next)
      return walk_.finish(place_.packet);
    if (entry.tunnel)
      return enterTunnel(b, walk_, *next, place_);
    walk_.enter(*next, *next == id_ ? repeats_ + 1 : 0, place_);
  }

  Builder& b;
  Walk& walk_;
  ir::HeaderId id_;
  unsigned repeats_;
  const ir::Header& header_;
  Place place_;
  const Part* part_;
  HeaderValue value_;
};

Place startOf(Builder& b) {
  Place start;
  start.offset = b.u64(0);
  start.packet.malformed = start.packet.unparsed = b.u64(0);
  start.packet.ip_end = start.packet.last_protocol = b.u64(0);
  for (uint32_t number = 0; number < b.program().packets.size(); ++number) {
    const plan::PacketPlan& packet = b.program().packets[number];
    if (packet.tunnels)
      start.fragmented = b.u64(0);
    if (number > 0 && packet.payload_length)
      start.packet.inner_ip_ends[number] = b.u64(0);
    if (number > 0 && packet.last_protocol)
      start.packet.inner_last_protocols[number] = b.u64(0);
  }
  return start;
}

bool walkAll(Builder& b, Walk& walk, const Part* part, size_t max_instructions) {
  return walk.run([&](ir::HeaderId header, unsigned repeats,
                      const Place& place) { NodeLowering(b, walk, header, repeats, place, part).run(); },
                  max_instructions);
}

} // namespace

HeaderValue lowerHeader(Builder& b, Walk& walk, ir::HeaderId id, const Place& place) {
  const ir::Header& header = b.policy().headers[id];
  const bool far = b.program().headers[id].end > plan::kCopiedBytes;
  if (far)
    boundDepth(b, walk, place, b.u64(header.min_size));
  auto* cut = b.block("cut");
  llvm::Value* base = b.packetAt(place.offset, header.min_size, cut);
  HeaderValue value{base, place.offset, b.u64(header.min_size), nullptr};
  auto* fixed = b.GetInsertBlock();
  b.startBlock(cut);
  walk.cutShort(id, place.packet);
  b.startBlock(fixed);
  if (!header.size)
    return value;

  value.size = lowerValue(b, withHeader(place.packet, id, value), *header.size).low;
  auto *possible = b.block("possible"), *impossible = b.block("impossible");
  b.CreateCondBr(b.CreateICmpULT(value.size, b.u64(header.min_size)), impossible, possible);
  b.startBlock(possible);
  if (far) { // the bound in the bits, too: the verifier adds the size to a pointer
    boundDepth(b, walk, place, value.size);
    value.size = b.opaque(b.CreateAnd(b.opaque(value.size), 2 * plan::kCopiedBytes - 1));
  }
  b.checkWhole(base, value.size, impossible);
  auto* whole = b.GetInsertBlock();
  b.startBlock(impossible);
  walk.cutShort(id, place.packet);
  b.startBlock(whole);
  return value;
}

bool lowerParser(Builder& b, const LeafLowering& leaf, size_t max_instructions, const Part* part) {
  Walk walk(b, leaf);
  Place start = startOf(b);
  startNotes(b, start.packet);
  walk.enter(0, 0, start);
  return walkAll(b, walk, part, max_instructions);
}

bool lowerParserBehind(Builder& b, const LeafLowering& leaf, ir::HeaderId header, const PartStart& from,
                       size_t max_instructions) {
  Walk walk(b, leaf);
  Place start = startOf(b);
  start.offset = from.offset;
  start.packet.malformed = from.malformed;
  start.packet.unparsed = from.unparsed;
  if (b.program().headers[0].asked)
    bindNames(b, start.packet, 0, {b.data, b.u64(0), b.u64(b.policy().headers[0].min_size), nullptr});
  walk.enter(header, 0, start);
  return walkAll(b, walk, nullptr, max_instructions);
}

} // namespace xdpc::lower
