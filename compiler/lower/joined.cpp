// Joins what the parser knows.
#include "compiler/lower/joined.h"
#include "compiler/plan/visit.h"

#include <algorithm>
#include <set>

namespace xdpc::lower {
namespace {

constexpr unsigned kBits = 32; // of a word of bits that the verifier is to forget

// Unions that the rules name.
std::set<ir::HeaderId> namedUnions(const plan::Program& program) {
  std::set<ir::HeaderId> unions;
  const auto& headers = program.policy->headers;
  const auto note = [&](ir::HeaderId id) {
    if (headers[id].kind == ir::HeaderKind::alternatives)
      unions.insert(id);
  };
  plan::visitRules(
      *program.policy, [&](const ir::Expr& expr) { note(expr.header); },
      [&](const ir::Action& action) { std::ranges::for_each(action.needs, note); });
  return unions;
}

// Bits of the running program in words of which the verifier knows nothing.
class ForgottenBits {
public:
  explicit ForgottenBits(Builder& b) : b(b) {}

  size_t add(llvm::Value* bit) { // i64, 0 or 1
    if (count_ % kBits == 0)
      words_.push_back(b.u64(0));
    words_.back() = b.CreateOr(words_.back(), b.CreateShl(bit, count_ % kBits));
    return count_++;
  }
  void forget() {
    for (llvm::Value*& word : words_)
      word = b.forgotten(word, (uint64_t{1} << kBits) - 1);
  }
  llvm::Value* at(size_t index) { return b.CreateAnd(b.CreateLShr(words_[index / kBits], index % kBits), 1); }

private:
  Builder& b;
  std::vector<llvm::Value*> words_;
  size_t count_ = 0;
};

// A copy lies in a buffer that is longer than any place in it.
llvm::Value* reach(Builder& b) {
  auto *copied = b.block("reach.copied"), *known = b.block("reach");
  auto* direct = b.GetInsertBlock();
  b.CreateCondBr(b.copied, copied, known);
  b.startBlock(copied);
  llvm::Value* end = b.at(b.data, plan::kBufferBytes);
  b.CreateBr(known);
  b.startBlock(known);
  llvm::PHINode* either = b.CreatePHI(b.getPtrTy(), 2);
  either->addIncoming(b.data_end, direct);
  either->addIncoming(end, copied);
  return either;
}

} // namespace

JoinedHeaders::JoinedHeaders(const plan::Program& program) {
  std::set<ir::HeaderId> apart;
  for (const ir::HeaderId id : namedUnions(program))
    apart.insert(program.policy->headers[id].alternatives.begin(), program.policy->headers[id].alternatives.end());
  for (ir::HeaderId id = 0; id < program.headers.size(); ++id)
    if (program.headers[id].asked && !apart.contains(id))
      headers_.push_back(id);
}

Packet JoinedHeaders::complete(Builder& b, Packet packet) const {
  for (const ir::HeaderId id : headers_) {
    const auto [known, absent] = packet.headers.try_emplace(id, HeaderValue{b.data, b.u64(0), b.u64(0), b.getFalse()});
    if (!absent && !known->second.present)
      known->second.present = b.getTrue();
  }
  return packet;
}

Packet JoinedHeaders::forget(Builder& b, const Packet& packet) const {
  Packet out = packet;
  ForgottenBits bits(b);
  std::vector<size_t> places;
  for (const auto& [id, value] : packet.headers)
    places.push_back(value.present ? bits.add(b.CreateZExt(value.present, b.getInt64Ty())) : 0);
  const size_t malformed = bits.add(packet.malformed), unparsed = bits.add(packet.unparsed);
  bits.forget();
  out.malformed = bits.at(malformed);
  out.unparsed = bits.at(unparsed);
  out.ip_end = b.forgotten(packet.ip_end, 0x1ffff);
  out.last_protocol = b.forgotten(packet.last_protocol, 0xff);
  for (auto& [number, end] : out.inner_ip_ends)
    end = b.forgotten(end, 0x1ffff);
  for (auto& [number, protocol] : out.inner_last_protocols)
    protocol = b.forgotten(protocol, 0xff);

  auto* gone = b.block("joined.gone");
  llvm::Value* const end = std::exchange(b.data_end, reach(b));
  auto place = places.begin();
  for (auto& [id, value] : out.headers) {
    if (value.present)
      value.present = b.CreateICmpNE(bits.at(*place), b.u64(0));
    ++place;
    value.size = b.forgotten(value.size, 2 * plan::kCopiedBytes - 1);
    value.offset = b.forgotten(value.offset, plan::kCopiedBytes - 1);
    value.base = b.packetAt(value.offset, b.policy().headers[id].min_size, gone);
  }
  b.data_end = end;
  auto* found = b.GetInsertBlock();
  b.startBlock(gone); // cannot be: they were found there, and others have their place in the frame's first bytes
  b.CreateRet(b.u32(abi::kAborted));
  b.startBlock(found);
  return out;
}

uint64_t longestHeader(const plan::Program& program) {
  uint64_t bytes = 0;
  for (ir::HeaderId id = 0; id < program.headers.size(); ++id)
    if (program.headers[id].asked)
      bytes = std::max<uint64_t>(bytes, program.policy->headers[id].min_size);
  return bytes;
}

} // namespace xdpc::lower
