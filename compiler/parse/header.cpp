// See header.h.
#include "compiler/parse/header.h"

#include "compiler/parse/expr.h"
#include "compiler/parse/literal.h"

#include <fmt/format.h>

namespace xdpc::parse {
namespace {

ast::HeaderField readField(Input& input, const Node& node) {
  ast::HeaderField field;
  field.span = input.span(node);
  for (const Node& child : Children(node)) {
    if (child.kind == Kind::any_word)
      field.name = input.name(child);
    else if (child.kind == Kind::type)
      field.type = input.name(child);
    else if (child.kind == Kind::when)
      field.when = readExpr(input, *Children(child).begin());
    else if (child.kind == Kind::ahead_mark)
      field.ahead = true;
    else if (child.kind == Kind::expression)
      field.derived = readExpr(input, child);
    else if (child.kind == Kind::field_parts)
      for (const Node& part : Children(child))
        field.parts.push_back(readField(input, part));
  }
  return field;
}

ast::Expr readEntry(Input& input, const Node& entry) {
  const Node& key = *Children(entry).begin();
  const Node& value = *Children(*++Children(entry).begin()).begin();
  ast::Expr pair;
  pair.kind = ast::ExprKind::Pair;
  pair.span = input.span(entry);
  pair.args.push_back(readExpr(input, key));
  pair.args.push_back(readExpr(input, value));
  return pair;
}

ast::PayloadBy readPayload(Input& input, const Node& node) {
  ast::PayloadBy payload;
  payload.span = input.span(node);
  for (const Node& child : Children(node)) {
    if (child.kind == Kind::any_word)
      (node.kind == Kind::payload_by ? payload.by : payload.single) = input.name(child);
    else if (child.kind == Kind::when)
      payload.when = readExpr(input, *Children(child).begin());
    else if (child.kind == Kind::payload_entry)
      payload.entries.push_back(readEntry(input, child));
  }
  return payload;
}

ast::HeaderOption readOption(Input& input, const Node& node) {
  ast::HeaderOption option;
  option.span = input.span(node);
  for (const Node& child : Children(node)) {
    if (child.kind == Kind::number) {
      option.number = readNumber(input, child);
    } else if (child.kind == Kind::field_parts) {
      for (const Node& field : Children(child))
        option.fields.push_back(readField(input, field));
    } else if (child.kind == Kind::header_field) {
      option.fields.push_back(readField(input, child));
    } else { // a flag
      option.fields.push_back({.name = input.name(child)});
      option.fields.back().span = input.span(child);
    }
  }
  return option;
}

void readBytesClause(Input& input, const Node& node, std::optional<ast::Expr>& slot, std::string_view word) {
  if (slot)
    input.report(diag::Id::repeated_clause, input.span(node), fmt::format("`{}` is given twice", word));
  slot = readExpr(input, *Children(node).begin());
}

} // namespace

ast::HeaderDecl readHeader(Input& input, const Node& node) {
  ast::HeaderDecl header;
  header.span = input.span(node);
  header.extend = node.kind == Kind::extend_declaration;
  for (const Node& child : Children(node)) {
    switch (child.kind) {
    case Kind::name:
      header.name = input.name(child);
      break;
    case Kind::tunnel_mark:
      header.tunnel = true;
      break;
    case Kind::extension_mark:
      header.extension = true;
      break;
    case Kind::extension_of:
      header.extension_of = input.name(*Children(child).begin());
      break;
    case Kind::alternatives:
      for (const Node& name : Children(child))
        header.alternatives.push_back(input.name(name));
      break;
    case Kind::header_field:
    case Kind::derived_field:
      header.fields.push_back(readField(input, child));
      break;
    case Kind::size_clause:
      readBytesClause(input, child, header.size, "size");
      break;
    case Kind::length_clause:
      readBytesClause(input, child, header.length, "length");
      break;
    case Kind::payload_by:
    case Kind::payload_is:
      header.payload.push_back(readPayload(input, child));
      break;
    case Kind::header_option:
      header.options.push_back(readOption(input, child));
      break;
    default:
      break;
    }
  }
  return header;
}

} // namespace xdpc::parse
