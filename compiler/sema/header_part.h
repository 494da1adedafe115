// Fields that are not always there, or not always at the same place: optional fields, what is behind them, and options.
// To every phase behind sema such a field is in a header of its own, whose presence is that of the field. Private to
// sema/.
#pragma once

#include "compiler/sema/scope.h"

namespace xdpc::sema {

// `key: u32 when k`, or a field behind one.
void addPart(Scope& scope, ir::HeaderId id, const ast::HeaderField& field);
// `option 2 mss: u16`.
void addOption(Scope& scope, ir::HeaderId id, const ast::HeaderOption& option);
// `first: u4 ahead`.
void addAhead(Scope& scope, ir::HeaderId id);
// Once all fields are known: conditions and places of the parts, and the size that follows from them.
void buildParts(Scope& scope, ir::HeaderId id);
// A header that states its size has the optional fields that lie within it.
void boundParts(Scope& scope, ir::HeaderId id, Span span);

} // namespace xdpc::sema
