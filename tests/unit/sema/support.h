// Checks a policy's text against the standard library, as the driver does.
#pragma once

#include "compiler/basic/stdlib.h"
#include "compiler/ir/print.h"
#include "compiler/parse/parse.h"
#include "compiler/sema/sema.h"

#include <gtest/gtest.h>
#include <memory>
#include <string>

namespace xdpc {

struct Checked {
  std::unique_ptr<Sources> sources = std::make_unique<Sources>();
  std::unique_ptr<diag::Emitter> emitter = std::make_unique<diag::Emitter>();
  std::optional<ir::Policy> policy;

  std::string messages() const { return diag::render(*emitter, false, 100); }
  // The only diagnostic of the name, as "line:column".
  std::vector<std::string> places(std::string_view name) const;
  unsigned count(std::string_view name) const { return static_cast<unsigned>(places(name).size()); }
};

Checked check(std::string text);
// Checks without errors, or the test fails.
Checked accept(std::string text);
// A policy around one condition: the condition begins at line 1, column 22.
inline std::string withCondition(const std::string& condition) {
  return "policy p { a: drop when " + condition + "\ndefault pass }\n";
}
// How often the condition warns that it is false for packets that lack something.
inline unsigned absent(const std::string& condition) {
  return accept(withCondition(condition)).count("maybe-absent");
}
std::string conditionText(const std::string& condition); // of the IR

} // namespace xdpc
