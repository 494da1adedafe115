// Walks a chain in a bounded loop.
#include "compiler/lower/chain.h"
#include "compiler/lower/chain_shape.h"
#include "compiler/lower/condition.h"
#include "compiler/lower/context_function.h"
#include "compiler/lower/value.h"
#include "compiler/lower/walk.h"

#include <linux/bpf.h>

namespace xdpc::lower {
namespace {

class ChainFunction : public Walk {
public:
  ChainFunction(Builder& b, ir::HeaderId owner, size_t group)
      : Walk(b, no_leaf_), b(b), owner_(owner), group_(group), members_(chainMembers(b.policy(), owner)),
        asked_(askedOf(b.program(), members_)) {}

  void run() {
    llvm::Function& function = b.function();
    findFrame(function.getArg(3));
    start_ = b.opaque(function.getArg(1));
    auto *near = b.block("near"), *far = b.block("far");
    b.CreateCondBr(b.CreateICmpUGE(start_, b.u64(plan::kCopiedBytes)), far, near);
    b.startBlock(far);
    b.CreateRet(b.u64(ChainResult::kDeep));
    b.startBlock(near);
    lowerLoop(function.getArg(2));
  }

  // Ends of the walk; see Walk. What the loop knows is in its own values.
  void finish(const Packet&) override { leave(ChainResult::kStopped, protocol_); }
  void cutShort(ir::HeaderId header, Packet) override {
    leave(b.program().headers[header].checked ? ChainResult::kCut : ChainResult::kStopped, protocol_);
  }
  void tooDeep(Packet) override { leave(ChainResult::kDeep, protocol_); }

private:
  // The frame or, where `available` is not zero, so many bytes of its copy.
  void findFrame(llvm::Value* available) {
    auto *direct = b.block("direct"), *copied = b.block("copied"), *gone = b.block("gone"), *frame = b.block("frame");
    b.CreateCondBr(b.CreateICmpEQ(available, b.u64(0)), direct, copied);
    b.startBlock(direct);
    llvm::Value *data = b.bound(offsetof(xdp_md, data)), *end = b.bound(offsetof(xdp_md, data_end));
    b.CreateBr(frame);
    b.startBlock(gone);
    b.CreateRet(b.u64(ChainResult::kStopped));
    b.startBlock(copied);
    llvm::Value* buffer = b.lookUpCopy(gone);
    llvm::Value* buffer_end = b.opaque(b.at(buffer, b.copiedBytes(available)));
    auto* found = b.GetInsertBlock();
    b.CreateBr(frame);
    b.startBlock(frame);
    auto join = [&](llvm::Value* there, llvm::Value* here) {
      llvm::PHINode* node = b.CreatePHI(b.getPtrTy(), 2);
      node->addIncoming(there, direct);
      node->addIncoming(here, found);
      return node;
    };
    b.data = join(data, buffer);
    b.data_end = join(end, buffer_end);
  }

  void lowerLoop(llvm::Value* first_protocol) {
    auto *head = b.block("chain"), *done = b.block("chain.done"), *more = b.block("chain.more"),
         *deep = b.block("chain.deep");
    openLoop(head, first_protocol);
    auto* choice = b.CreateSwitch(protocol_, done, members_.size());
    auto* choose = b.block("chain.choose");
    for (auto [value, id] : members_)
      choice->addCase(b.getInt64(value), more);

    b.startBlock(more);
    b.CreateCondBr(b.CreateICmpUGE(count_, b.u64(plan::kMaxExtensions)), deep, choose);
    b.startBlock(deep);
    leave(ChainResult::kDeep, protocol_);

    b.startBlock(choose);
    auto* none = b.block("chain.none");
    auto* member = b.CreateSwitch(protocol_, none, members_.size());
    for (const ChainMembers& alike : membersByShape()) {
      auto* body = b.block(b.policy().headers[alike.front().second].name);
      for (auto [value, id] : alike)
        member->addCase(b.getInt64(value), body);
      b.startBlock(body);
      lowerMembers(alike, head);
    }
    b.startBlock(none);
    b.CreateUnreachable();

    b.startBlock(done);
    leave(ChainResult::kDone, protocol_);
  }

  void openLoop(llvm::BasicBlock* head, llvm::Value* first_protocol) {
    auto* before = b.GetInsertBlock();
    b.CreateBr(head);
    b.startBlock(head);
    auto phi = [&](llvm::Value* first) {
      llvm::PHINode* node = b.CreatePHI(b.getInt64Ty(), 5);
      node->addIncoming(first, before);
      return node;
    };
    protocol_ = phi(first_protocol);
    bytes_ = phi(b.u64(0));
    count_ = phi(b.u64(0));
    for (size_t i = 0; i < asked_.size(); ++i)
      met_.push_back(phi(b.u64(0)));
  }

  // Members that are walked in the same way share a body: the verifier walks each body in each turn of the loop.
  std::vector<ChainMembers> membersByShape() const {
    std::vector<ChainMembers> shapes;
    for (const auto& member : members_) {
      auto same = std::ranges::find_if(shapes, [&](const ChainMembers& shape) {
        return areWalkedAlike(b.program(), shape.front().second, member.second);
      });
      if (same == shapes.end())
        shapes.push_back({member});
      else
        same->push_back(member);
    }
    return shapes;
  }

