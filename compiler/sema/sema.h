// Checks a policy against the standard library's headers and gives typed IR. Entry point: check.
#pragma once

#include "compiler/ast/ast.h"
#include "compiler/diag/diag.h"
#include "compiler/ir/ir.h"

#include <functional>
#include <optional>
#include <string_view>
#include <vector>

namespace xdpc::sema {

// What a policy refers to beside its own text.
struct Surroundings {
  const std::vector<ast::File>* used = nullptr; // whose declarations count
  // The text of a list, by its path as it is written at `place`; null if it cannot be read, which was reported.
  std::function<const SourceFile*(std::string_view path, Span place)> load = {};
  // Told of each of the policy's rules, by index, when it has been checked and is not looked at any more.
  std::function<void(size_t rule)> checked = {};
};

// `library` is the parsed standard library (headers and constants), in any order. Nothing on errors, which are in
// `emitter`.
std::optional<ir::Policy> check(const ast::File& file, const std::vector<ast::File>& library, diag::Emitter& emitter,
                                const Surroundings& around = {});

} // namespace xdpc::sema
