// Compares frames header by header. Tested by tests/packet/rewrite and tests/lit/cli/becomes.xf.
#include "compiler/sema/becomes.h"
#include "compiler/sema/packet_layer.h"
#include "runtime/abi/address.h"

#include <algorithm>
#include <fmt/format.h>

namespace xdpc::sema {

namespace {

using Bytes = std::span<const uint8_t>;

std::string addressText(Bytes bytes, const ir::Field& field) {
  abi::Address address;
  address.family = field.bits == 32 ? abi::Family::v4 : abi::Family::v6;
  std::copy_n(bytes.begin() + field.bit_offset / 8, field.bits / 8, address.bytes.begin());
  return abi::toString(address);
}

std::string valueText(Bytes bytes, const ir::Field& field) {
  switch (field.type.kind) {
  case ir::TypeKind::Ipv4:
  case ir::TypeKind::Ipv6:
    return addressText(bytes, field);
  case ir::TypeKind::Mac: {
    abi::Mac mac;
    std::copy_n(bytes.begin() + field.bit_offset / 8, 6, mac.bytes.begin());
    return abi::toString(mac);
  }
  default:
    return fmt::format("{}", getBits(bytes, field));
  }
}

std::string hex(Bytes bytes) {
  constexpr size_t shown = 16;
  std::string out;
  for (uint8_t byte : bytes.first(std::min(shown, bytes.size())))
    fmt::format_to(std::back_inserter(out), "{}{:02x}", out.empty() ? "" : " ", byte);
  return fmt::format("x\"{}{}\"", out, bytes.size() > shown ? " …" : "");
}

class Comparison {
public:
  Comparison(const ir::Policy& policy, Bytes frame) : policy_(policy), rest_(frame) {}

  std::optional<Difference> step(const ir::ExpectedLayer& layer) {
    if (!layer.header)
      return compareBytes(layer.bytes);
    const ir::Header& header = policy_.headers[*layer.header];
    if (before_ && !leadsTo(*layer.header))
      return Difference{header.name, fmt::format("no {} behind {}", header.name, nameBefore())};
    if (rest_.size() < header.min_size)
      return Difference{header.name, fmt::format("{} is cut short: {} bytes", header.name, rest_.size())};
    before_ = layerOf(layer.header, {rest_.begin(), rest_.end()});
    const Layer wanted = layerOf(layer.header, layer.bytes);
    for (ir::FieldId id : layer.fields)
      if (auto difference = compareField(header, id, wanted))
        return difference;
    const int64_t size = header.size ? evaluate(policy_, *before_, *header.size) : header.min_size;
    rest_ = rest_.subspan(static_cast<size_t>(std::clamp<int64_t>(size, header.min_size, int64_t(rest_.size()))));
    return std::nullopt;
  }

private:
  Layer layerOf(std::optional<ir::HeaderId> header, std::vector<uint8_t> bytes) const {
    Layer layer{.header = header, .bytes = std::move(bytes)};
    findParts(policy_, layer);
    return layer;
  }

  const std::string& nameBefore() const { return policy_.headers[*before_->header].name; }

  bool leadsTo(ir::HeaderId next) const {
    const ir::Header& header = policy_.headers[*before_->header];
    for (const ir::PayloadBy& payload : header.payload)
      if (!payload.by && !header.extension_of && !payload.entries.empty() && payload.entries.front().next == next)
        return true;
    for (const auto& [field, clause] : selectorsOf(policy_, *before_->header)) {
      const uint64_t now = getBits(before_->bytes, header.fields[field]);
      for (const ir::PayloadEntry& entry : clause->entries)
        if (entry.next == next && entry.value == now)
          return true;
    }
    return false;
  }

  // A field that is not always there has a place of its own in each of the two.
  std::optional<Difference> compareField(const ir::Header& header, ir::FieldId id, const Layer& wanted) const {
    const auto here = placed(policy_, wanted, id), there = placed(policy_, *before_, id);
    const std::string name = fmt::format("{}.{}", header.name, header.fields[id].name);
    const std::string expected = here ? valueText(wanted.bytes, *here) : "";
    if (!there)
      return Difference{fmt::format("{} = {}", name, expected), "no " + name};
    const std::string actual = valueText(before_->bytes, *there);
    if (expected == actual)
      return std::nullopt;
    return Difference{fmt::format("{} = {}", name, expected), fmt::format("{} = {}", name, actual)};
  }

  std::optional<Difference> compareBytes(Bytes wanted) {
    const Bytes actual = rest_.first(std::min(rest_.size(), wanted.size()));
    if (!std::ranges::equal(actual, wanted))
      return Difference{hex(wanted), hex(actual)};
    rest_ = rest_.subspan(wanted.size());
    return std::nullopt;
  }

  const ir::Policy& policy_;
  Bytes rest_; // from the next header on
  std::optional<Layer> before_;
};

} // namespace

std::optional<Difference> firstDifference(const ir::Policy& policy, const std::vector<ir::ExpectedLayer>& expected,
                                          Bytes frame) {
  Comparison comparison(policy, frame);
  for (const ir::ExpectedLayer& layer : expected)
    if (auto difference = comparison.step(layer))
      return difference;
  return std::nullopt;
}

} // namespace xdpc::sema
