// Literals of addresses, prefixes and MACs; numbers and times are in number.cpp. Tested by
// tests/unit/abi/literal_test.cpp.
#include "runtime/abi/literal.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <vector>

namespace xdpc::abi {
namespace {

LiteralError badAddress(std::string message, std::string fixit = {}) {
  return {std::move(message), std::move(fixit), "bad-address"};
}

bool isDigit(char c) {
  return c >= '0' && c <= '9';
}

int hexDigit(char c) {
  if (isDigit(c))
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool allHex(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return hexDigit(c) >= 0; });
}

bool allDigits(std::string_view text) {
  return std::all_of(text.begin(), text.end(), isDigit);
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (size_t begin = 0;;) {
    const size_t end = text.find(separator, begin);
    parts.push_back(text.substr(begin, end - begin));
    if (end == std::string_view::npos)
      return parts;
    begin = end + 1;
  }
}

// What is wrong with one of the four numbers, or nothing.
std::optional<LiteralError> octet(std::string_view whole, std::string_view part, uint8_t& out) {
  if (part.empty() || !allDigits(part))
    return badAddress(fmt::format("`{}` is not an IPv4 address", whole));
  if (part.size() > 1 && part[0] == '0')
    return badAddress(fmt::format("`{}` has a leading zero in `{}`, which some tools read as octal", whole, part));
  unsigned value = 256;
  if (part.size() <= 3)
    value = static_cast<unsigned>(std::stoul(std::string(part)));
  if (value > 255)
    return badAddress(fmt::format("`{}` is not an IPv4 address: `{}` is greater than 255", whole, part));
  out = static_cast<uint8_t>(value);
  return std::nullopt;
}

// As nearly all are written; nothing for what deserves a closer look.
std::optional<Address> plainV4(std::string_view text) {
  Address address{Family::v4, {}};
  size_t at = 0;
  for (size_t part = 0; part < 4; ++part) {
    if (part > 0 && (at == text.size() || text[at++] != '.'))
      return std::nullopt;
    const size_t first = at;
    unsigned value = 0;
    for (; at < text.size() && at < first + 3 && isDigit(text[at]); ++at)
      value = value * 10 + static_cast<unsigned>(text[at] - '0');
    if (at == first || value > 255 || (at > first + 1 && text[first] == '0'))
      return std::nullopt;
    address.bytes[part] = static_cast<uint8_t>(value);
  }
  return at == text.size() ? std::optional(address) : std::nullopt;
}

Literal<Address> parseV4(std::string_view text) {
  if (const auto plain = plainV4(text))
    return *plain;
  const auto parts = split(text, '.');
  if (parts.size() == 1)
    return badAddress(fmt::format("`{}` is not an address", text));
  Address address{Family::v4, {}};
  for (size_t i = 0; i < parts.size() && i < 4; ++i)
    if (auto error = octet(text, parts[i], address.bytes[i]))
      return *error;
  if (parts.size() != 4)
    return badAddress(fmt::format("`{}` has {} numbers, an IPv4 address has 4", text, parts.size()));
  return address;
}

// Groups of one side of a `::`, a dotted IPv4 address counting as the last two.
std::optional<LiteralError> groups(std::string_view whole, std::string_view side, bool last,
                                   std::vector<uint16_t>& out) {
  if (side.empty())
    return std::nullopt;
  const auto parts = split(side, ':');
  for (size_t i = 0; i < parts.size(); ++i) {
    const std::string_view part = parts[i];
    if (last && i + 1 == parts.size() && part.find('.') != part.npos) {
      const auto tail = parseV4(part);
      if (!tail)
        return badAddress(fmt::format("`{}` is not an IPv6 address: {}", whole, tail.error().message));
      out.push_back(static_cast<uint16_t>(tail->bytes[0] << 8 | tail->bytes[1]));
      out.push_back(static_cast<uint16_t>(tail->bytes[2] << 8 | tail->bytes[3]));
      continue;
    }
    if (part.empty())
      return badAddress(fmt::format("`{}` is not an IPv6 address: a `:` stands alone", whole));
    if (!allHex(part))
      return badAddress(fmt::format("`{}` is not an IPv6 address: `{}` is not a hexadecimal group", whole, part));
    if (part.size() > 4)
      return badAddress(fmt::format("`{}` is not an IPv6 address: `{}` has more than four digits", whole, part));
    out.push_back(static_cast<uint16_t>(std::stoul(std::string(part), nullptr, 16)));
  }
  return std::nullopt;
}

std::optional<LiteralError> wrongGroupCount(std::string_view text, bool gap, size_t count) {
  if (gap && count > 7)
    return badAddress(
        fmt::format("`{}` is not an IPv6 address: `::` stands for no group, as there are {} already", text, count));
  if (!gap && count != 8)
    return parseMac(text) ? badAddress(fmt::format("`{}` is a MAC address, not an IP address", text))
                          : badAddress(fmt::format("`{}` has {} groups, an IPv6 address has 8", text, count));
  return std::nullopt;
}

Literal<Address> parseV6(std::string_view text) {
  if (const size_t zone = text.find('%'); zone != text.npos)
    return badAddress(fmt::format("`{}` carries a zone, which packets do not", text),
                      std::string(text.substr(0, zone)));
  const size_t gap = text.find("::");
  const bool has_gap = gap != text.npos;
  const std::string_view head = text.substr(0, gap), tail = has_gap ? text.substr(gap + 2) : std::string_view();
  if (tail.find("::") != tail.npos)
    return badAddress(fmt::format("`{}` is not an IPv6 address: it has two `::`", text));
  std::vector<uint16_t> before, after;
  if (auto error = groups(text, head, !has_gap, before))
    return *error;
  if (auto error = groups(text, tail, true, after))
    return *error;
  if (auto error = wrongGroupCount(text, has_gap, before.size() + after.size()))
    return *error;
  before.resize(8 - after.size());
  before.insert(before.end(), after.begin(), after.end());
  Address address{Family::v6, {}};
  for (size_t i = 0; i < 8; ++i) {
    address.bytes[2 * i] = static_cast<uint8_t>(before[i] >> 8);
    address.bytes[2 * i + 1] = static_cast<uint8_t>(before[i]);
  }
  return address;
}

Literal<uint8_t> prefixLength(std::string_view whole, std::string_view text, Family family) {
  const unsigned bits = addressBits(family);
  if (text.empty() || !allDigits(text) || (text.size() > 1 && text[0] == '0'))
    return badAddress(fmt::format("`{}` is not a prefix: `/{}` is not a length", whole, text));
  if (text.size() > 3 || std::stoul(std::string(text)) > bits)
    return badAddress(fmt::format("`{}` is not a prefix: `/{}` is longer than an {} address, which has {} bits", whole,
                                  text, family == Family::v4 ? "IPv4" : "IPv6", bits));
  return static_cast<uint8_t>(std::stoul(std::string(text)));
}

} // namespace

