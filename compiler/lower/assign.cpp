// Lowers assignments: all values first, then the stores, then each checksum once, by what the stores changed under it.
#include "compiler/lower/assign.h"
#include "compiler/ir/checksum.h"
#include "compiler/lower/checksum.h"
#include "compiler/lower/notes.h"
#include "compiler/lower/scan.h"
#include "compiler/lower/value.h"

#include <algorithm>

namespace xdpc::lower {
namespace {

class Assignment {
public:
  Assignment(Builder& b, const Packet& packet) : b(b), packet_(packet), sums_(b, packet) {}

  void run(const ir::Action& action) {
    std::vector<Value> values;
    for (const ir::Expr& expr : action.key)
      values.push_back(lowerValue(b, packet_, expr));
    for (size_t i = 0; i < values.size(); ++i)
      store(action.targets[i], values[i]);
    sums_.apply();
    forgetPayloads(action);
  }

private:
  void store(const ir::Expr& target, const Value& value) {
    auto found = packet_.find(b.policy(), target.header, target.field);
    const ir::Field& field = b.policy().headers[found->id].fields[found->field];
    // An address of the other family does not fit: the header keeps its own.
    const bool v6 = field.type.kind == ir::TypeKind::Ipv6, address = v6 || field.type.kind == ir::TypeKind::Ipv4;
    if (address && (value.kind == Value::Kind::v6) != v6)
      return;
    if (v6) {
      storeBits(*found, {field.bit_offset / 8, 8}, ~uint64_t{0}, value.high);
      return storeBits(*found, {field.bit_offset / 8 + 8, 8}, ~uint64_t{0}, value.low);
    }
    llvm::Value* number = b.CreateZExt(value.low, b.getInt64Ty());
    storeBits(*found, placeOf(field), (field.bits == 64 ? 0 : uint64_t{1} << field.bits) - 1, number);
  }

  // `bits`: as many ones as the field has.
  void storeBits(const Packet::Found& found, const BitPlace& place, uint64_t bits, llvm::Value* number) {
    llvm::Value* base = baseOf(b, found);
    llvm::Value* before = loadBytes(b, base, place.first, place.count);
    const uint64_t mask = bits << place.behind;
    llvm::Value* kept = b.CreateAnd(before, ~mask);
    llvm::Value* after = b.CreateOr(kept, b.CreateAnd(b.CreateShl(number, place.behind), mask));
    storeBytes(b, base, place.first, place.count, after);
    sums_.note(found, place, before, after);
  }

  // Headers lie in the payloads of those before them.
  void forgetPayloads(const ir::Action& action) {
    std::vector<ir::HeaderId> written = ir::changedByAssign(b.policy(), action);
    for (const ir::Expr& target : action.targets)
      if (const auto found = packet_.find(b.policy(), target.header, target.field))
        written.push_back(found->id);
    forgetScans(b, [&](ir::HeaderId payload_of) {
      return std::ranges::any_of(written,
                                 [&](ir::HeaderId id) { return ir::canLieBehind(b.policy(), payload_of, id); });
    });
  }

  Builder& b;
  const Packet& packet_;
  ChecksumUpdate sums_;
};

} // namespace

void lowerAssign(Builder& b, const Packet& packet, const ir::Action& action) {
  Assignment(b, packet).run(action);
}

} // namespace xdpc::lower
