// Statements and rules. A rule's block is walked by parse.cpp; here is what stands on one line. Tested by
// tests/unit/parse/rule_test.cpp.
#pragma once

#include "compiler/parse/input.h"

#include <utility>
#include <vector>

namespace xdpc::parse {

ast::Rule readRule(Input& input, const Node& rule);           // Kind::plain_rule, Kind::rule_head (no body yet)
ast::OnVerdict readOnVerdict(Input& input, const Node& node); // Kind::on_verdict
ast::Statement readStatement(Input& input, const Node& node); // an action's node
bool isStatement(Kind kind);

// `id = 5, …`: children of the kind packet_field or field_value.
std::vector<std::pair<ast::Name, ast::Expr>> readFields(Input& input, const Node& parent, Kind kind);

// The kind of a redirect's target and its expressions: the target, then the keys of its hash.
std::pair<ast::Name, std::vector<ast::Expr>> readTarget(Input& input, const Node& target);

} // namespace xdpc::parse
