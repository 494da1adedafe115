// Calls the function of a chain and goes on with what it found.
#include "compiler/lower/chain.h"
#include "compiler/lower/notes.h"
#include "compiler/lower/value.h"
#include "compiler/lower/walk.h"

#include <algorithm>
#include <iterator>

namespace xdpc::lower {
namespace {

class ChainCall {
public:
  ChainCall(Builder& b, Walk& walk, ir::HeaderId owner, const Place& start)
      : b(b), walk_(walk), owner_(owner), start_(start), members_(chainMembers(b.policy(), owner)),
        asked_(askedOf(b.program(), members_)) {
    std::ranges::copy_if(asked_, std::back_inserter(known_), [&](ir::HeaderId id) { return !b.noted.contains(id); });
  }

  void run(llvm::Value* next_header, const std::function<void(const Place&, llvm::Value*)>& behind) {
    auto *chain = b.block("chain"), *none = b.block("chain.none"), *joined = b.block("chain.joined");
    auto* choice = b.CreateSwitch(next_header, none, members_.size());
    for (auto [value, id] : members_)
      choice->addCase(b.getInt64(value), chain);

    b.startBlock(none);
    Place plain = start_;
    for (ir::HeaderId id : known_)
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
    for (ir::HeaderId id : known_) {
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
    for (size_t group = 0; group < ChainResult::groups(asked_.size()); ++group)
      results.push_back(b.opaque(
          b.CreateCall(b.globals().chains.at({owner_, group}), {b.context, start_.offset, next_header, available})));
    llvm::Value* protocol = bits(results[0], ChainResult::kStatusBits, ChainResult::kProtocolBits);
    place.offset = bits(results[0], ChainResult::kEndAt, ChainResult::kOffsetBits);
    place.packet.setLastProtocol(number(), protocol);
    auto *gone = b.block("chain.gone"), *done = b.block("chain.done");
    for (size_t i = 0; i < asked_.size(); ++i) {
      llvm::Value* offset =
          bits(results[i / ChainResult::kGroup],
               ChainResult::kAskedAt + (i % ChainResult::kGroup) * ChainResult::kOffsetBits, ChainResult::kOffsetBits);
      if (auto noted = b.noted.find(asked_[i]); noted != b.noted.end())
        takeNote(b, noted->second, {nullptr, offset, nullptr, nullptr}, b.u64(1)); // a packet has one chain
      else
        place.packet.headers[asked_[i]] = found(asked_[i], offset, gone);
    }
    dispatch(bits(results[0], 0, ChainResult::kStatusBits), place, done);
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
    choice->addCase(b.getInt64(ChainResult::kDone), done);
    choice->addCase(b.getInt64(ChainResult::kCut), cut);
    choice->addCase(b.getInt64(ChainResult::kDeep), deep);
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
  ChainMembers members_;
  std::vector<ir::HeaderId> asked_;
  std::vector<ir::HeaderId> known_; // of those, the ones without a note
};

} // namespace

void lowerExtensions(Builder& b, Walk& walk, ir::HeaderId owner, const Place& place, llvm::Value* next_header,
                     const std::function<void(const Place&, llvm::Value*)>& behind) {
  ChainCall(b, walk, owner, place).run(next_header, behind);
}

} // namespace xdpc::lower
