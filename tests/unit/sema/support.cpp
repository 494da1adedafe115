// Checks texts as the driver does: the standard library first, then the policy.
#include "tests/unit/sema/support.h"

#include <fmt/format.h>

namespace xdpc {

std::vector<std::string> Checked::places(std::string_view name) const {
  std::vector<std::string> out;
  for (const diag::Diagnostic& one : emitter->diagnostics())
    if (name == diag::info(one.id).name) {
      const auto at = one.span.position();
      out.push_back(fmt::format("{}:{}", at.line, at.column));
    }
  return out;
}

Checked check(std::string text) {
  Checked checked;
  std::vector<ast::File> library;
  for (const StdlibFile& file : stdlibFiles())
    library.push_back(
        parse::parse(checked.sources->add(std::string(file.name), std::string(file.text)), *checked.emitter));
  const ast::File file = parse::parse(checked.sources->add("policy.xf", std::move(text)), *checked.emitter);
  checked.policy = sema::check(file, library, *checked.emitter);
  return checked;
}

Checked accept(std::string text) {
  Checked checked = check(std::move(text));
  EXPECT_TRUE(checked.policy) << checked.messages();
  if (!checked.policy)
    checked.policy.emplace();
  return checked;
}

std::string conditionText(const std::string& condition) {
  const Checked checked = accept(withCondition(condition));
  if (checked.policy->rules.empty() || !checked.policy->rules[0].condition)
    return "";
  return ir::toText(*checked.policy, *checked.policy->rules[0].condition);
}

} // namespace xdpc
