// Addresses, prefixes and MACs as values, in network byte order, and the ip-family word that keys carry.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>

namespace xdpc::abi {

enum class Family : uint8_t { v4 = 4, v6 = 6 };

// An IPv4 address lies in the first four bytes, the rest is zero.
struct Address {
  Family family = Family::v4;
  std::array<uint8_t, 16> bytes{};
  auto operator<=>(const Address&) const = default;
};

// Number of bits of an address of the family: 32 or 128.
constexpr unsigned addressBits(Family family) {
  return family == Family::v4 ? 32 : 128;
}

// Host bits are zero. `length` is in bits, at most addressBits(address.family).
struct Prefix {
  Address address;
  uint8_t length = 0;
  auto operator<=>(const Prefix&) const = default;
};

struct Mac {
  std::array<uint8_t, 6> bytes{};
  auto operator<=>(const Mac&) const = default;
};

// The address with all bits behind `length` cleared.
Address maskAddress(const Address& address, unsigned length);
bool covers(const Prefix& prefix, const Address& address);
bool covers(const Prefix& outer, const Prefix& inner);

// Behind what is there: for output of many.
void append(std::string& to, const Address& address); // RFC 5952 for IPv6
void append(std::string& to, const Prefix& prefix);   // a full-length prefix prints as `addr/32`
void append(std::string& to, const Mac& mac);
std::string toString(const Address& address);
std::string toString(const Prefix& prefix);
std::string toString(const Mac& mac);

} // namespace xdpc::abi
