// How types and values are called in messages. Tested by tests/unit/sema/diagnostic_test.cpp.
#include "compiler/sema/expr.h"

#include <fmt/format.h>

namespace xdpc::sema {

Category category(const ir::Type& type) {
  switch (type.kind) {
  case ir::TypeKind::Bool:
    return Category::boolean;
  case ir::TypeKind::Int:
    return Category::number;
  case ir::TypeKind::Ip:
  case ir::TypeKind::Ipv4:
  case ir::TypeKind::Ipv6:
    return Category::address;
  case ir::TypeKind::Mac:
    return Category::mac;
  case ir::TypeKind::Bytes:
    break;
  }
  return Category::bytes;
}

const char* categoryName(Category category) {
  static const char* const names[] = {"a condition", "a number", "an address", "a MAC address", "bytes"};
  return names[static_cast<unsigned>(category)];
}

std::string describe(const ast::Expr& expr, const Value& value) {
  const ir::Type& type = value.expr.type;
  const char* what = type.kind == ir::TypeKind::Int && type.port ? "a port" : categoryName(category(type));
  if (type.kind == ir::TypeKind::Ipv4)
    what = "an IPv4 address";
  if (type.kind == ir::TypeKind::Ipv6)
    what = "an IPv6 address";
  return fmt::format("{} is {}", quoted(withoutGroup(expr).span), what);
}

std::string quoted(const Span& span) {
  constexpr size_t shown = 60;
  std::string_view text = span.text();
  text = text.substr(0, text.find('\n'));
  if (text.size() == span.text().size() && text.size() <= shown)
    return fmt::format("`{}`", text);
  return fmt::format("`{}…`", text.substr(0, shown));
}

std::optional<Wide> typeMax(const ir::Type& type) {
  if (type.kind != ir::TypeKind::Int)
    return std::nullopt;
  return (Wide{1} << type.bits) - 1;
}

} // namespace xdpc::sema
