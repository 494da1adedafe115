// Reads lists of elements. Tested by tests/unit/state/element_list_test.cpp.
#include "runtime/sets/element_list.h"

#include <algorithm>
#include <bit>
#include <fmt/format.h>

namespace xdpc::sets {
namespace {

using abi::KeyKind;
using abi::KeyPart;
using abi::LiteralError;
using u128 = unsigned __int128;
using Parts = std::vector<KeyPart>;

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r";
  const size_t first = text.find_first_not_of(kBlank);
  return first == text.npos ? std::string_view() : text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

LiteralError bad(std::string message) {
  return {std::move(message), {}, "bad-element"};
}

bool isAddress(KeyKind kind) {
  return abi::isPrefix(kind) || kind == KeyKind::Ip || kind == KeyKind::Ipv4 || kind == KeyKind::Ipv6;
}

abi::Literal<KeyPart> parsePart(KeyKind kind, std::string_view text) {
  auto value = abi::parseKey({{kind}}, text);
  if (!value)
    return value.error();
  return std::move((*value)[0]);
}

u128 numberOf(const abi::Prefix& prefix) {
  u128 number = 0;
  for (unsigned i = 0; i < abi::addressBits(prefix.address.family) / 8; ++i)
    number = number << 8 | prefix.address.bytes[i];
  return number;
}

abi::Prefix prefixOf(abi::Family family, u128 number, unsigned length) {
  abi::Prefix prefix{{family, {}}, static_cast<uint8_t>(length)};
  const unsigned bytes = abi::addressBits(family) / 8;
  for (unsigned i = 0; i < bytes; ++i)
    prefix.address.bytes[i] = static_cast<uint8_t>(number >> (8 * (bytes - 1 - i)));
  return prefix;
}

unsigned trailingZeros(u128 value) {
  const auto low = static_cast<uint64_t>(value);
  return low ? static_cast<unsigned>(std::countr_zero(low))
             : 64 + static_cast<unsigned>(std::countr_zero(static_cast<uint64_t>(value >> 64)));
}

// The fewest prefixes that make up the range.
Parts prefixesOf(abi::Family family, u128 low, u128 high) {
  const unsigned bits = abi::addressBits(family);
  Parts parts;
  for (;;) {
    unsigned host = std::min(bits, low ? trailingZeros(low) : bits);
    const auto last = [&](unsigned n) { return low + (n == 128 ? ~u128{0} : (u128{1} << n) - 1); };
    while (last(host) > high)
      --host;
    parts.push_back(prefixOf(family, low, bits - host));
    if (last(host) >= high)
      return parts;
    low = last(host) + 1;
  }
}

Result<Parts, LiteralError> addressRange(KeyKind kind, std::string_view text, const KeyPart& first,
                                         const KeyPart& last) {
  const auto &low = std::get<abi::Prefix>(first), &high = std::get<abi::Prefix>(last);
  const abi::Family family = low.address.family;
  if (family != high.address.family)
    return LiteralError{fmt::format("the ends of `{}` are of two families", text), {}, "mixed-range"};
  if (low.length != abi::addressBits(family) || high.length != abi::addressBits(family))
    return bad(fmt::format("`{}` is no range: its ends are addresses", text));
  const u128 begin = numberOf(low), end = numberOf(high);
  if (begin > end)
    return LiteralError{fmt::format("`{}` is an empty range", text), {}, "empty-range"};
  if (abi::isPrefix(kind))
    return prefixesOf(family, begin, end);
  if (end - begin >= kMaxExpanded)
    return bad(fmt::format("`{}` stands for more than {} elements", text, kMaxExpanded));
  Parts parts;
  for (u128 number = begin; number <= end; ++number)
    parts.push_back(prefixOf(family, number, low.length));
  return parts;
}

Result<Parts, LiteralError> numberRange(std::string_view text, const KeyPart& first, const KeyPart& last) {
  const uint64_t low = std::get<uint64_t>(first), high = std::get<uint64_t>(last);
  if (low > high)
    return LiteralError{fmt::format("`{}` is an empty range", text), {}, "empty-range"};
  if (high - low >= kMaxExpanded)
    return bad(fmt::format("`{}` stands for more than {} elements", text, kMaxExpanded));
  Parts parts;
  for (uint64_t number = low; number - low <= high - low; ++number) {
    parts.push_back(number);
    if (number == high)
      break;
  }
  return parts;
}

Result<Parts, LiteralError> expandPart(KeyKind kind, std::string_view text) {
  const size_t dash = kind == KeyKind::Mac ? text.npos : text.find('-');
  const auto first = parsePart(kind, trimmed(text.substr(0, dash)));
  if (!first)
    return first.error();
  if (dash == text.npos)
    return Parts{*first};
  const auto last = parsePart(kind, trimmed(text.substr(dash + 1)));
  if (!last)
    return last.error();
  return isAddress(kind) ? addressRange(kind, text, *first, *last) : numberRange(text, *first, *last);
}

std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> parts;
  for (size_t comma; (comma = text.find(',')) != text.npos; text.remove_prefix(comma + 1))
    parts.push_back(trimmed(text.substr(0, comma)));
  parts.push_back(trimmed(text));
  return parts;
}

} // namespace

Result<Done, LiteralError> parseElement(const abi::KeyType& type, std::string_view text,
                                        std::vector<abi::KeyValue>& out) {
  const std::string_view whole = trimmed(text);
  const bool bracketed = whole.size() >= 2 && whole.front() == '(' && whole.back() == ')';
  const auto fields = split(bracketed ? whole.substr(1, whole.size() - 2) : whole);
  if (fields.size() != type.parts.size())
    return bad(fmt::format("`{}` has {} part{}, an element of {} has {}", whole, fields.size(),
                           fields.size() == 1 ? "" : "s", abi::keyTypeName(type), type.parts.size()));
  std::vector<abi::KeyValue> made(1);
  for (size_t i = 0; i < fields.size(); ++i) {
    const auto choices = expandPart(type.parts[i], fields[i]);
    if (!choices)
      return choices.error();
    if (made.size() * choices->size() > kMaxExpanded)
      return bad(fmt::format("`{}` stands for more than {} elements", whole, kMaxExpanded));
    std::vector<abi::KeyValue> longer;
    longer.reserve(made.size() * choices->size());
    for (const abi::KeyValue& begun : made)
      for (const KeyPart& choice : *choices) {
        longer.push_back(begun);
        longer.back().push_back(choice);
      }
    made = std::move(longer);
  }
  std::ranges::move(made, std::back_inserter(out));
  return Done{};
}

List parseList(const abi::KeyType& type, std::string_view text) {
  List list;
  if (text.starts_with("\xef\xbb\xbf")) // a byte order mark
    text.remove_prefix(3);
  for (size_t number = 1; !text.empty(); ++number) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    line = trimmed(line.substr(0, line.find('#')));
    if (line.empty())
      continue;
    const auto parsed = parseElement(type, line, list.elements);
    if (!parsed && ++list.mistake_count <= kMaxListMistakes)
      list.mistakes.push_back({number, parsed.error()});
  }
  return list;
}

} // namespace xdpc::sets
