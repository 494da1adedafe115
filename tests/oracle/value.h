// Values of expressions over one packet, as docs/language.md says. Entry points: evaluate, holds.
#pragma once

#include "tests/oracle/packet.h"

#include <functional>
#include <stdexcept>
#include <string>
#include <utility>

namespace xdpc::oracle {

struct Value {
  int64_t number = 0; // also of truths (0, 1) and MAC addresses
  std::optional<abi::Address> address;
  std::string bytes = {}; // of a payload's slice that is longer than a number
  bool operator==(const Value&) const = default;
};

// The oracle does not know this part of the language.
struct Unsupported : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Whether a live element of the set covers the key.
using InSet = std::function<bool(ir::SetId, const abi::KeyValue&)>;

// Nothing where the header of a field is absent. Sets can be asked only where `in_set` is given.
std::optional<Value> evaluate(const ir::Policy& policy, const Packet& packet, const ir::Expr& expr,
                              const InSet& in_set = {});
// Absent is false.
bool holds(const ir::Policy& policy, const Packet& packet, const ir::Expr& expr, const InSet& in_set = {});

// Where a field is: the header, of a union the alternative that is there, and the field's id in it.
std::optional<std::pair<Place, ir::FieldId>> locate(const ir::Policy& policy, const Packet& packet, ir::HeaderId header,
                                                    ir::FieldId field);

uint64_t fieldBits(const Packet& packet, const Place& place, const ir::Field& field);

// The key that the expressions make; nothing if a part is absent.
std::optional<abi::KeyValue> makeKey(const ir::Policy& policy, const Packet& packet, const std::vector<ir::Expr>& exprs,
                                     const abi::KeyType& type);
std::optional<abi::KeyPart> makeKeyPart(const ir::Policy& policy, const Packet& packet, const ir::Expr& expr,
                                        abi::KeyKind kind);

} // namespace xdpc::oracle
