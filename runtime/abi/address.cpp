// Masks, containment and text of addresses. Tested by tests/unit/abi/address_test.cpp.
#include "runtime/abi/address.h"

#include <fmt/format.h>

#include <algorithm>

namespace xdpc::abi {
namespace {

uint16_t group(const Address& address, unsigned index) {
  return static_cast<uint16_t>(address.bytes[2 * index] << 8 | address.bytes[2 * index + 1]);
}

// The longest run of at least two zero groups, the first of equal ones (RFC 5952, section 4.2).
struct ZeroRun {
  unsigned begin = 8, length = 0;
};

ZeroRun longestZeroRun(const Address& address) {
  ZeroRun best;
  for (unsigned i = 0; i < 8;) {
    unsigned end = i;
    while (end < 8 && group(address, end) == 0)
      ++end;
    if (end - i >= 2 && end - i > best.length)
      best = {i, end - i};
    i = end == i ? i + 1 : end;
  }
  return best;
}

bool isV4Mapped(const Address& address) {
  for (unsigned i = 0; i < 5; ++i)
    if (group(address, i) != 0)
      return false;
  return group(address, 5) == 0xffff;
}

void appendDotted(std::string& to, const uint8_t* bytes) {
  for (unsigned i = 0; i < 4; ++i) {
    if (i != 0)
      to += '.';
    const fmt::format_int number(unsigned{bytes[i]});
    to.append(number.data(), number.size());
  }
}

constexpr char kDigits[] = "0123456789abcdef";

void appendGroup(std::string& to, uint16_t group) {
  unsigned shift = 12;
  while (shift != 0 && group >> shift == 0)
    shift -= 4;
  for (;; shift -= 4) {
    to += kDigits[group >> shift & 0xf];
    if (shift == 0)
      return;
  }
}

void appendV6(std::string& to, const Address& address) {
  if (isV4Mapped(address)) { // RFC 5952, section 5
    to += "::ffff:";
    return appendDotted(to, address.bytes.data() + 12);
  }
  const ZeroRun run = longestZeroRun(address);
  for (unsigned i = 0; i < 8; ++i) {
    if (i == run.begin) {
      to += "::";
      i += run.length - 1;
      continue;
    }
    if (i != 0 && i != run.begin + run.length)
      to += ':';
    appendGroup(to, group(address, i));
  }
}

} // namespace

Address maskAddress(const Address& address, unsigned length) {
  Address masked = address;
  for (unsigned i = 0; i < masked.bytes.size(); ++i) {
    const unsigned kept = length <= 8 * i ? 0 : std::min(8u, length - 8 * i);
    masked.bytes[i] &= static_cast<uint8_t>(0xff00u >> kept);
  }
  return masked;
}

bool covers(const Prefix& prefix, const Address& address) {
  return prefix.address.family == address.family && maskAddress(address, prefix.length) == prefix.address;
}

bool covers(const Prefix& outer, const Prefix& inner) {
  return outer.length <= inner.length && covers(outer, inner.address);
}

void append(std::string& to, const Address& address) {
  address.family == Family::v4 ? appendDotted(to, address.bytes.data()) : appendV6(to, address);
}

void append(std::string& to, const Prefix& prefix) {
  append(to, prefix.address);
  to += '/';
  const fmt::format_int length(unsigned{prefix.length});
  to.append(length.data(), length.size());
}

void append(std::string& to, const Mac& mac) {
  for (unsigned i = 0; i < mac.bytes.size(); ++i) {
    if (i != 0)
      to += ':';
    to += kDigits[mac.bytes[i] >> 4];
    to += kDigits[mac.bytes[i] & 0xf];
  }
}

std::string toString(const Address& address) {
  std::string text;
  append(text, address);
  return text;
}

std::string toString(const Prefix& prefix) {
  std::string text;
  append(text, prefix);
  return text;
}

std::string toString(const Mac& mac) {
  std::string text;
  append(text, mac);
  return text;
}

} // namespace xdpc::abi
