// One's complement sums over big-endian numbers: a number is the sum of its 16-bit words modulo 0xffff, and the
// complement of a number is its negative.
#include "compiler/lower/checksum.h"
#include "compiler/ir/checksum.h"

namespace xdpc::lower {
namespace {

// The sum of the four words, below 2^18.
llvm::Value* sumOfWords(Builder& b, llvm::Value* number) {
  llvm::Value* half = b.CreateAdd(b.CreateAnd(number, 0xffffffff), b.CreateLShr(number, 32));
  return b.CreateAdd(b.CreateAnd(half, 0xffff), b.CreateLShr(half, 16));
}

// To 16 bits. A sum below 2^32 takes two steps, and a third for their carry.
llvm::Value* folded(Builder& b, llvm::Value* sum) {
  for (int i = 0; i < 3; ++i)
    sum = b.CreateAdd(b.CreateAnd(sum, 0xffff), b.CreateLShr(sum, 16));
  return sum;
}

} // namespace

// Bits by which the bytes' number is off the words that are summed: 8 where its last byte is the first of a word.
llvm::Value* ChecksumUpdate::shift(const Packet::Found& field, const BitPlace& place, ir::HeaderId summed) {
  llvm::Value* odd = b.u64((place.first + place.count) % 2);
  const ir::Header& header = b.policy().headers[summed];
  // The header lies in what the checksum covers behind its own header; the pseudo header has its own alignment.
  const bool behind = summed != field.id && b.policy().headers[field.id].pseudo.empty();
  if (behind && header.checksum->coverage != ir::Coverage::header) {
    llvm::Value* start = packet_.find(b.policy(), summed)->value->offset;
    odd = b.CreateXor(odd, b.CreateAnd(b.CreateSub(field.value->offset, start), 1));
  }
  return b.CreateShl(odd, 3);
}

void ChecksumUpdate::note(const Packet::Found& field, const BitPlace& place, llvm::Value* before, llvm::Value* after) {
  for (ir::HeaderId summed : ir::checksumsOver(b.policy(), field.id, field.field)) {
    if (!packet_.find(b.policy(), summed))
      continue;
    llvm::Value* change = b.CreateAdd(sumOfWords(b, b.CreateNot(before)), sumOfWords(b, after));
    change = b.CreateShl(change, shift(field, place, summed));
    auto [sum, first] = sums_.try_emplace(summed, change);
    if (!first)
      sum->second = b.CreateAdd(sum->second, change);
  }
}

// RFC 1624, equation 3. The sum is never zero, as what is summed is not: so none becomes the other zero.
void ChecksumUpdate::write(ir::HeaderId id, llvm::Value* sum) {
  const ir::Checksum& checksum = *b.policy().headers[id].checksum;
  const ir::Field& field = b.policy().headers[id].fields[checksum.field];
  llvm::Value* base = packet_.find(b.policy(), id)->value->base;
  llvm::Value* before = loadBytes(b, base, field.bit_offset / 8, 2);
  llvm::Value* after = b.CreateXor(folded(b, b.CreateAdd(b.CreateXor(before, 0xffff), sum)), 0xffff);
  if (checksum.zero_means_none) {
    after = b.CreateSelect(b.CreateICmpEQ(after, b.u64(0)), b.u64(0xffff), after);
    after = b.CreateSelect(b.CreateICmpEQ(before, b.u64(0)), before, after);
  }
  storeBytes(b, base, field.bit_offset / 8, 2, after);
}

void ChecksumUpdate::apply() {
  for (const auto& [id, sum] : sums_)
    write(id, sum);
}

} // namespace xdpc::lower
