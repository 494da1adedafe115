// One's complement sums over big-endian numbers: a number is the sum of its 16-bit words modulo 0xffff, and the
// complement of a number is its negative.
#include "compiler/lower/checksum.h"
#include "compiler/ir/checksum.h"
#include "compiler/lower/crc32c.h"
#include "compiler/lower/notes.h"

#include <llvm/IR/Intrinsics.h>

#include <algorithm>

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
  const ir::Header& header = b.policy().headers[field.id];
  // Words are counted from the checksum's header on; the pseudo header has its own alignment.
  const bool pseudo =
      std::ranges::count(header.pseudo, field.field) > 0 && header.packet == b.policy().headers[summed].packet;
  if (summed == field.id || pseudo)
    return b.CreateShl(odd, 3);
  llvm::Value* start = offsetOf(b, *packet_.find(b.policy(), summed)->value);
  return b.CreateShl(b.CreateXor(odd, b.CreateAnd(b.CreateSub(offsetOf(b, *field.value), start), 1)), 3);
}

void ChecksumUpdate::note(const Packet::Found& field, const BitPlace& place, llvm::Value* before, llvm::Value* after) {
  assigned_.push_back({field.id, field.field});
  for (const ir::HeaderId summed : ir::checksumsOver(b.policy(), field.id, field.field))
    add(summed, field, place, before, after);
}

void ChecksumUpdate::add(ir::HeaderId summed, const Packet::Found& field, const BitPlace& place, llvm::Value* before,
                         llvm::Value* after) {
  if (!checksumOf(summed))
    return;
  const bool crc = b.policy().headers[summed].checksum->coverage == ir::Coverage::crc32c;
  llvm::Value* change = crc ? crcChange(summed, field, place, b.CreateXor(before, after))
                            : b.CreateShl(b.CreateAdd(sumOfWords(b, b.CreateNot(before)), sumOfWords(b, after)),
                                          shift(field, place, summed));
  auto [sum, first] = sums_.try_emplace(summed, change);
  if (!first)
    sum->second = crc ? b.CreateXor(sum->second, change) : b.CreateAdd(sum->second, change);
}

// A CRC is over the packet as long as IP has it.
llvm::Value* ChecksumUpdate::crcChange(ir::HeaderId summed, const Packet::Found& field, const BitPlace& place,
                                       llvm::Value* change) {
  llvm::Value* end = packet_.ipEnd(b.policy().headers[summed].packet);
  if (b.program().headers[summed].before_ip)
    end = b.CreateSelect(b.CreateICmpEQ(end, b.u64(0)), b.length, end);
  llvm::Value* behind = b.CreateSub(end, b.CreateAdd(offsetOf(b, *field.value), b.u64(place.first + place.count)));
  return lowerCrcChange(b, change, behind);
}

// Where the checksum of the header is, if both are there.
std::optional<Packet::Found> ChecksumUpdate::checksumOf(ir::HeaderId id) const {
  const ir::Header& header = b.policy().headers[id];
  const ir::FieldId field = header.checksum->field;
  if (!packet_.find(b.policy(), id))
    return std::nullopt;
  const auto& part = header.fields[field].part;
  return part ? packet_.find(b.policy(), part->header, part->field) : packet_.find(b.policy(), id, field);
}

// RFC 1624, equation 3. The sum is never zero, as what is summed is not: so none becomes the other zero.
llvm::Value* ChecksumUpdate::updated(const ir::Checksum& checksum, llvm::Value* before, llvm::Value* sum) {
  llvm::Value* none = b.CreateICmpEQ(before, b.u64(0));
  if (checksum.coverage == ir::Coverage::crc32c)
    return b.CreateSelect(none, before, b.CreateXor(before, sum));
  llvm::Value* after = b.CreateXor(folded(b, b.CreateAdd(b.CreateXor(before, 0xffff), sum)), 0xffff);
  if (!checksum.zero_means_none)
    return after;
  after = b.CreateSelect(b.CreateICmpEQ(after, b.u64(0)), b.u64(0xffff), after);
  return b.CreateSelect(none, before, after);
}

void ChecksumUpdate::write(ir::HeaderId id, llvm::Value* sum) {
  const Packet::Found found = *checksumOf(id);
  if (std::ranges::count(assigned_, std::pair{found.id, found.field}) > 0)
    return;
  const BitPlace place = placeOf(b.policy().headers[found.id].fields[found.field]);
  llvm::Value* base = found.value->base;
  llvm::Value* before = loadBytes(b, base, place.first, place.count);
  llvm::Value* after = updated(*b.policy().headers[id].checksum, before, sum);
  if (found.value->present) // an optional one: elsewhere the same bytes stay
    after = b.CreateSelect(found.value->present, after, before);
  storeBytes(b, base, place.first, place.count, after);
  for (const ir::HeaderId outer : ir::checksumsOver(b.policy(), id))
    add(outer, found, place, before, after);
}

void ChecksumUpdate::apply() {
  while (!sums_.empty()) {
    const auto is_covered_by_none = [&](const auto& one) {
      return std::ranges::none_of(sums_, [&](const auto& other) {
        const auto outer = ir::checksumsOver(b.policy(), other.first);
        return std::ranges::count(outer, one.first) > 0;
      });
    };
    auto next = std::ranges::find_if(sums_, is_covered_by_none);
    if (next == sums_.end())
      next = sums_.begin(); // headers of a policy that follow each other in both orders
    const auto [id, sum] = *next;
    sums_.erase(next);
    write(id, sum);
  }
}

} // namespace xdpc::lower
