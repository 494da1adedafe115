// What follows a header, and what a header's presence says of others. Private to sema/.
#pragma once

#include "compiler/sema/scope.h"

namespace xdpc::sema {

// `size`, `length` and the payload clauses of a declaration, into the header.
void buildPayload(Scope& scope, ir::HeaderId id, const ast::HeaderDecl& decl);
// `extend udp { payload by dport { 2152 => gtpu } }`.
void extendHeader(Scope& scope, const ast::HeaderDecl& decl);
// Fills HeaderState::implied and HeaderState::transport from the whole graph.
void relateHeaders(Scope& scope);
// All headers that are there where those of the set are, themselves included.
HeaderSet withImplied(const Scope& scope, const HeaderSet& headers);

} // namespace xdpc::sema