Literal<Address> parseAddress(std::string_view text) {
  if (text.empty())
    return badAddress("an address is missing");
  if (const size_t slash = text.find('/'); slash != text.npos)
    return badAddress(fmt::format("`{}` is a prefix, not an address", text), std::string(text.substr(0, slash)));
  return text.find(':') == text.npos ? parseV4(text) : parseV6(text);
}

Literal<Prefix> parsePrefix(std::string_view text) {
  const size_t slash = text.find('/');
  const auto address = parseAddress(text.substr(0, slash));
  if (!address)
    return address.error();
  if (slash == text.npos)
    return Prefix{*address, static_cast<uint8_t>(addressBits(address->family))};
  const auto length = prefixLength(text, text.substr(slash + 1), address->family);
  if (!length)
    return length.error();
  const Prefix masked{maskAddress(*address, *length), *length};
  if (masked.address != *address)
    return LiteralError{fmt::format("`{}` has host bits set behind /{}", text, *length), toString(masked), "host-bits"};
  return masked;
}

Literal<Mac> parseMac(std::string_view text) {
  const bool dashes = text.find('-') != text.npos && text.find(':') == text.npos;
  const auto parts = split(text, dashes ? '-' : ':');
  const bool pairs = std::all_of(parts.begin(), parts.end(), [](auto p) { return p.size() == 2 && allHex(p); });
  if (parts.size() != 6 || !pairs)
    return badAddress(fmt::format("`{}` is not a MAC address, six pairs of hexadecimal digits joined by `:`", text));
  Mac mac;
  for (size_t i = 0; i < 6; ++i)
    mac.bytes[i] = static_cast<uint8_t>(hexDigit(parts[i][0]) << 4 | hexDigit(parts[i][1]));
  if (dashes)
    return badAddress(fmt::format("the parts of the MAC address `{}` are joined by `-`", text), toString(mac));
  return mac;
}

} // namespace xdpc::abi
