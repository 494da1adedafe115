// The chain of IPv6 extension headers (RFC 8200, section 4): a bounded loop over headers that the standard library
// declares with `extension header`. The loop is a function of its own, which the verifier walks once, whatever lies
// before the chain; what it found comes back in one number. Tested by tests/packet/headers.
#include "compiler/lower/extensions.h"
#include "compiler/lower/condition.h"
#include "compiler/lower/value.h"
#include "compiler/lower/walk.h"

#include <linux/bpf.h>

namespace xdpc::lower {
namespace {

using Members = std::vector<std::pair<uint64_t, ir::HeaderId>>; // by the value that selects them

Members membersOf(const ir::Policy& policy, ir::HeaderId owner) {
  Members members;
  for (ir::HeaderId id = 0; id < policy.headers.size(); ++id)
    if (policy.headers[id].extension_of == owner)
      for (const ir::PayloadEntry& entry : policy.headers[owner].payload.front().entries)
        if (entry.next == id)
          members.push_back({entry.value, id});
  return members;
}

// Members that something asks for, in the order of their offsets in results.
std::vector<ir::HeaderId> askedOf(const plan::Program& program, const Members& members) {
  std::vector<ir::HeaderId> asked;
  for (auto [value, id] : members)
    if (program.headers[id].asked || program.headers[id].traced)
      asked.push_back(id);
  return asked;
}

// A result: how the walk ended, the last protocol, where the chain ends, and where up to kGroup of the headers that are
// asked for start (0: not there). More of them take more functions, one a group.
enum Status : uint64_t { kDone, kStopped, kCut, kDeep };
constexpr unsigned kStatusBits = 2, kProtocolBits = 8, kOffsetBits = 9;
constexpr unsigned kEndAt = kStatusBits + kProtocolBits, kAskedAt = kEndAt + kOffsetBits;
constexpr size_t kGroup = (64 - kAskedAt) / kOffsetBits;
static_assert(plan::kCopiedBytes == 1u << kOffsetBits);

size_t groupsOf(size_t asked) {
  return asked ? (asked + kGroup - 1) / kGroup : 1;
}

class ChainFunction : public Walk {
public:
  ChainFunction(Builder& b, ir::HeaderId owner, size_t group)
      : Walk(b, no_leaf_), b(b), owner_(owner), group_(group), members_(membersOf(b.policy(), owner)),
        asked_(askedOf(b.program(), members_)) {}

  void run() {
    llvm::Function& function = b.function();
    b.context = function.getArg(0);
    findFrame(function.getArg(3));
    start_ = b.opaque(function.getArg(1));
    auto *near = b.block("near"), *far = b.block("far");
    b.CreateCondBr(b.CreateICmpUGE(start_, b.u64(plan::kCopiedBytes)), far, near);
    b.startBlock(far);
    b.CreateRet(b.u64(kDeep));
    b.startBlock(near);
    lowerLoop(function.getArg(2));
  }

