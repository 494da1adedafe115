// Compares a frame with what `becomes` says of it. Entry point: firstDifference. Read by the test runner.
#pragma once

#include "compiler/ir/ir.h"

#include <optional>
#include <span>
#include <string>

namespace xdpc::sema {

struct Difference {
  std::string expected; // "ipv4.ttl = 63"
  std::string actual;   // "ipv4.ttl = 64", "no vlan behind eth"
};

// Walks the frame from its first header on: each expected header has to stand right behind the one before it, and to
// hold the named fields.
std::optional<Difference> firstDifference(const ir::Policy& policy, const std::vector<ir::ExpectedLayer>& expected,
                                          std::span<const uint8_t> frame);

} // namespace xdpc::sema
