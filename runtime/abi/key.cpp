// Bytes and text of keys, part by part. Tested by tests/unit/abi/key_test.cpp.
#include "runtime/abi/key.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace xdpc::abi {
namespace {

struct KindInfo {
  KeyKind kind;
  const char* name;
  unsigned size;
  unsigned bits; // of an integer
};

constexpr KindInfo kKinds[] = {
    {KeyKind::Ip, "ip", 20, 0},     {KeyKind::IpPrefix, "ip.prefix", 20, 0},
    {KeyKind::Ipv4, "ipv4", 4, 0},  {KeyKind::Ipv4Prefix, "ipv4.prefix", 8, 0},
    {KeyKind::Ipv6, "ipv6", 16, 0}, {KeyKind::Ipv6Prefix, "ipv6.prefix", 20, 0},
    {KeyKind::Mac, "mac", 8, 0},    {KeyKind::Port, "port", 4, 16},
    {KeyKind::U8, "u8", 4, 8},      {KeyKind::U16, "u16", 4, 16},
    {KeyKind::U32, "u32", 4, 32},   {KeyKind::U64, "u64", 8, 64},
    {KeyKind::Bool, "bool", 4, 1},
};

const KindInfo& kindInfo(KeyKind kind) {
  return kKinds[static_cast<size_t>(kind)];
}

bool hasFamilyWord(KeyKind kind) {
  return kind == KeyKind::Ip || isPrefix(kind);
}

Family kindFamily(KeyKind kind) {
  return kind == KeyKind::Ipv4 || kind == KeyKind::Ipv4Prefix ? Family::v4 : Family::v6;
}

// `ip` keeps 16 bytes for either family.
unsigned addressBytes(KeyKind kind) {
  return kind == KeyKind::Ipv4 || kind == KeyKind::Ipv4Prefix ? 4 : 16;
}

template <class T> void put(Bytes& out, T value) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(&value);
  out.insert(out.end(), bytes, bytes + sizeof value);
}

template <class T> T get(std::span<const uint8_t> bytes) {
  T value{};
  std::memcpy(&value, bytes.data(), std::min(sizeof value, bytes.size()));
  return value;
}

void putAddress(Bytes& out, KeyKind kind, const Address& address) {
  out.insert(out.end(), address.bytes.begin(), address.bytes.begin() + addressBytes(kind));
}

void encodePart(Bytes& out, KeyKind kind, const KeyPart& part) {
  if (const auto* prefix = std::get_if<Prefix>(&part)) {
    if (hasFamilyWord(kind))
      out.insert(out.end(), {static_cast<uint8_t>(prefix->address.family), prefix->length, 0, 0});
    putAddress(out, kind, prefix->address);
  } else if (const auto* mac = std::get_if<Mac>(&part)) {
    out.insert(out.end(), mac->bytes.begin(), mac->bytes.end());
    out.insert(out.end(), {0, 0});
  } else if (kindInfo(kind).size == 8) {
    put(out, std::get<uint64_t>(part));
  } else {
    put(out, static_cast<uint32_t>(std::get<uint64_t>(part)));
  }
}

Address readAddress(Family family, std::span<const uint8_t> bytes) {
  Address address{family, {}};
  std::copy_n(bytes.begin(), std::min<size_t>(bytes.size(), addressBits(family) / 8), address.bytes.begin());
  return address;
}

// Bytes may come from a program's memory: a family or length that cannot be is read as the nearest that can.
Prefix readPrefix(KeyKind kind, std::span<const uint8_t> bytes) {
  if (!hasFamilyWord(kind))
    return {readAddress(kindFamily(kind), bytes), static_cast<uint8_t>(addressBits(kindFamily(kind)))};
  const Family family = bytes[0] == 4 ? Family::v4 : Family::v6;
  const auto length = static_cast<uint8_t>(std::min<unsigned>(bytes[1], addressBits(family)));
  return {readAddress(family, bytes.subspan(4)), length};
}

std::string_view trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t");
  if (begin == text.npos)
    return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

LiteralError wrongKind(std::string_view text, std::string_view expected) {
  return {fmt::format("`{}` is not {}", text, expected), {}, "bad-address"};
}

