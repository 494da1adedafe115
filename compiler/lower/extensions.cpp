// The chain of IPv6 extension headers (RFC 8200, section 4): a bounded loop over headers that the standard library
// declares with `extension header`. Tested by tests/packet/headers.
#include "compiler/lower/condition.h"
#include "compiler/lower/value.h"
#include "compiler/lower/walk.h"

namespace xdpc::lower {
namespace {

class ChainLowering {
public:
  ChainLowering(Builder& b, Walk& walk, ir::HeaderId owner, const Place& start, llvm::Value* next_header)
      : b(b), walk_(walk), owner_(owner), start_(start), first_protocol_(next_header) {
    const auto& headers = b.policy().headers;
    for (ir::HeaderId id = 0; id < headers.size(); ++id)
      if (headers[id].extension_of == owner)
        for (const ir::PayloadEntry& entry : headers[owner].payload.front().entries)
          if (entry.next == id)
            members_.push_back({entry.value, id});
  }

  void run(const std::function<void(const Place&, llvm::Value*)>& behind) {
    auto *head = b.block("chain"), *done = b.block("chain.done"), *more = b.block("chain.more"),
         *deep = b.block("chain.deep");
    openLoop(head);
    auto* choice = b.CreateSwitch(protocol_, done, members_.size());
    auto* choose = b.block("chain.choose");
    for (auto [value, id] : members_)
      choice->addCase(b.getInt64(value), more);

    b.startBlock(more);
    llvm::Value* far = b.CreateICmpUGE(count_, b.u64(plan::kMaxExtensions));
    b.CreateCondBr(far, deep, choose);
    b.startBlock(deep);
    Place beyond = here();
    setLast(beyond.packet, protocol_);
    walk_.tooDeep(beyond.packet);

    b.startBlock(choose);
    auto* none = b.block("chain.none");
    auto* member = b.CreateSwitch(protocol_, none, members_.size());
    for (auto [value, id] : members_) {
      auto* body = b.block(b.policy().headers[id].name);
      member->addCase(b.getInt64(value), body);
      b.startBlock(body);
      lowerMember(id, head);
    }
    b.startBlock(none);
    b.CreateUnreachable();

    b.startBlock(done);
    Place place = here();
    setLast(place.packet, protocol_);
    behind(place, protocol_);
  }

private:
  void openLoop(llvm::BasicBlock* head) {
    auto* before = b.GetInsertBlock();
    b.CreateBr(head);
    b.startBlock(head);
    auto phi = [&](llvm::Type* type, llvm::Value* first) {
      llvm::PHINode* node = b.CreatePHI(type, 5);
      node->addIncoming(first, before);
      return node;
    };
    protocol_ = phi(b.getInt64Ty(), first_protocol_);
    bytes_ = phi(b.getInt64Ty(), b.u64(0));
    count_ = phi(b.getInt64Ty(), b.u64(0));
    for (auto [value, id] : members_)
      if (b.program().headers[id].asked || b.program().headers[id].traced)
        asked_[id] = {phi(b.getPtrTy(), b.data), phi(b.getInt64Ty(), b.u64(0)), phi(b.getInt64Ty(), b.u64(0)),
                      phi(b.getInt1Ty(), b.getFalse())};
  }

  // Where the next header of the chain starts, with the extension headers met so far.
  Place here() {
    Place place = start_;
    place.offset = b.CreateAdd(start_.offset, bytes_);
    for (const auto& [id, phis] : asked_)
      place.packet.headers[id] = phis;
    return place;
  }

  void lowerMember(ir::HeaderId id, llvm::BasicBlock* head) {
    const ir::Header& header = b.policy().headers[id];
    Place place = here();
    setLast(place.packet, protocol_);
    HeaderValue value = lowerHeader(b, walk_, id, place);
    llvm::Value* bytes = b.CreateAdd(bytes_, value.size);
    auto *far = b.block("chain.far"), *near = b.block("chain.near");
    b.CreateCondBr(b.CreateICmpUGT(bytes, b.u64(plan::kMaxExtensionBytes)), far, near);
    b.startBlock(far);
    walk_.tooDeep(place.packet);
    b.startBlock(near);
    Packet own = place.packet;
    own.headers[id] = value;
    const ir::PayloadBy& payload = header.payload.front();
    ir::Expr selector{
        .kind = ir::ExprKind::Field, .type = header.fields[*payload.by].type, .header = id, .field = *payload.by};
    llvm::Value* protocol = lowerValue(b, own, selector).low;
    std::map<ir::HeaderId, HeaderValue> met = place.packet.headers;
    if (asked_.contains(id))
      remember(met[id], value);
    if (payload.when) {
      auto *go_on = b.block("chain.next"), *stop = b.block("chain.stop");
      lowerCondition(b, own, *payload.when, go_on, stop);
      b.startBlock(stop);
      Packet last = place.packet;
      last.headers = met;
      setLast(last, protocol);
      walk_.finish(last);
      b.startBlock(go_on);
    }
    auto* from = b.GetInsertBlock();
    llvm::cast<llvm::PHINode>(protocol_)->addIncoming(protocol, from);
    llvm::cast<llvm::PHINode>(bytes_)->addIncoming(b.forgotten(bytes, 2 * plan::kMaxExtensionBytes - 1), from);
    llvm::cast<llvm::PHINode>(count_)->addIncoming(b.CreateAdd(count_, b.u64(1)), from);
    for (auto& [asked, phis] : asked_) {
      const HeaderValue& now = met.at(asked);
      llvm::cast<llvm::PHINode>(phis.base)->addIncoming(now.base, from);
      llvm::cast<llvm::PHINode>(phis.offset)->addIncoming(now.offset, from);
      llvm::cast<llvm::PHINode>(phis.size)->addIncoming(now.size, from);
      llvm::cast<llvm::PHINode>(phis.present)->addIncoming(now.present, from);
    }
    b.CreateBr(head);
  }

  void setLast(Packet& packet, llvm::Value* protocol) {
    packet.setLastProtocol(b.policy().headers[owner_].packet, protocol);
  }

  // A name means the first such header of the chain.
  void remember(HeaderValue& known, const HeaderValue& value) {
    known = {b.CreateSelect(known.present, known.base, value.base),
             b.CreateSelect(known.present, known.offset, value.offset),
             b.CreateSelect(known.present, known.size, value.size), b.getTrue()};
  }

  Builder& b;
  Walk& walk_;
  ir::HeaderId owner_;
  Place start_;
  llvm::Value* first_protocol_;
  std::vector<std::pair<uint64_t, ir::HeaderId>> members_;
  llvm::Value *protocol_ = nullptr, *bytes_ = nullptr, *count_ = nullptr;
  std::map<ir::HeaderId, HeaderValue> asked_;
};

} // namespace

void lowerExtensions(Builder& b, Walk& walk, ir::HeaderId owner, const Place& place, llvm::Value* next_header,
                     const std::function<void(const Place&, llvm::Value*)>& behind) {
  ChainLowering(b, walk, owner, place, next_header).run(behind);
}

} // namespace xdpc::lower
