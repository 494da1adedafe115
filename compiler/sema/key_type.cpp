// Checks the types of elements and keys. Tested by tests/unit/sema/state_test.cpp.
#include "compiler/sema/key.h"
#include "runtime/abi/length_list.h"

#include <algorithm>
#include <fmt/format.h>

namespace xdpc::sema {

std::optional<abi::KeyType> checkKeyType(Scope& scope, const std::vector<ast::Name>& names, const ast::Name& owner) {
  static const std::vector<std::string> kinds = {"ip",  "ipv4", "ipv6", "ip.prefix", "ipv4.prefix", "ipv6.prefix",
                                                 "mac", "port", "u8",   "u16",       "u32",         "u64"};
  abi::KeyType type;
  unsigned prefixes = 0;
  for (const ast::Name& name : names) {
    const auto kind = std::ranges::count(kinds, name.text) ? abi::keyKindByName(name.text) : std::nullopt;
    if (!kind) {
      diag::Diagnostic& error = scope.emitter.report(diag::Id::unknown_name, name.span,
                                                     fmt::format("there is no element type `{}`", name.text));
      const auto near = diag::nearest(name.text, kinds);
      error.help =
          near ? fmt::format("did you mean `{}`", *near)
               : "there are `ip`, `ipv4`, `ipv6`, each with `.prefix`, `mac`, `port`, `u8`, `u16`, `u32`, `u64`";
      return std::nullopt;
    }
    prefixes += abi::isPrefix(*kind);
    type.parts.push_back(*kind);
  }
  if (prefixes > abi::kMaxPrefixParts) {
    scope.emitter.report(
        diag::Id::bad_element, join(names.front().span, names.back().span),
        fmt::format("`{}` has {} prefixes in a tuple, {} are possible", owner.text, prefixes, abi::kMaxPrefixParts));
    return std::nullopt;
  }
  return type;
}

} // namespace xdpc::sema
