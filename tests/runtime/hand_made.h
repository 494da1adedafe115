// Policies made by hand: objects as the compiler would emit them, of a few instructions, so that the runtime is tested
// apart from the compiler.
#pragma once

#include "tests/support/bpf_asm.h"

#include "runtime/object/object.h"

#include <string>
#include <vector>

namespace xdpc::live {

using support::Register;

class ObjectMaker {
public:
  explicit ObjectMaker(const std::string& policy);

  uint32_t map(abi::Map map); // its index
  ObjectMaker& emit(std::initializer_list<support::Piece> pieces);
  // dst = the map, or the address of its only value.
  ObjectMaker& loadMap(Register dst, uint32_t map);
  ObjectMaker& loadValue(Register dst, uint32_t map, uint32_t offset = 0);
  object::Object& object() { return object_; }
  object::Object make(); // with the manifest's text

private:
  ObjectMaker& reference(Register dst, object::MapReference reference);
  object::Object object_;
};

abi::Map arrayMap(const std::string& name, abi::MapRole role, uint32_t value_size, uint32_t flags = 0);

// Returns the verdict for every packet.
object::Object always(const std::string& policy, abi::Verdict verdict);
// The same, and counts packets in slot 0 (rule `all`) of this CPU's row.
object::Object counting(const std::string& policy, abi::Verdict verdict);
// Has these rules in this order, and counts packets in the slot of one of them.
object::Object countingRules(const std::string& policy, const std::vector<std::string>& rules, uint32_t counted);
// Layouts that share with the one before, move slots, rename nothing, drop rules and have rules without names.
object::Object oneOfLayouts(size_t number);
// Writes a record of 32 bytes, whose field is `mark`, for every packet while the lease lasts, and passes.
object::Object reporting(const std::string& policy, uint32_t mark);
// The verifier refuses it at the rule `bad`, line 4.
object::Object refused();

} // namespace xdpc::live
