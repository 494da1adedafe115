// How elements of sets, keys of meters and counters, and fields of events lie in memory. The compiler's lowering writes
// these bytes in the data path; the runtime writes and reads them from user space. Part of the ABI (see abi.h).
//
//   ip         20 bytes: u8 family (4|6), u8 prefix length (32|128), u16 0, 16 bytes of address (IPv4 in the first 4)
//   ip.prefix  20 bytes: the same with its own prefix length and host bits zero (a masked address is this, too)
//   ipv4, ipv6  4 / 16 bytes of address; ipv4.prefix, ipv6.prefix put {u8 family, u8 length, u16 0} before it
//   mac         8 bytes: 6 of address, 2 zero
//   integers up to 32 bits (bool, u8, u16, u32, port): 4 bytes, host order; up to 64 bits: 8 bytes, host order
//
// A key is its parts one after another; every part is a multiple of 4 bytes, so a key has no padding.
//
// An element of a prefix set in the kernel's LPM trie (key of `trie_map`): u32 prefixlen in bits, then all parts but
// the prefix in their order, then the prefix's family word {u8 family, 0, 0, 0} (ip.prefix only), then its address (4
// or 16 bytes). prefixlen counts from behind the u32: all bits of the other parts, 32 for the family word, the prefix
// length.
#pragma once

#include "runtime/abi/abi.h"
#include "runtime/abi/address.h"
#include "runtime/abi/literal.h"

#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace xdpc::abi {

enum class KeyKind : uint8_t { Ip, IpPrefix, Ipv4, Ipv4Prefix, Ipv6, Ipv6Prefix, Mac, Port, U8, U16, U32, U64, Bool };

struct KeyType {
  std::vector<KeyKind> parts;
  bool operator==(const KeyType&) const = default;
};

struct PrefixLength {
  Family family = Family::v4;
  uint8_t length = 0;
  bool operator==(const PrefixLength&) const = default;
};

using KeyPart = std::variant<uint64_t, Prefix, Mac>; // addresses are full-length prefixes
using KeyValue = std::vector<KeyPart>;               // one per part of the type
using Bytes = std::vector<uint8_t>;

const char* keyKindName(KeyKind kind); // "ip.prefix", as in the language
std::optional<KeyKind> keyKindByName(std::string_view name);
bool isPrefix(KeyKind kind);
unsigned keyKindSize(KeyKind kind);
unsigned keySize(const KeyType& type);
std::string keyTypeName(const KeyType& type);            // "ip" or "(ip, port)"
std::optional<unsigned> prefixPart(const KeyType& type); // index of the part that is a prefix

Bytes encodeKey(const KeyType& type, const KeyValue& value);
KeyValue decodeKey(const KeyType& type, std::span<const uint8_t> bytes);
KeyPart decodeKeyPart(KeyKind kind, std::span<const uint8_t> bytes); // keyKindSize(kind) of them

unsigned trieKeySize(const KeyType& type); // with the u32 prefixlen; 0 if the type has no prefix
Bytes encodeTrieKey(const KeyType& type, const KeyValue& value);
KeyValue decodeTrieKey(const KeyType& type, std::span<const uint8_t> bytes);

// `192.0.2.7` or `(192.0.2.7, 443)`: as in the language. The type's widths are checked.
Literal<KeyValue> parseKey(const KeyType& type, std::string_view text);
std::string formatKey(const KeyType& type, const KeyValue& value);      // full-length prefixes print as bare addresses
void appendKeyPart(std::string& to, KeyKind kind, const KeyPart& part); // the same of one part, behind what is there

// Does the set's element cover the key? Equal in all parts, the prefix part by longest match.
bool covers(const KeyType& type, const KeyValue& element, const KeyValue& key);

} // namespace xdpc::abi
