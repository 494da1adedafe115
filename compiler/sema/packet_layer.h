// One header of a packet that a test sends, as bytes that are being filled in. Private to sema/.
#pragma once

#include "compiler/ir/ir.h"

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

namespace xdpc::sema {

struct Layer {
  std::optional<ir::HeaderId> header; // none: plain bytes
  std::vector<uint8_t> bytes;
  std::vector<bool> given; // by FieldId: written in the test
  Span span;
  std::map<ir::HeaderId, size_t> parts = {}; // optional fields that are there, and where they start
};

// Bits of a field on the wire, big-endian; up to 64.
uint64_t getBits(std::span<const uint8_t> bytes, const ir::Field& field);
void setBits(std::span<uint8_t> bytes, const ir::Field& field, uint64_t value);

// A size, length or condition of the layer's header over its bytes; a field of another header is 0, and so is an
// optional one that is not among the layer's parts.
int64_t evaluate(const ir::Policy& policy, const Layer& layer, const ir::Expr& expr);

// Makes a condition true by its bits, unless the test gives them: `k`, `not e`, the first that helps of `e or s`.
void satisfy(const ir::Policy& policy, Layer& layer, const ir::Expr& when);
// Finds the optional fields that are in the layer's bytes.
void findParts(const ir::Policy& policy, Layer& layer);
// A field of the layer's header at its place in this layer's bytes; nothing where an optional field or an option is not
// there.
std::optional<ir::Field> placed(const ir::Policy& policy, const Layer& layer, ir::FieldId id);
// The field of a size or length from which it is computed; null if there is none.
const ir::Expr* lengthField(const ir::Expr& expr, ir::HeaderId own);
// The payload clauses of a header, as pairs of its own field and the clause with the entries.
std::vector<std::pair<ir::FieldId, const ir::PayloadBy*>> selectorsOf(const ir::Policy& policy, ir::HeaderId id);

// packet_defaults.cpp: what a header holds that the test does not say.
void setDefaults(const ir::Policy& policy, Layer& layer);
// packet_checksum.cpp: all checksums that are not given; lengths and selectors are final.
void setChecksums(const ir::Policy& policy, std::vector<Layer>& layers);

} // namespace xdpc::sema
