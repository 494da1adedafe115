// Checks elements that are written out: initial contents, `given`, `has`, a counter's `[key]`. A range stands for all
// of its elements. Tested by tests/unit/sema/state_test.cpp.
#include "compiler/sema/const_set.h"
#include "compiler/sema/key.h"

#include <algorithm>
#include <bit>
#include <fmt/format.h>

namespace xdpc::sema {

namespace {

using ir::u128;

constexpr size_t kMaxExpanded = 1u << 20; // elements that one written element may stand for

abi::Prefix toPrefix(ir::Domain domain, u128 number, unsigned length) {
  abi::Prefix prefix;
  prefix.address.family = domain == ir::Domain::v4 ? abi::Family::v4 : abi::Family::v6;
  const unsigned bytes = domain == ir::Domain::v4 ? 4 : 16;
  for (unsigned i = 0; i < bytes; ++i)
    prefix.address.bytes[i] = static_cast<uint8_t>(number >> (8 * (bytes - 1 - i)));
  prefix.length = static_cast<uint8_t>(length);
  return prefix;
}

unsigned trailingZeros(u128 value) {
  const auto low = static_cast<uint64_t>(value);
  return low ? static_cast<unsigned>(std::countr_zero(low))
             : 64 + static_cast<unsigned>(std::countr_zero(static_cast<uint64_t>(value >> 64)));
}

// The fewest prefixes that make up the range.
void addPrefixes(const ir::Interval& range, std::vector<abi::KeyPart>& out) {
  const unsigned bits = range.domain == ir::Domain::v4 ? 32 : 128;
  u128 low = range.low;
  while (true) {
    unsigned host = std::min(bits, low ? trailingZeros(low) : bits);
    const auto last = [&](unsigned n) { return low + (n == 128 ? ~u128{0} : (u128{1} << n) - 1); };
    while (last(host) > range.high)
      --host;
    out.push_back(toPrefix(range.domain, low, bits - host));
    if (last(host) >= range.high)
      return;
    low = last(host) + 1;
  }
}

struct Place {
  Scope& scope;
  Span span;
};

bool bad(Place place, std::string message, std::string help = "") {
  place.scope.emitter.report(diag::Id::bad_element, place.span, std::move(message)).help = std::move(help);
  return false;
}

// The address of a masked key: cut to the mask; a prefix has to have its length.
bool addMasked(Place place, const RawPart& part, Mask mask, std::vector<abi::KeyPart>& out) {
  const bool v4 = part.interval.domain == ir::Domain::v4;
  const unsigned length = v4 ? mask.v4 : mask.v6, full = v4 ? 32 : 128;
  if (!part.prefix_length || (*part.prefix_length != full && *part.prefix_length != length))
    return bad(place, fmt::format("{} is no `/{}` prefix, as this key has", quoted(part.span), length));
  abi::Prefix prefix = toPrefix(part.interval.domain, part.interval.low, length);
  prefix.address = abi::maskAddress(prefix.address, length);
  out.push_back(prefix);
  return true;
}

bool addAddresses(Place place, const RawPart& part, abi::KeyKind kind, const Mask* mask,
                  std::vector<abi::KeyPart>& out) {
  const ir::TypeKind wanted = typeOfKind(kind).kind;
  const ir::TypeKind given = part.interval.domain == ir::Domain::v4 ? ir::TypeKind::Ipv4 : ir::TypeKind::Ipv6;
  if (wanted != ir::TypeKind::Ip && wanted != given)
    return bad(place, fmt::format("{} is of the other family than `{}`", quoted(part.span), abi::keyKindName(kind)));
  if (abi::isPrefix(kind) && mask)
    return addMasked(place, part, *mask, out);
  if (abi::isPrefix(kind)) {
    addPrefixes(part.interval, out);
    return true;
  }
  if (part.prefix_length && part.interval.low != part.interval.high)
    return bad(place, fmt::format("{} is a prefix, an element is an address", quoted(part.span)),
               fmt::format("prefixes are elements of `{}.prefix`", abi::keyKindName(kind)));
  if (part.interval.high - part.interval.low >= kMaxExpanded)
    return bad(place, fmt::format("{} stands for more than {} elements", quoted(part.span), kMaxExpanded));
  for (u128 number = part.interval.low; number <= part.interval.high; ++number)
    out.push_back(toPrefix(part.interval.domain, number, given == ir::TypeKind::Ipv4 ? 32 : 128));
  return true;
}

bool addNumbers(Place place, const RawPart& part, abi::KeyKind kind, std::vector<abi::KeyPart>& out) {
  const Wide max = kind == abi::KeyKind::Bool ? 1 : *typeMax(typeOfKind(kind));
  if (part.interval.high > static_cast<u128>(max)) {
    place.scope.emitter.report(diag::Id::out_of_range, part.span,
                               fmt::format("{} does not fit {}", quoted(part.span), kindText(kind)));
    return false;
  }
  if (part.interval.high - part.interval.low >= kMaxExpanded)
    return bad(place, fmt::format("{} stands for more than {} elements", quoted(part.span), kMaxExpanded));
  for (u128 number = part.interval.low; number <= part.interval.high; ++number)
    out.push_back(static_cast<uint64_t>(number));
  return true;
}

bool addMacs(Place place, const RawPart& part, std::vector<abi::KeyPart>& out) {
  if (part.interval.high - part.interval.low >= kMaxExpanded)
    return bad(place, fmt::format("{} stands for more than {} elements", quoted(part.span), kMaxExpanded));
  for (u128 number = part.interval.low; number <= part.interval.high; ++number) {
    abi::Mac mac;
    for (int i = 0; i < 6; ++i)
      mac.bytes[i] = static_cast<uint8_t>(number >> (40 - 8 * i));
    out.push_back(mac);
  }
  return true;
}

bool addPart(Place place, const RawPart& part, abi::KeyKind kind, const Mask* mask, std::vector<abi::KeyPart>& out) {
  Category wanted = category(typeOfKind(kind));
  if (wanted == Category::boolean)
    wanted = Category::number;
  if (part.category != wanted)
    return bad(place,
               fmt::format("{} is {}, {} is needed", quoted(part.span), categoryName(part.category), kindText(kind)));
  switch (wanted) {
  case Category::address:
    return addAddresses(place, part, kind, mask, out);
  case Category::mac:
    return addMacs(place, part, out);
  default:
    return addNumbers(place, part, kind, out);
  }
}

} // namespace

std::vector<abi::Prefix> prefixesOf(const ir::Interval& range) {
  std::vector<abi::KeyPart> parts;
  addPrefixes(range, parts);
  std::vector<abi::Prefix> prefixes;
  for (const abi::KeyPart& part : parts)
    prefixes.push_back(std::get<abi::Prefix>(part));
  return prefixes;
}

bool fitsKind(Scope& scope, const RawPart& part, abi::KeyKind kind) {
  const ir::Type type = typeOfKind(kind);
  const Place place{scope, part.span};
  if (part.category != category(type))
    return bad(place,
               fmt::format("{} is {}, {} is needed", quoted(part.span), categoryName(part.category), kindText(kind)));
  const bool v4 = part.interval.domain == ir::Domain::v4;
  if (part.category == Category::address && type.kind != ir::TypeKind::Ip && (type.kind == ir::TypeKind::Ipv4) != v4)
    return bad(place, fmt::format("{} is of the other family than `{}`", quoted(part.span), abi::keyKindName(kind)));
  if (part.category != Category::number || part.interval.high <= static_cast<u128>(*typeMax(type)))
    return true;
  scope.emitter.report(diag::Id::out_of_range, part.span,
                       fmt::format("{} does not fit {}", quoted(part.span), kindText(kind)));
  return false;
}

bool checkElement(Env env, const ast::Expr& expr, const abi::KeyType& type, const std::vector<Mask>& masks,
                  std::vector<abi::KeyValue>& out) {
  const auto raw = collectElement(env, expr);
  return raw && expandElement(env.scope, *raw, type, masks, out);
}

bool expandElement(Scope& scope, const RawElement& raw, const abi::KeyType& type, const std::vector<Mask>& masks,
                   std::vector<abi::KeyValue>& out) {
  const Span span = join(raw.front().span, raw.back().span);
  if (raw.size() != type.parts.size())
    return bad({scope, span}, fmt::format("{} has {} part{}, an element is {}", quoted(span), raw.size(),
                                          raw.size() == 1 ? "" : "s", abi::keyTypeName(type)));
  std::vector<abi::KeyValue> made(1);
  for (size_t i = 0; i < raw.size(); ++i) {
    std::vector<abi::KeyPart> choices;
    const RawPart& part = raw[i];
    if (!addPart({scope, part.span}, part, type.parts[i], masks.empty() ? nullptr : &masks[i], choices))
      return false;
    if (made.size() * choices.size() > kMaxExpanded)
      return bad({scope, span}, fmt::format("{} stands for more than {} elements", quoted(span), kMaxExpanded));
    std::vector<abi::KeyValue> longer;
    for (const abi::KeyValue& begun : made)
      for (const abi::KeyPart& choice : choices) {
        longer.push_back(begun);
        longer.back().push_back(choice);
      }
    made = std::move(longer);
  }
  out.insert(out.end(), made.begin(), made.end());
  return true;
}

} // namespace xdpc::sema