Literal<KeyPart> parsePrefixPart(KeyKind kind, std::string_view text) {
  const auto prefix = parsePrefix(text);
  if (!prefix)
    return prefix.error();
  const Family family = prefix->address.family;
  const bool any_family = kind == KeyKind::Ip || kind == KeyKind::IpPrefix;
  if (!any_family && family != kindFamily(kind))
    return wrongKind(text, kindFamily(kind) == Family::v4 ? "an IPv4 address" : "an IPv6 address");
  if (!isPrefix(kind) && prefix->length != addressBits(family))
    return wrongKind(text, "a single address");
  return KeyPart{*prefix};
}

Literal<KeyPart> parseInteger(KeyKind kind, std::string_view text) {
  if (kind == KeyKind::Bool && (text == "true" || text == "false"))
    return KeyPart{uint64_t{text == "true"}};
  const auto number = parseNumber(text);
  if (!number)
    return number.error();
  const unsigned bits = kindInfo(kind).bits;
  if (bits < 64 && *number >> bits)
    return LiteralError{
        fmt::format("`{}` is too large for {}: at most {}", text, keyKindName(kind), (1ull << bits) - 1),
        {},
        "number-too-large"};
  return KeyPart{*number};
}

Literal<KeyPart> parsePart(KeyKind kind, std::string_view text) {
  if (kind == KeyKind::Mac) {
    const auto mac = parseMac(text);
    return mac ? Literal<KeyPart>(KeyPart{*mac}) : Literal<KeyPart>(mac.error());
  }
  return kindInfo(kind).bits ? parseInteger(kind, text) : parsePrefixPart(kind, text);
}

std::vector<std::string_view> tupleParts(std::string_view text) {
  std::vector<std::string_view> parts;
  for (size_t comma; (comma = text.find(',')) != text.npos; text.remove_prefix(comma + 1))
    parts.push_back(trim(text.substr(0, comma)));
  parts.push_back(trim(text));
  return parts;
}

// Bits of the trie key in front of the address.
unsigned trieLeadBits(const KeyType& type, KeyKind prefix) {
  const unsigned others = keySize(type) - keyKindSize(prefix);
  return 8 * (others + (prefix == KeyKind::IpPrefix ? 4 : 0));
}

} // namespace

const char* keyKindName(KeyKind kind) {
  return kindInfo(kind).name;
}

std::optional<KeyKind> keyKindByName(std::string_view name) {
  for (const KindInfo& info : kKinds)
    if (name == info.name)
      return info.kind;
  return std::nullopt;
}

bool isPrefix(KeyKind kind) {
  return kind == KeyKind::IpPrefix || kind == KeyKind::Ipv4Prefix || kind == KeyKind::Ipv6Prefix;
}

unsigned keyKindSize(KeyKind kind) {
  return kindInfo(kind).size;
}

unsigned keySize(const KeyType& type) {
  unsigned size = 0;
  for (KeyKind kind : type.parts)
    size += keyKindSize(kind);
  return size;
}

std::string keyTypeName(const KeyType& type) {
  if (type.parts.size() == 1)
    return keyKindName(type.parts[0]);
  std::string name;
  for (KeyKind kind : type.parts)
    name += (name.empty() ? "" : ", ") + std::string(keyKindName(kind));
  return "(" + name + ")";
}

std::optional<unsigned> prefixPart(const KeyType& type) {
  const auto found = std::find_if(type.parts.begin(), type.parts.end(), isPrefix);
  if (found == type.parts.end())
    return std::nullopt;
  return static_cast<unsigned>(found - type.parts.begin());
}

Bytes encodeKey(const KeyType& type, const KeyValue& value) {
  Bytes out;
  for (size_t i = 0; i < type.parts.size(); ++i)
    encodePart(out, type.parts[i], value[i]);
  return out;
}

KeyPart decodeKeyPart(KeyKind kind, std::span<const uint8_t> bytes) {
  if (kind == KeyKind::Mac) {
    Mac mac;
    std::copy_n(bytes.begin(), mac.bytes.size(), mac.bytes.begin());
    return mac;
  }
  if (kindInfo(kind).bits == 0)
    return readPrefix(kind, bytes);
  return kindInfo(kind).size == 8 ? get<uint64_t>(bytes) : uint64_t{get<uint32_t>(bytes)};
}

KeyValue decodeKey(const KeyType& type, std::span<const uint8_t> bytes) {
  KeyValue value;
  size_t offset = 0;
  for (KeyKind kind : type.parts) {
    value.push_back(decodeKeyPart(kind, bytes.subspan(offset, keyKindSize(kind))));
    offset += keyKindSize(kind);
  }
  return value;
}

