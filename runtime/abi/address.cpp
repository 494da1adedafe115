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

std::string dotted(const uint8_t* bytes) {
  return fmt::format("{}.{}.{}.{}", bytes[0], bytes[1], bytes[2], bytes[3]);
}

std::string v6Text(const Address& address) {
  if (isV4Mapped(address)) // RFC 5952, section 5
    return "::ffff:" + dotted(address.bytes.data() + 12);
  const ZeroRun run = longestZeroRun(address);
  std::string text;
  for (unsigned i = 0; i < 8; ++i) {
    if (i == run.begin) {
      text += "::";
      i += run.length - 1;
      continue;
    }
    if (!text.empty() && text.back() != ':')
      text += ':';
    text += fmt::format("{:x}", group(address, i));
  }
  return text;
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

std::string toString(const Address& address) {
  return address.family == Family::v4 ? dotted(address.bytes.data()) : v6Text(address);
}

std::string toString(const Prefix& prefix) {
  return fmt::format("{}/{}", toString(prefix.address), prefix.length);
}

std::string toString(const Mac& mac) {
  const auto& b = mac.bytes;
  return fmt::format("{:02x}:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}", b[0], b[1], b[2], b[3], b[4], b[5]);
}

} // namespace xdpc::abi
