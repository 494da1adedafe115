// Random changes of a set, each compared with a plain list of elements. Maps may be in memory or in the kernel.
#pragma once

#include "runtime/sets/sets.h"
#include "tests/support/set_policy.h"

#include <map>
#include <random>

namespace xdpc::test {

// A set as a plain list of elements.
struct SetModel {
  abi::KeyType type;
  std::map<abi::KeyValue, uint64_t> elements;

  bool has(const abi::KeyValue& key, uint64_t now) const {
    for (const auto& [element, end] : elements)
      if (now < end && abi::covers(type, element, key))
        return true;
    return false;
  }
};

// Few distinct bits, so that elements nest.
inline abi::KeyValue randomKey(std::mt19937& random, const abi::KeyType& type, bool whole) {
  abi::KeyValue key;
  for (abi::KeyKind kind : type.parts) {
    if (!abi::isPrefix(kind)) {
      key.push_back(uint64_t{random() % 2});
      continue;
    }
    const bool v4 = kind == abi::KeyKind::Ipv4Prefix || (kind == abi::KeyKind::IpPrefix && random() % 2);
    const auto family = v4 ? abi::Family::v4 : abi::Family::v6;
    abi::Address address{family, {}};
    address.bytes[0] = static_cast<uint8_t>(random() % 2 << 7 | random() % 2);
    address.bytes[1] = static_cast<uint8_t>(random() % 2 << 7);
    const unsigned bits = abi::addressBits(family);
    const unsigned length = whole ? bits : std::min<unsigned>(bits, random() % 18);
    key.push_back(abi::Prefix{abi::maskAddress(address, length), static_cast<uint8_t>(length)});
  }
  return key;
}

// 300 random changes of the policy's only set; after each, what the set says is what the model says.
inline void compareWithModel(engine::Maps& maps, const abi::Manifest& manifest, unsigned seed) {
  const abi::Set& set = manifest.sets[0];
  const abi::KeyType& type = set.key;
  SetModel model{type, {}};
  std::mt19937 random(seed);
  uint64_t now = 1'000;
  for (int step = 0; step < 300; ++step, now += random() % 20) {
    const std::vector<abi::KeyValue> key = {randomKey(random, type, random() % 8 == 0)};
    const uint64_t ttl = random() % 200;
    switch (random() % 3) {
    case 0:
      model.elements.erase(key[0]);
      (void)sets::remove(maps, manifest, set, key, now);
      break;
    case 1:
      model.elements[key[0]] = now + ttl;
      unwrap(sets::add(maps, manifest, set, key, {now, ttl, true}));
      break;
    default:
      model.elements[key[0]] = std::max(model.elements[key[0]], now + ttl);
      unwrap(sets::add(maps, manifest, set, key, {now, ttl, false}));
    }
    for (int probe = 0; probe < 30; ++probe) {
      const abi::KeyValue wanted = randomKey(random, type, true);
      ASSERT_EQ(unwrap(sets::has(maps, manifest, set, wanted, now)), model.has(wanted, now))
          << "step " << step << ", " << abi::formatKey(type, wanted);
    }
  }
}

} // namespace xdpc::test
