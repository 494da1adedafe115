// Layout, keys and hash of the tables of keyed state. Tested by tests/unit/abi/keyed_table_test.cpp.
#include "runtime/abi/keyed_table.h"

#include <algorithm>

namespace xdpc::abi {
namespace {

uint64_t bigEndian(const uint8_t* bytes, unsigned count) {
  uint64_t number = 0;
  for (unsigned i = 0; i < count; ++i)
    number = number << 8 | bytes[i];
  return number;
}

void putBigEndian(uint8_t* bytes, unsigned count, uint64_t number) {
  for (unsigned i = count; i-- > 0; number >>= 8)
    bytes[i] = static_cast<uint8_t>(number);
}

bool isV4(KeyKind kind, const Prefix& prefix) {
  return kind == KeyKind::Ipv4 || kind == KeyKind::Ipv4Prefix ||
         ((kind == KeyKind::Ip || kind == KeyKind::IpPrefix) && prefix.address.family == Family::v4);
}

class Packer {
public:
  explicit Packer(const TableLayout& layout) : layout_(layout) {}

  void add(KeyKind kind, const KeyPart& part) {
    if (const auto* prefix = std::get_if<Prefix>(&part))
      return address(kind, *prefix);
    if (const auto* mac = std::get_if<Mac>(&part))
      return wide_.push_back(bigEndian(mac->bytes.data(), 6));
    const uint64_t number = std::get<uint64_t>(part);
    if (wideWords(kind))
      wide_.push_back(number);
    else
      narrow_.push_back(static_cast<uint32_t>(number));
  }

  TableKey finish() {
    TableKey key{form_, std::move(wide_)};
    for (size_t i = 0; i < narrow_.size(); i += 2)
      key.words.push_back(narrow_[i] | (i + 1 < narrow_.size() ? uint64_t{narrow_[i + 1]} << 32 : 0));
    return key;
  }

private:
  void address(KeyKind kind, const Prefix& prefix) {
    if (hasForm(kind)) {
      const uint8_t form = keyForm(prefix.address.family, prefix.length);
      if (layout_.form)
        form_ = form;
      else
        narrow_.push_back(form);
    }
    const uint8_t* bytes = prefix.address.bytes.data();
    if (!isV4(kind, prefix)) {
      wide_.push_back(bigEndian(bytes, 8));
      wide_.push_back(bigEndian(bytes + 8, 8));
    } else if (wideWords(kind)) {
      wide_.push_back(bigEndian(bytes, 4));
      wide_.push_back(0);
    } else {
      narrow_.push_back(static_cast<uint32_t>(bigEndian(bytes, 4)));
    }
  }

  const TableLayout& layout_;
  uint8_t form_ = 0;
  std::vector<uint64_t> wide_;
  std::vector<uint32_t> narrow_;
};

class Unpacker {
public:
  Unpacker(const KeyType& type, const TableLayout& layout, const TableKey& key)
      : layout_(layout), key_(key), narrow_(2 * wordsOf(type)) {}

  KeyPart take(KeyKind kind) {
    if (kind == KeyKind::Mac) {
      Mac mac;
      putBigEndian(mac.bytes.data(), 6, wide());
      return mac;
    }
    const bool whole_v4 = kind == KeyKind::Ipv4, whole_v6 = kind == KeyKind::Ipv6;
    if (!hasForm(kind) && !whole_v4 && !whole_v6)
      return wideWords(kind) ? wide() : uint64_t{narrow()};
    const uint8_t form = hasForm(kind) ? (layout_.form ? key_.form : static_cast<uint8_t>(narrow()))
                                       : (whole_v4 ? keyForm(Family::v4, 32) : keyForm(Family::v6, 128));
    Prefix prefix;
    prefix.address.family = form < 64 ? Family::v4 : Family::v6;
    prefix.length = form < 64 ? form : static_cast<uint8_t>(form - 64);
    uint8_t* bytes = prefix.address.bytes.data();
    if (!isV4(kind, prefix)) {
      putBigEndian(bytes, 8, wide());
      putBigEndian(bytes + 8, 8, wide());
    } else if (wideWords(kind)) {
      putBigEndian(bytes, 4, wide());
      ++wide_;
    } else {
      putBigEndian(bytes, 4, narrow());
    }
    return prefix;
  }

private:
  static unsigned wordsOf(const KeyType& type) {
    unsigned words = 0;
    for (KeyKind kind : type.parts)
      words += wideWords(kind);
    return words;
  }
  uint64_t wide() { return key_.words.at(wide_++); }
  uint32_t narrow() {
    const uint64_t word = key_.words.at(narrow_ / 2);
    return static_cast<uint32_t>(narrow_++ % 2 ? word >> 32 : word);
  }

