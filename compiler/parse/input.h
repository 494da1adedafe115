// What every conversion from a match to the syntax tree needs: the file, where to report, and how a node is read.
#pragma once

#include "compiler/ast/ast.h"
#include "compiler/diag/diag.h"
#include "compiler/parse/node.h"
#include "compiler/parse/parse.h"

#include <string>
#include <string_view>

namespace xdpc::parse {

struct Input {
  const SourceFile& source;
  diag::Emitter& emitter;
  const Limits& limits;
  bool too_deep = false; // reported once a file
  diag::Diagnostic dropped{};

  Span span(uint32_t begin, uint32_t end) const { return {&source, begin, end}; }
  Span span(const Node& node) const { return span(node.begin, node.end); }
  std::string_view text(const Node& node) const { return source.text().substr(node.begin, node.end - node.begin); }
  ast::Name name(const Node& node) const { return {std::string(text(node)), span(node)}; }
  // What is beyond the bound on errors is dropped.
  diag::Diagnostic& report(diag::Id id, Span span, std::string message) {
    if (emitter.errorCount() < limits.errors)
      return emitter.report(id, span, std::move(message));
    dropped = {};
    return dropped;
  }
};

} // namespace xdpc::parse
