// Declarations of state and of events: a file each. The declare… functions put names and types into the policy, so that
// rules may stand before or behind them. Private to sema/.
#pragma once

#include "compiler/sema/key.h"

namespace xdpc::sema {

// Types before contents: constants may ask what a set or a map holds.
void checkSetType(Scope& scope, const ast::SetDecl& decl, ir::SetId id);
void checkMapType(Scope& scope, const ast::MapDecl& decl, ir::MapId id);
void checkExtern(Scope& scope, const ast::ExternDecl& decl, ir::ExternId id);
void checkMap(Scope& scope, const ast::MapDecl& decl, ir::MapId id);
void checkSet(Scope& scope, const ast::SetDecl& decl, ir::SetId id);
void checkCounter(Scope& scope, const ast::CounterDecl& decl, ir::CounterId id);
void checkMeter(Scope& scope, const ast::MeterDecl& decl, ir::MeterId id);
void checkEvent(Scope& scope, const ast::EventDecl& decl, ir::EventId id);

// The meter of a rule that has one of its own: `over 200 pps per ip.src`.
bool checkMeterClauses(Scope& scope, const ast::Clauses& clauses, Span span, ir::Meter& meter);
// Headers without which the key of a meter cannot be read.
HeaderSet headersOf(const std::vector<ir::Expr>& exprs);
// The elements of a set literal, for the set.
bool checkElements(Scope& scope, const ast::Expr& literal, const ir::Set& set, std::vector<abi::KeyValue>& out);
// For what addresses a key is cut to, one a part.
std::vector<Mask> masksOf(const std::vector<ir::Expr>& key);

// clause.cpp
struct Bounds {
  Wide low, high;
};
std::optional<uint64_t> checkCapacity(Scope& scope, const std::optional<ast::Expr>& expr);
std::optional<uint64_t> checkTime(Scope& scope, const ast::Expr& expr, std::string_view what);
void refuseClause(Scope& scope, Span span, std::string_view clause, std::string_view kind);
// The word of `when full`, which has to be one of the words; nothing otherwise.
std::optional<size_t> checkWhenFull(Scope& scope, const ast::Name& word, const std::vector<std::string>& words);

} // namespace xdpc::sema