  const TableLayout& layout_;
  const TableKey& key_;
  unsigned wide_ = 0, narrow_; // the latter in half words
};

uint64_t splitMix(uint64_t& state) {
  uint64_t z = state += 0x9e3779b97f4a7c15;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
  z = (z ^ z >> 27) * 0x94d049bb133111eb;
  return z ^ z >> 31;
}

} // namespace

unsigned wideWords(KeyKind kind) {
  switch (kind) {
  case KeyKind::Ip:
  case KeyKind::IpPrefix:
  case KeyKind::Ipv6:
  case KeyKind::Ipv6Prefix:
    return 2;
  case KeyKind::Mac:
  case KeyKind::U64:
    return 1;
  default:
    return 0;
  }
}

bool hasForm(KeyKind kind) {
  return isPrefix(kind) || kind == KeyKind::Ip;
}

TableLayout tableLayout(const KeyType& type, unsigned columns) {
  TableLayout layout{.columns = columns};
  const auto forms = std::count_if(type.parts.begin(), type.parts.end(), hasForm);
  layout.form = forms == 1;
  unsigned narrow = forms == 1 ? 0 : static_cast<unsigned>(forms);
  for (KeyKind kind : type.parts) {
    layout.key_words += wideWords(kind);
    narrow += wideWords(kind) == 0;
  }
  layout.key_stride = layout.key_words == 0 && narrow <= 1 ? 4 : 0;
  layout.key_words += (narrow + 1) / 2;
  if (!layout.key_stride)
    layout.key_stride = 8 * layout.key_words;
  return layout;
}

uint32_t bucketsFor(uint32_t capacity) {
  // In two buckets every key can go everywhere; in more, chance has a say.
  if (capacity <= 2 * kWays)
    return capacity <= kWays ? 1 : 2;
  return static_cast<uint32_t>((uint64_t{capacity} + kKeysPerBucket - 1) / kKeysPerBucket);
}

TableKey packKey(const KeyType& type, const KeyValue& value) {
  const TableLayout layout = tableLayout(type, 1);
  Packer packer(layout);
  for (size_t i = 0; i < type.parts.size(); ++i)
    packer.add(type.parts[i], value[i]);
  return packer.finish();
}

KeyValue unpackKey(const KeyType& type, const TableKey& key) {
  const TableLayout layout = tableLayout(type, 1);
  Unpacker unpacker(type, layout, key);
  KeyValue value;
  for (KeyKind kind : type.parts)
    value.push_back(unpacker.take(kind));
  return value;
}

HashKeys hashKeys(uint64_t seed) {
  HashKeys keys;
  for (uint64_t& key : keys)
    key = splitMix(seed) | 1;
  return keys;
}

void seedTables(Config& config, uint64_t seed) {
  config.hash_seed = seed;
  const HashKeys keys = hashKeys(seed);
  std::copy(keys.begin(), keys.end(), std::begin(config.hash_keys));
}

uint64_t hashKey(const HashKeys& keys, const TableKey& key) {
  uint64_t hash = key.form * keys[0];
  unsigned next = 1;
  for (const uint64_t word : key.words) {
    if (next + 1 >= kHashKeys) {
      hash = (hash ^ hash >> 29) * kHashMix;
      next = 1;
    }
    hash += (word & 0xffffffff) * keys[next] + (word >> 32) * keys[next + 1];
    next += 2;
  }
  return hash;
}

Placement placeKey(uint64_t hash, uint32_t buckets) {
  const uint64_t mixed = (hash ^ hash >> 29) * kHashMix;
  Placement placement{};
  placement.tag = static_cast<uint16_t>(mixed >> 49 | 1);
  const uint64_t first = (hash >> 32) * buckets >> 32;
  uint64_t second = first;
  if (buckets > 1) {
    second = first + 1 + ((mixed >> 16 & 0xffffffff) * (buckets - 1) >> 32);
    second = second >= buckets ? second - buckets : second;
  }
  placement.buckets[0] = static_cast<uint32_t>(first);
  placement.buckets[1] = static_cast<uint32_t>(second);
  return placement;
}

} // namespace xdpc::abi
