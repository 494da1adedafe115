// Checks expressions: types, constants, presence. Entry points: checkExpr for values, checkCondition for conditions.
// Private to sema/.
#pragma once

#include "compiler/sema/scope.h"

namespace xdpc::sema {

// Where an expression stands: in a header's declaration its own fields go by their bare names.
struct Env {
  Scope& scope;
  std::optional<ir::HeaderId> own;
};

// A value or a condition whose fields may still need presence (Value::needs).
Value checkExpr(Env env, const ast::Expr& expr);
// A condition with presence made explicit; an error if it is none. Pending maybe_absent warnings stay in it.
Value checkCondition(Env env, const ast::Expr& expr);
// The same for the outermost condition: reports what is left of maybe_absent.
std::optional<ir::Expr> checkWholeCondition(Env env, const ast::Expr& expr);
// A number that is known at compile time, in [low, high].
std::optional<Wide> checkConstantNumber(Env env, const ast::Expr& expr, Wide low, Wide high, std::string_view what);

// expr.cpp and describe.cpp: pieces.
Value asCondition(Env env, Value value, Span span);
Value truth(bool value, Span span);
Value number(Wide value, Span span); // an untyped constant
const ast::Expr& withoutGroup(const ast::Expr& expr);
Category category(const ir::Type& type);
const char* categoryName(Category category);                     // "an address"
std::string describe(const ast::Expr& expr, const Value& value); // "`tcp.dport` is a port"
std::string quoted(const Span& span);                            // in backquotes, shortened if it is long
void addParts(Value& whole, const Value& part);                  // needs, warnings, size
ir::Expr present(ir::HeaderId header, Span span);
Value atom(Env env, Value operands, ir::Expr expr); // And[Present…, guards…, expr]
std::optional<Wide> typeMax(const ir::Type& type);  // of an Int

// A definition that others can use, as long as it is not too large; reports at its place.
bool boundedDefinition(Scope& scope, Span place, const Value& value);

// field.cpp
Value checkName(Env env, const ast::Expr& expr);
Value checkMember(Env env, const ast::Expr& expr);
// arithmetic.cpp
Value checkArithmetic(Env env, const ast::Expr& expr);
Value checkNegate(Env env, const ast::Expr& expr);
Value checkCall(Env env, const ast::Expr& expr);
// extern.cpp
Value checkExternCall(Env env, const ast::Expr& expr, ir::ExternId id);
Value widened(Value value, unsigned bits); // to an Int of so many bits
// The value, of 64 bits already, with a number put to it; its bounds stay.
Value withNumber(Value value, ir::Op op, uint64_t bits);
// compare.cpp
Value checkCompare(Env env, const ast::Expr& expr);
bool fitConstant(Scope& scope, Value& constant, const Value& other, std::string_view other_text);
// membership.cpp
Value checkMembership(Env env, const ast::Expr& expr);
// mask.cpp
Value checkMask(Env env, const ast::Expr& expr);
// A masked address can be equal to the constant, or to one of the interval; else an error is reported. True for others.
bool withinMask(Scope& scope, const ir::Expr& masked, const ir::Expr& constant);
bool withinMask(Scope& scope, const ir::Expr& masked, const ir::Interval& interval, Span at);
// maybe_absent.cpp: warnings of `!=` and `not in`, which are false where something is absent.
void setMaybeAbsent(Value& value, Span span);                     // of a `!=` or `not in`: what it needs may be absent
void settle(const Scope& scope, std::vector<Value>& conjunction); // what another operand requires
void reportMaybeAbsent(Scope& scope, const MaybeAbsent& warning);
// constant.cpp
void checkConstants(Scope& scope);
// The expression without its group or, for the name of a tuple of fields, that tuple.
// The literal of a constant that names a time or a rate; else the expression itself.
const ast::Expr& namedQuantity(Scope& scope, const ast::Expr& expr);
const ast::Expr& namedTuple(Scope& scope, const ast::Expr& expr);
const Constant* prepareConstant(Scope& scope, uint32_t index); // nothing: defined by itself

} // namespace xdpc::sema
