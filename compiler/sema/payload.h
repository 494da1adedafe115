// What is said of a payload's bytes. Private to sema/.
#pragma once

#include "compiler/sema/expr.h"

namespace xdpc::sema {

Value payloadOf(Env env, ir::HeaderId header, Span span); // `payload`, `udp.payload`
Value checkBytes(Env env, const ast::Expr& expr);         // "GET ", x"16 03"
Value checkIndex(Env env, const ast::Expr& expr);         // payload[2]
Value checkSlice(Env env, const ast::Expr& expr);         // payload[0:4]
Value checkStartsWith(Env env, const ast::Expr& expr);
Value checkContains(Env env, const ast::Expr& expr); // contains.cpp
// The bytes that `starts with` and `contains` look for.
std::optional<std::string> checkPattern(Env env, const ast::Expr& expr); // contains.cpp
// A payload as it is; `what` says in the error why nothing else will do.
std::optional<Value> checkPayload(Env env, const ast::Expr& expr, const char* what);

// What must hold besides the headers' presence where the value is read.
void addGuard(Value& value, ir::Expr guard);
// Bytes that a number holds become one, first byte highest; others stay as they are.
void bytesToNumber(Value& value);
uint64_t bytesNumber(std::string_view bytes);
// Both sides of a comparison are bytes: as many of them, and numbers if they can be.
bool agreeBytes(Env env, const ast::Expr& expr, Value& left, Value& right);
// `u16(payload[2:4])`.
Value numberOfBytes(Env env, const ast::Expr& expr, Value inner, unsigned bits);
// `payload[0:20] in { … }`: of slices that no number holds.
Value inBytes(Env env, const ast::Expr& expr, Value operand, const RawSet& raw);
// membership.cpp: `condition` is what `in` asks; turned round for `not in`, and with presence made explicit.
Value membership(Env env, const ast::Expr& expr, Value operands, ir::Expr condition);

} // namespace xdpc::sema
