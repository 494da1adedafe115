// What follows a header, and what a header's presence says of others. Private to sema/.
#pragma once

#include "compiler/sema/scope.h"

namespace xdpc::sema {

// `size`, `length` and the payload clauses of a declaration, into the header.
void buildPayload(Scope& scope, ir::HeaderId id, const ast::HeaderDecl& decl);
// `extend udp { payload by dport { 2152 => gtpu } }`.
void extendHeader(Scope& scope, const ast::HeaderDecl& decl);
// Tags are transparent: what `extend` hangs under Ethernet's type stands behind its tags, too.
void extendTags(Scope& scope);
// IP behind a header that IP hands its protocol numbers on to (AH) is IP in IP.
void markIpInIp(Scope& scope);
// The IP header that such a one, as declared, stands behind.
std::optional<ir::HeaderId> ipHandingOn(const Scope& scope, ir::HeaderId id);
// Circles, and sizes with which the parser would not get on.
void checkGraph(Scope& scope);
// Whether `next` can follow `id` in the same packet, other headers in between or not. Both as declared.
bool canFollow(const Scope& scope, ir::HeaderId id, ir::HeaderId next);
// For each of `headers`: what every way to it from one of `roots` leads through, itself and unions included.
std::map<ir::HeaderId, HeaderSet> dominatorsIn(const Scope& scope, const HeaderSet& headers, const HeaderSet& roots);
// Fills HeaderState::implied and HeaderState::transport from the whole graph.
void relateHeaders(Scope& scope);
// The same for one union, whose alternatives have it.
void relateUnion(Scope& scope, ir::HeaderId id);
// All headers that are there where those of the set are, themselves included.
HeaderSet withImplied(const Scope& scope, const HeaderSet& headers);

} // namespace xdpc::sema
