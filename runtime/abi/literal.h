// The one parser of literals: addresses, prefixes, ranges' ends, MACs, ports, numbers with suffix, times. Used by the
// grammar's actions, by `load`, by `xdpc set` and by JSON input. Every function takes the whole text of the literal
// (no surrounding blanks) and says in one lower-case line what is wrong with it.
#pragma once

#include "runtime/abi/address.h"
#include "runtime/abi/result.h"

#include <string>
#include <string_view>

namespace xdpc::abi {

struct LiteralError {
  std::string message; // "host bits are set behind /24"
  std::string fixit;   // what to write instead, or empty: "192.0.2.0/24"
  std::string code; // stable diagnostic name: "host-bits", "bad-address", "bad-number", "number-too-large", "bad-time"
};

template <class T> using Literal = Result<T, LiteralError>;

Literal<Address> parseAddress(std::string_view text);
Literal<Prefix> parsePrefix(std::string_view text); // a bare address is a full-length prefix; host bits are an error
Literal<Mac> parseMac(std::string_view text);       // 02:00:5e:00:53:01
// Decimal or 0x hexadecimal with `_` between digits; a decimal one may end in k M G Ki Mi Gi.
Literal<uint64_t> parseNumber(std::string_view text);
// A number and one of ns us ms s m h d, glued: `10m`. Nanoseconds.
Literal<uint64_t> parseDuration(std::string_view text);

std::string formatDuration(uint64_t nanoseconds); // the largest unit that divides it: "10m"

} // namespace xdpc::abi