  // Ends of the walk; see Walk. What the loop knows is in its own values.
  void finish(const Packet&) override { leave(kStopped, protocol_); }
  void cutShort(ir::HeaderId header, Packet) override {
    leave(b.program().headers[header].checked ? kCut : kStopped, protocol_);
  }
  void tooDeep(Packet) override { leave(kDeep, protocol_); }

private:
  // The frame or, where `available` is not zero, so many bytes of its copy.
  void findFrame(llvm::Value* available) {
    auto *direct = b.block("direct"), *copied = b.block("copied"), *found = b.block("found"), *gone = b.block("gone"),
         *frame = b.block("frame");
    b.CreateCondBr(b.CreateICmpEQ(available, b.u64(0)), direct, copied);
    b.startBlock(direct);
    auto pointer = [&](unsigned offset) {
      return b.CreateIntToPtr(b.CreateZExt(b.loadAt(b.context, offset, 4), b.getInt64Ty()), b.getPtrTy());
    };
    llvm::Value *data = pointer(offsetof(xdp_md, data)), *end = pointer(offsetof(xdp_md, data_end));
    b.CreateBr(frame);
    b.startBlock(copied);
    llvm::Value* key = b.scratch(4);
    b.storeAt(key, 0, b.u32(0));
    llvm::Value* buffer = b.call(BpfHelper::map_lookup_elem, {b.map(b.program().common.copy), key});
    b.CreateCondBr(b.CreateIsNull(buffer), gone, found);
    b.startBlock(gone);
    b.CreateRet(b.u64(kStopped));
    b.startBlock(found);
    llvm::Value* buffer_end = b.opaque(b.at(buffer, b.copiedBytes(available)));
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
    leave(kDeep, protocol_);

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
    leave(kDone, protocol_);
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

  void lowerMember(ir::HeaderId id, llvm::BasicBlock* head) {
    const ir::Header& header = b.policy().headers[id];
    Place place;
    place.offset = b.CreateAdd(start_, bytes_);
    HeaderValue value = lowerHeader(b, *this, id, place);
    llvm::Value* bytes = b.CreateAdd(bytes_, value.size);
    auto *far = b.block("chain.far"), *near = b.block("chain.near");
    b.CreateCondBr(b.CreateICmpUGT(bytes, b.u64(plan::kMaxExtensionBytes)), far, near);
    b.startBlock(far);
    leave(kDeep, protocol_);
    b.startBlock(near);
    Packet own;
    own.headers[id] = value;
    const ir::PayloadBy& payload = header.payload.front();
    ir::Expr selector{
        .kind = ir::ExprKind::Field, .type = header.fields[*payload.by].type, .header = id, .field = *payload.by};
    llvm::Value* protocol = lowerValue(b, own, selector).low;
    const std::vector<llvm::Value*> before = met_;
    for (size_t i = 0; i < asked_.size(); ++i) // a name means the first such header of the chain
      if (asked_[i] == id)
        met_[i] = b.CreateSelect(b.CreateICmpEQ(met_[i], b.u64(0)), value.offset, met_[i]);
    if (payload.when) {
      auto *go_on = b.block("chain.next"), *stop = b.block("chain.stop");
      lowerCondition(b, own, *payload.when, go_on, stop);
      b.startBlock(stop);
      leave(kStopped, protocol);
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

  void leave(Status status, llvm::Value* protocol) {
    llvm::Value* result = b.CreateOr(b.u64(status), b.CreateShl(b.CreateAnd(protocol, 0xff), kStatusBits));
    auto put = [&](llvm::Value* offset, unsigned at) {
      result = b.CreateOr(result, b.CreateShl(b.CreateAnd(offset, plan::kCopiedBytes - 1), at));
    };
    // An end beyond what is walked finds no header there either: the last byte stands for it.
    llvm::Value* end = b.CreateAdd(start_, bytes_);
    put(b.CreateBinaryIntrinsic(llvm::Intrinsic::umin, end, b.u64(plan::kCopiedBytes - 1)), kEndAt);
    for (size_t i = group_ * kGroup; i < asked_.size() && i < (group_ + 1) * kGroup; ++i)
      put(met_[i], kAskedAt + (i - group_ * kGroup) * kOffsetBits);
    b.CreateRet(result);
  }

  const LeafLowering no_leaf_;
  Builder& b;
  ir::HeaderId owner_;
  size_t group_;
  Members members_;
  std::vector<ir::HeaderId> asked_;
  llvm::Value *start_ = nullptr, *protocol_ = nullptr, *bytes_ = nullptr, *count_ = nullptr;
  std::vector<llvm::Value*> met_; // offsets of asked_, 0 where not met yet
};

class ChainCall {
public:
  ChainCall(Builder& b, Walk& walk, ir::HeaderId owner, const Place& start)
      : b(b), walk_(walk), owner_(owner), start_(start), members_(membersOf(b.policy(), owner)),
        asked_(askedOf(b.program(), members_)) {}

  void run(llvm::Value* next_header, const std::function<void(const Place&, llvm::Value*)>& behind) {
    auto *chain = b.block("chain"), *none = b.block("chain.none"), *joined = b.block("chain.joined");
    auto* choice = b.CreateSwitch(next_header, none, members_.size());
    for (auto [value, id] : members_)
      choice->addCase(b.getInt64(value), chain);

    b.startBlock(none);
    Place plain = start_;
    for (ir::HeaderId id : asked_)
      plain.packet.headers[id] = {b.data, b.u64(0), b.u64(0), b.getFalse()};
    b.CreateBr(joined);

    b.startBlock(chain);
    Place walked = start_;
    llvm::Value* protocol = lowerCall(next_header, walked);
    auto* from = b.GetInsertBlock();
    b.CreateBr(joined);

    b.startBlock(joined);
    auto join = [&](llvm::Value* there, llvm::Value* here) {
      llvm::PHINode* node = b.CreatePHI(there->getType(), 2);
      node->addIncoming(there, none);
      node->addIncoming(here, from);
      return node;
    };
    Place place = start_;
    place.offset = join(plain.offset, walked.offset);
    for (ir::HeaderId id : asked_) {
      const HeaderValue &there = plain.packet.headers[id], &here = walked.packet.headers[id];
      place.packet.headers[id] = {join(there.base, here.base), join(there.offset, here.offset),
                                  join(there.size, here.size), join(there.present, here.present)};
    }
    llvm::Value* last = join(next_header, protocol);
    place.packet.setLastProtocol(number(), last);
    behind(place, last);
  }

private:
  uint32_t number() const { return b.policy().headers[owner_].packet; }

  // Goes on where the chain was walked to its end; gives the last protocol.
  llvm::Value* lowerCall(llvm::Value* next_header, Place& place) {
    llvm::Value* available = b.CreateSelect(b.copied, b.copiedBytes(b.length), b.u64(0));
    std::vector<llvm::Value*> results;
    for (size_t group = 0; group < groupsOf(asked_.size()); ++group)
      results.push_back(b.opaque(
          b.CreateCall(b.globals().chains.at({owner_, group}), {b.context, start_.offset, next_header, available})));
    llvm::Value* protocol = bits(results[0], kStatusBits, kProtocolBits);
    place.offset = bits(results[0], kEndAt, kOffsetBits);
    place.packet.setLastProtocol(number(), protocol);
    auto *gone = b.block("chain.gone"), *done = b.block("chain.done");
    for (size_t i = 0; i < asked_.size(); ++i) {
      llvm::Value* offset = bits(results[i / kGroup], kAskedAt + (i % kGroup) * kOffsetBits, kOffsetBits);
      place.packet.headers[asked_[i]] = found(asked_[i], offset, gone);
    }
    dispatch(bits(results[0], 0, kStatusBits), place, done);
    b.startBlock(gone); // the function has found them there
    walk_.finish(start_.packet);
    b.startBlock(done);
    return protocol;
  }

  llvm::Value* bits(llvm::Value* result, unsigned at, unsigned count) {
    return b.opaque(b.CreateAnd(b.CreateLShr(result, at), (uint64_t{1} << count) - 1));
  }

  // Where it is not, its place is that of the frame's first bytes, which no one reads.
  HeaderValue found(ir::HeaderId id, llvm::Value* offset, llvm::BasicBlock* gone) {
    const ir::Header& header = b.policy().headers[id];
    HeaderValue value{b.packetAt(offset, header.min_size, gone), offset, b.u64(header.min_size), nullptr};
    if (header.size) {
      Packet own;
      own.headers[id] = value;
      value.size = lowerValue(b, own, *header.size).low;
    }
    value.present = b.CreateICmpNE(offset, b.u64(0));
    return value;
  }

  void dispatch(llvm::Value* status, const Place& place, llvm::BasicBlock* done) {
    auto *stopped = b.block("chain.stopped"), *cut = b.block("chain.cut"), *deep = b.block("chain.deep");
    auto* choice = b.CreateSwitch(status, stopped, 3);
    choice->addCase(b.getInt64(kDone), done);
    choice->addCase(b.getInt64(kCut), cut);
    choice->addCase(b.getInt64(kDeep), deep);
    b.startBlock(stopped);
    walk_.finish(place.packet);
    b.startBlock(cut);
    Packet malformed = place.packet;
    malformed.malformed = b.u64(1);
    walk_.finish(malformed);
    b.startBlock(deep);
    walk_.tooDeep(place.packet);
  }

  Builder& b;
  Walk& walk_;
  ir::HeaderId owner_;
  Place start_;
  Members members_;
  std::vector<ir::HeaderId> asked_;
};

} // namespace

void makeChainFunctions(const plan::Program& program, llvm::Module& module, DebugInfo& debug, Globals& globals) {
  auto& context = module.getContext();
  auto* u64 = llvm::Type::getInt64Ty(context);
  auto* type = llvm::FunctionType::get(u64, {llvm::PointerType::get(context, 0), u64, u64, u64}, false);
  for (ir::HeaderId owner = 0; owner < program.headers.size(); ++owner) {
    const Members members = membersOf(*program.policy, owner);
    if (!program.headers[owner].walked || members.empty())
      continue;
    for (size_t group = 0; group < groupsOf(askedOf(program, members).size()); ++group) {
      auto* function = llvm::Function::Create(type, llvm::Function::WeakAnyLinkage,
                                              "chain_" + std::to_string(owner) + "_" + std::to_string(group), module);
      function->addFnAttr(llvm::Attribute::NoInline);
      function->setDoesNotThrow();
      debug.enterContextFunction(*function, 3);
      Builder b(program, module, *function, globals);
      b.startBlock(b.block("entry"));
      debug.setPlace(b, program.policy->rules.front().span);
      ChainFunction(b, owner, group).run();
      globals.chains[{owner, group}] = function;
    }
  }
}

void lowerExtensions(Builder& b, Walk& walk, ir::HeaderId owner, const Place& place, llvm::Value* next_header,
                     const std::function<void(const Place&, llvm::Value*)>& behind) {
  ChainCall(b, walk, owner, place).run(next_header, behind);
}

} // namespace xdpc::lower