  // All of the same shape.
  void lowerMembers(const ChainMembers& members, llvm::BasicBlock* head) {
    const ir::HeaderId id = members.front().second;
    const ir::Header& header = b.policy().headers[id];
    Place place;
    place.offset = b.CreateAdd(start_, bytes_);
    HeaderValue value = lowerHeader(b, *this, id, place);
    llvm::Value* bytes = b.CreateAdd(bytes_, value.size);
    auto *far = b.block("chain.far"), *near = b.block("chain.near");
    b.CreateCondBr(b.CreateICmpUGT(bytes, b.u64(plan::kMaxExtensionBytes)), far, near);
    b.startBlock(far);
    leave(ChainResult::kDeep, protocol_);
    b.startBlock(near);
    Packet own;
    own.headers[id] = value;
    const ir::PayloadBy& payload = header.payload.front();
    ir::Expr selector{
        .kind = ir::ExprKind::Field, .type = header.fields[*payload.by].type, .header = id, .field = *payload.by};
    llvm::Value* protocol = lowerValue(b, own, selector).low;
    const std::vector<llvm::Value*> before = met_;
    for (auto [selector, member] : members)
      meet(member, selector, value.offset, members.size() == 1);
    if (payload.when) {
      auto *go_on = b.block("chain.next"), *stop = b.block("chain.stop");
      lowerCondition(b, own, *payload.when, go_on, stop);
      b.startBlock(stop);
      leave(ChainResult::kStopped, protocol);
      b.startBlock(go_on);
    }
    auto* from = b.GetInsertBlock();
    llvm::cast<llvm::PHINode>(protocol_)->addIncoming(protocol, from);
    llvm::cast<llvm::PHINode>(bytes_)->addIncoming(b.forgotten(bytes, 2 * plan::kMaxExtensionBytes - 1), from);
    llvm::cast<llvm::PHINode>(count_)->addIncoming(b.CreateAdd(count_, b.u64(1)), from);
    for (size_t i = 0; i < asked_.size(); ++i)
      llvm::cast<llvm::PHINode>(before[i])->addIncoming(b.forgotten(met_[i], plan::kCopiedBytes - 1), from);
    b.CreateBr(head);
    met_ = before;
  }

  // A name means the first such header of the chain. By arithmetic: each branch would double the states of each turn.
  void meet(ir::HeaderId member, uint64_t selector, llvm::Value* offset, bool alone) {
    for (size_t i = 0; i < asked_.size(); ++i) {
      if (asked_[i] != member)
        continue;
      llvm::Value* first = b.opaque(b.isLess(met_[i], b.u64(1)));
      if (!alone)
        first = b.CreateMul(first, b.opaque(b.isLess(b.CreateXor(protocol_, b.u64(selector)), b.u64(1))));
      met_[i] = b.CreateAdd(met_[i], b.CreateMul(offset, first));
    }
  }

  void leave(ChainResult::Status status, llvm::Value* protocol) {
    llvm::Value* result = b.CreateOr(b.u64(status), b.CreateShl(b.CreateAnd(protocol, 0xff), ChainResult::kStatusBits));
    auto put = [&](llvm::Value* offset, unsigned at) {
      result = b.CreateOr(result, b.CreateShl(b.CreateAnd(offset, plan::kCopiedBytes - 1), at));
    };
    // An end beyond what is walked finds no header there either: the last byte stands for it.
    llvm::Value* end = b.CreateAdd(start_, bytes_);
    put(b.CreateBinaryIntrinsic(llvm::Intrinsic::umin, end, b.u64(plan::kCopiedBytes - 1)), ChainResult::kEndAt);
    for (size_t i = group_ * ChainResult::kGroup; i < asked_.size() && i < (group_ + 1) * ChainResult::kGroup; ++i)
      put(met_[i], ChainResult::kAskedAt + (i - group_ * ChainResult::kGroup) * ChainResult::kOffsetBits);
    b.CreateRet(result);
  }

  const LeafLowering no_leaf_;
  Builder& b;
  ir::HeaderId owner_;
  size_t group_;
  ChainMembers members_;
  std::vector<ir::HeaderId> asked_;
  llvm::Value *start_ = nullptr, *protocol_ = nullptr, *bytes_ = nullptr, *count_ = nullptr;
  std::vector<llvm::Value*> met_; // offsets of asked_, 0 where not met yet
};

} // namespace

ChainMembers chainMembers(const ir::Policy& policy, ir::HeaderId owner) {
  ChainMembers members;
  const auto& tables = policy.headers[owner].payload;
  for (ir::HeaderId id = 0; id < policy.headers.size(); ++id)
    if (policy.headers[id].extension_of == owner)
      for (const ir::PayloadBy& table : tables)
        for (const ir::PayloadEntry& entry : table.entries)
          if (entry.next == id && table.by == tables.front().by)
            members.push_back({entry.value, id});
  return members;
}

std::vector<ir::HeaderId> askedOf(const plan::Program& program, const ChainMembers& members) {
  std::vector<ir::HeaderId> asked;
  for (auto [value, id] : members)
    if (program.headers[id].asked || program.headers[id].traced)
      asked.push_back(id);
  return asked;
}

void makeChainFunctions(const plan::Program& program, llvm::Module& module, DebugInfo& debug, Globals& globals) {
  for (ir::HeaderId owner = 0; owner < program.headers.size(); ++owner) {
    const ChainMembers members = chainMembers(*program.policy, owner);
    if (!program.headers[owner].walked || members.empty())
      continue;
    for (size_t group = 0; group < ChainResult::groups(askedOf(program, members).size()); ++group)
      globals.chains[{owner, group}] = makeContextFunction(
          program, module, debug, globals, "chain_" + std::to_string(owner) + "_" + std::to_string(group),
          program.policy->rules.front().span, [&](Builder& b) { ChainFunction(b, owner, group).run(); });
  }
}

} // namespace xdpc::lower
