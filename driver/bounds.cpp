// See bounds.h.
#include "driver/bounds.h"

#include "runtime/object/fold_config.h"
#include "runtime/object/object.h"

#include <fmt/format.h>
#include <linux/bpf.h>

#include <map>
#include <set>

namespace xdpc::driver {

namespace {

void report(diag::Emitter& emitter, Span span, std::string_view what, uint64_t count, std::string_view unit,
            uint64_t bound, std::string_view flag) {
  emitter.report(diag::Id::too_large, span, fmt::format("{} {} {}, the bound is {}", what, count, unit, bound)).help =
      fmt::format("`{}` sets another bound", flag);
}

uint64_t elementsOf(const ir::Policy& policy) {
  uint64_t elements = 0;
  for (const ir::ConstSet& set : policy.const_sets)
    elements += set.elements.size();
  for (const ir::Set& set : policy.sets)
    elements += set.initial.size();
  return elements;
}

constexpr size_t kMaxUsedMaps = 64; // include/linux/bpf_verifier.h: MAX_USED_MAPS

const char* declarationOf(abi::MapRole role) {
  switch (role) {
  case abi::MapRole::exact:
  case abi::MapRole::trie:
  case abi::MapRole::lengths:
    return "sets";
  case abi::MapRole::keyed:
    return "keyed counters";
  case abi::MapRole::meter:
    return "keyed meters";
  case abi::MapRole::sockets:
    return "sockets";
  case abi::MapRole::table:
    return "tables of constants";
  default:
    return "the program itself";
  }
}

// As the kernel counts them: each that the code refers to, once. What the loader makes constant is not referred to.
std::set<uint32_t> usedMaps(const object::Object& object) {
  std::set<uint32_t> used;
  for (const object::MapReference& reference : object::foldConfig(object, object.config).references)
    used.insert(reference.map);
  return used;
}

std::string mapsByDeclaration(const abi::Manifest& manifest, const std::set<uint32_t>& used) {
  std::map<std::string, unsigned> counts;
  for (const uint32_t map : used)
    ++counts[declarationOf(manifest.maps[map].role)];
  std::string text;
  for (const auto& [declaration, count] : counts)
    text += fmt::format("{}{}: {}", text.empty() ? "" : ", ", declaration, count);
  return text;
}

} // namespace

void checkBounds(const ir::Policy& policy, const Bounds& bounds, diag::Emitter& emitter) {
  const uint64_t rules = policy.rules.size() - 1; // `default` is none
  if (rules > bounds.rules)
    report(emitter, policy.rules[bounds.rules].span, "the policy has", rules, "rules", bounds.rules, "--max-rules");
  if (const uint64_t elements = elementsOf(policy); elements > bounds.elements)
    report(emitter, policy.span, "the policy's sets are written with", elements, "elements", bounds.elements,
           "--max-elements");
}

uint64_t bytesOf(const abi::Map& map) {
  if (map.role == abi::MapRole::counters)
    return map.row_bytes;
  if (map.role == abi::MapRole::events)
    return map.max_entries;
  if (map.type == BPF_MAP_TYPE_ARRAY || map.type == BPF_MAP_TYPE_PERCPU_ARRAY)
    return uint64_t{map.max_entries} * map.value_size;
  return uint64_t{map.max_entries} * (map.key_size + map.value_size);
}

void checkBounds(const abi::Manifest& manifest, Span policy, const Bounds& bounds, diag::Emitter& emitter) {
  uint64_t memory = 0;
  for (const abi::Map& map : manifest.maps)
    memory += bytesOf(map);
  if (memory > bounds.memory)
    report(emitter, policy, "the policy's maps have", memory, "bytes", bounds.memory, "--max-memory");
}

void checkBounds(std::span<const uint8_t> object, Span policy, const Bounds& bounds, diag::Emitter& emitter) {
  if (bounds.instructions >= Bounds{}.instructions)
    return; // whoever reads the object sees to it
  const auto read = object::readObject(object);
  if (read && read->program.size() > bounds.instructions)
    report(emitter, policy, "the program has", read->program.size(), "instructions", bounds.instructions,
           "--max-instructions");
}

bool canExceedMaps(const abi::Manifest& manifest) {
  return manifest.maps.size() > kMaxUsedMaps;
}

void checkMaps(std::span<const uint8_t> bytes, Span policy, diag::Emitter& emitter) {
  const auto object = object::readObject(bytes);
  if (!object)
    return;
  const std::set<uint32_t> used = usedMaps(*object);
  if (used.size() <= kMaxUsedMaps)
    return;
  diag::Diagnostic& error =
      emitter.report(diag::Id::too_large, policy,
                     fmt::format("the program uses {} maps, the kernel's bound is {}", used.size(), kMaxUsedMaps));
  error.label = mapsByDeclaration(object->manifest, used);
  error.help = "a set of prefixes takes two maps, three for more than some 50,000, and one more where the policy adds "
               "to it; other sets, keyed meters, keyed "
               "counters and sockets take one each";
}

} // namespace xdpc::driver
