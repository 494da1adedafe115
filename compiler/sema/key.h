// Keys: of sets, meters and counters, and elements that are written out. Private to sema/.
#pragma once

#include "compiler/sema/expr.h"

namespace xdpc::sema {

struct Key {
  std::vector<ir::Expr> parts;
  abi::KeyType type;
  HeaderSet needs;
};

// `per ip.src/24/64, tcp.dport`. Nothing on errors.
std::optional<Key> checkKey(Env env, const std::vector<ast::Expr>& exprs);
// The kind in which a value is kept; nothing for a value that cannot be kept.
std::optional<abi::KeyKind> keyKind(const Value& value);

// `(ip.src, tcp.dport)` or `ip.src` as an element of the set: one value a part, types checked.
// `exact`: for add and remove, where a masked address names a prefix.
enum class KeyUse : uint8_t { lookup, element };
std::optional<std::vector<Value>> checkSetKey(Env env, const ast::Expr& expr, const ir::Set& set, KeyUse use);

// A written element: `192.0.2.7`, `(192.0.2.7, 443)`. A range of numbers gives several. `masks` are the lengths of
// masked parts of a key: a bare address is cut to them.
struct Mask {
  unsigned v4 = 32, v6 = 128;
};
bool expandElement(Scope& scope, const RawElement& raw, const abi::KeyType& type, const std::vector<Mask>& masks,
                   std::vector<abi::KeyValue>& out);
bool checkElement(Env env, const ast::Expr& expr, const abi::KeyType& type, const std::vector<Mask>& masks,
                  std::vector<abi::KeyValue>& out);

// The types of an element or a key, `ip` or `(ip, port)`.
std::optional<abi::KeyType> checkKeyType(Scope& scope, const std::vector<ast::Name>& names, const ast::Name& owner);
// The fewest prefixes that make up the interval of addresses.
std::vector<abi::Prefix> prefixesOf(const ir::Interval& range);
// The kind's width as a number's or address's bits; reports what does not fit the kind.
bool fitsKind(Scope& scope, const RawPart& part, abi::KeyKind kind);

std::string kindText(abi::KeyKind kind); // "an `ip.prefix`"
ir::Type typeOfKind(abi::KeyKind kind);

} // namespace xdpc::sema
