// Constant sets: the elements of a literal, and their canonical form for what they are compared with. Private to sema/.
#pragma once

#include "compiler/sema/expr.h"

namespace xdpc::sema {

// The elements of `{ … }`, of a range, a prefix or a single literal.
RawSet collectElements(Env env, const ast::Expr& expr);
// One element: a literal, a range, a prefix or a tuple of them. Nothing on errors.
std::optional<RawElement> collectElement(Env env, const ast::Expr& expr);

// `8000 - 8099` where a set stands: a fix-it that takes the blanks out, as a range has none.
void suggestRange(diag::Diagnostic& error, const ast::Expr& expr);

// Parts that are known as values.
RawPart prefixPart(const abi::Prefix& prefix, Span span);
RawPart macPart(const abi::Mac& mac, Span span);

struct ConstSetUse {
  std::string name;  // of the constant, or ""
  Span span;         // of the use
  std::string value; // text of what is looked up
  // A constant may hold both families and be compared with one: the rest never matches. In place it is an error.
  bool skip_other_family = false;
};
// Checks the elements against the types and puts them into the policy.
std::optional<ir::ConstSetId> makeConstSet(Scope& scope, const RawSet& raw, const std::vector<ir::Type>& parts,
                                           const ConstSetUse& use);

} // namespace xdpc::sema