unsigned trieKeySize(const KeyType& type) {
  const auto part = prefixPart(type);
  if (!part)
    return 0;
  const KeyKind kind = type.parts[*part];
  return 4 + trieLeadBits(type, kind) / 8 + addressBytes(kind);
}

Bytes encodeTrieKey(const KeyType& type, const KeyValue& value) {
  const unsigned part = *prefixPart(type);
  const KeyKind kind = type.parts[part];
  const Prefix& prefix = std::get<Prefix>(value[part]);
  Bytes out;
  put(out, uint32_t{trieLeadBits(type, kind) + prefix.length});
  for (size_t i = 0; i < type.parts.size(); ++i)
    if (i != part)
      encodePart(out, type.parts[i], value[i]);
  if (kind == KeyKind::IpPrefix)
    out.insert(out.end(), {static_cast<uint8_t>(prefix.address.family), 0, 0, 0});
  putAddress(out, kind, prefix.address);
  return out;
}

KeyValue decodeTrieKey(const KeyType& type, std::span<const uint8_t> bytes) {
  const unsigned part = *prefixPart(type);
  const KeyKind kind = type.parts[part];
  const unsigned lead = trieLeadBits(type, kind);
  const uint32_t bits = get<uint32_t>(bytes);
  KeyValue value;
  size_t offset = 4;
  for (size_t i = 0; i < type.parts.size(); ++i) {
    value.push_back(i == part ? KeyPart{}
                              : decodeKeyPart(type.parts[i], bytes.subspan(offset, keyKindSize(type.parts[i]))));
    offset += i == part ? 0 : keyKindSize(type.parts[i]);
  }
  Family family = kindFamily(kind);
  if (kind == KeyKind::IpPrefix) {
    family = bytes[offset] == 4 ? Family::v4 : Family::v6;
    offset += 4;
  }
  const unsigned length = std::min(bits < lead ? 0 : bits - lead, addressBits(family));
  value[part] = Prefix{readAddress(family, bytes.subspan(offset)), static_cast<uint8_t>(length)};
  return value;
}

Literal<KeyValue> parseKey(const KeyType& type, std::string_view text) {
  const std::string_view whole = trim(text);
  const bool bracketed = whole.size() >= 2 && whole.front() == '(' && whole.back() == ')';
  const auto parts = bracketed ? tupleParts(whole.substr(1, whole.size() - 2)) : std::vector{whole};
  if (parts.size() != type.parts.size())
    return LiteralError{fmt::format("`{}` has {} part{}, an element of {} has {}", whole, parts.size(),
                                    parts.size() == 1 ? "" : "s", keyTypeName(type), type.parts.size()),
                        {},
                        "bad-element"};
  KeyValue value;
  for (size_t i = 0; i < parts.size(); ++i) {
    auto part = parsePart(type.parts[i], parts[i]);
    if (!part)
      return part.error();
    value.push_back(std::move(*part));
  }
  return value;
}

void appendKeyPart(std::string& to, KeyKind kind, const KeyPart& part) {
  if (const auto* prefix = std::get_if<Prefix>(&part)) {
    if (prefix->length == addressBits(prefix->address.family))
      append(to, prefix->address);
    else
      append(to, *prefix);
  } else if (const auto* mac = std::get_if<Mac>(&part)) {
    append(to, *mac);
  } else if (const uint64_t number = std::get<uint64_t>(part); kind == KeyKind::Bool) {
    to += number ? "true" : "false";
  } else {
    const fmt::format_int digits(number);
    to.append(digits.data(), digits.size());
  }
}

std::string formatKey(const KeyType& type, const KeyValue& value) {
  std::string text;
  if (type.parts.size() == 1) {
    appendKeyPart(text, type.parts[0], value[0]);
    return text;
  }
  for (size_t i = 0; i < type.parts.size(); ++i) {
    text += i ? ", " : "(";
    appendKeyPart(text, type.parts[i], value[i]);
  }
  return text + ")";
}

bool covers(const KeyType& type, const KeyValue& element, const KeyValue& key) {
  for (size_t i = 0; i < type.parts.size(); ++i) {
    if (!isPrefix(type.parts[i])) {
      if (element[i] != key[i])
        return false;
    } else if (!covers(std::get<Prefix>(element[i]), std::get<Prefix>(key[i]))) {
      return false;
    }
  }
  return true;
}

} // namespace xdpc::abi
