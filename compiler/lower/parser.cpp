// Lowers the packet parser.
#include "compiler/lower/parser.h"
#include "compiler/ir/bounds.h"
#include "compiler/lower/condition.h"
#include "compiler/lower/value.h"
#include "compiler/lower/walk.h"

namespace xdpc::lower {
namespace {

// The header itself counts as present while its own size, length and selectors are computed.
Packet withHeader(Packet packet, ir::HeaderId id, const HeaderValue& value) {
  packet.headers[id] = value;
  return packet;
}

constexpr uint64_t kStackedBytes = 63; // an offset behind stacked headers (two VLAN tags: 22) has no more bits

class NodeLowering {
public:
  NodeLowering(Builder& b, Walk& walk, ir::HeaderId id, unsigned repeats, const Place& place)
      : b(b), walk_(walk), id_(id), repeats_(repeats), header_(b.policy().headers[id]), place_(place) {}

  void run() {
    value_ = lowerHeader(b, walk_, id_, place_);
    Packet own = withHeader(place_.packet, id_, value_);
    checkLength(own);
    if (b.program().headers[id_].asked)
      place_.packet.headers.try_emplace(id_, value_); // a name means the first such header
    place_.offset = b.CreateAdd(value_.offset, value_.size);
    if (mayRepeat()) // tagged frames are one case to the verifier, however many tags
      place_.offset = b.forgotten(place_.offset, kStackedBytes);
    if (hasExtensions())
      return lowerChain(own);
    follow(own, nullptr);
  }

private:
  bool isIp() const {
    if (!b.program().ip)
      return false;
    const auto& both = b.policy().headers[*b.program().ip].alternatives;
    return std::find(both.begin(), both.end(), id_) != both.end();
  }

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
      if (isIp() && !place_.behind_ip) {
        place_.packet.ip_end = end;
        place_.behind_ip = true;
      }
    } else if (checked && place_.behind_ip) {
      bad = b.isLess(limit, b.CreateAdd(value_.offset, value_.size));
    }
    if (bad)
      place_.packet.malformed = b.CreateOr(place_.packet.malformed, bad);
  }

  bool mayRepeat() const {
    for (const ir::PayloadBy& payload : header_.payload)
      for (const ir::PayloadEntry& entry : payload.entries)
        if (entry.next == id_)
          return true;
    return false;
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
      follow(own, protocol);
    });
  }

  llvm::Value* readField(const Packet& own, ir::FieldId field) {
    ir::Expr expr{.kind = ir::ExprKind::Field, .type = header_.fields[field].type, .header = id_, .field = field};
    return lowerValue(b, own, expr).low;
  }

  // Goes to the header that the first table with an entry names. `selector` replaces the first table's field.
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
        enterOrFinish(table.entries.front().next);
        b.startBlock(others);
        if (table.when)
          continue;
        b.CreateUnreachable();
        return;
      }
      llvm::Value* value = i == 0 && selector ? selector : readField(own, *table.by);
      choose(table, value, others, i + 1 == header_.payload.size());
      b.startBlock(others);
    }
    walk_.finish(place_.packet);
  }

  void choose(const ir::PayloadBy& table, llvm::Value* value, llvm::BasicBlock* others, bool last) {
    std::vector<std::pair<uint64_t, llvm::BasicBlock*>> cases;
    auto* from = b.GetInsertBlock();
    for (const ir::PayloadEntry& entry : table.entries) {
      bool walked = b.program().headers[entry.next].walked;
      if (b.policy().headers[entry.next].kind == ir::HeaderKind::extension || (!walked && last))
        continue;
      auto* next = b.block("next");
      b.startBlock(next);
      enterOrFinish(entry.next);
      cases.push_back({entry.value, next});
    }
    b.startBlock(from);
    auto* choice = b.CreateSwitch(value, others, cases.size());
    for (auto [number, block] : cases)
      choice->addCase(b.getInt64(number), block);
  }

  void enterOrFinish(ir::HeaderId next) {
    if (!b.program().headers[next].walked)
      return walk_.finish(place_.packet);
    walk_.enter(next, next == id_ ? repeats_ + 1 : 0, place_);
  }

  Builder& b;
  Walk& walk_;
  ir::HeaderId id_;
  unsigned repeats_;
  const ir::Header& header_;
  Place place_;
  HeaderValue value_;
};

// Longer headers are beyond what is walked: the verifier has to know that offsets behind them stay in the buffer.
llvm::Value* boundedSize(Builder& b, Walk& walk, const Place& place, llvm::Value* size) {
  auto *near = b.block("near"), *far = b.block("far");
  size = b.opaque(size);
  b.CreateCondBr(b.CreateICmpUGT(size, b.u64(plan::kMaxHeaderBytes)), far, near);
  b.startBlock(far);
  walk.tooDeep(place.packet);
  b.startBlock(near);
  return size;
}

} // namespace

HeaderValue lowerHeader(Builder& b, Walk& walk, ir::HeaderId id, const Place& place) {
  const ir::Header& header = b.policy().headers[id];
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
  if (ir::largestValue(b.policy(), *header.size) > plan::kMaxHeaderBytes)
    value.size = boundedSize(b, walk, place, value.size);
  auto *possible = b.block("possible"), *impossible = b.block("impossible");
  b.CreateCondBr(b.CreateICmpULT(value.size, b.u64(header.min_size)), impossible, possible);
  b.startBlock(possible);
  b.checkWhole(base, value.size, impossible);
  auto* whole = b.GetInsertBlock();
  b.startBlock(impossible);
  walk.cutShort(id, place.packet);
  b.startBlock(whole);
  return value;
}

void lowerParser(Builder& b, const LeafLowering& leaf) {
  Walk walk(b, leaf);
  Place start;
  start.offset = b.u64(0);
  start.packet.malformed = start.packet.unparsed = b.u64(0);
  start.packet.ip_end = start.packet.last_protocol = b.u64(0);
  walk.enter(0, 0, start);
  walk.run([&](ir::HeaderId header, unsigned repeats, const Place& place) {
    NodeLowering(b, walk, header, repeats, place).run();
  });
}

} // namespace xdpc::lower
