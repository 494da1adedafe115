// See bounds.h.
#include "driver/bounds.h"

#include "runtime/object/object.h"

#include <fmt/format.h>
#include <linux/bpf.h>

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

} // namespace

void checkBounds(const ir::Policy& policy, const Bounds& bounds, diag::Emitter& emitter) {
  const uint64_t rules = policy.rules.size() - 1; // `default` is none
  if (rules > bounds.rules)
    report(emitter, policy.rules[bounds.rules].span, "the policy has", rules, "rules", bounds.rules, "--max-rules");
  if (const uint64_t elements = elementsOf(policy); elements > bounds.elements)
    report(emitter, {}, "the policy's sets are written with", elements, "elements", bounds.elements, "--max-elements");
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

void checkBounds(const abi::Manifest& manifest, const Bounds& bounds, diag::Emitter& emitter) {
  uint64_t memory = 0;
  for (const abi::Map& map : manifest.maps)
    memory += bytesOf(map);
  if (memory > bounds.memory)
    report(emitter, {}, "the policy's maps have", memory, "bytes", bounds.memory, "--max-memory");
}

void checkBounds(std::span<const uint8_t> object, const Bounds& bounds, diag::Emitter& emitter) {
  if (bounds.instructions >= Bounds{}.instructions)
    return; // whoever reads the object sees to it
  const auto read = object::readObject(object);
  if (read && read->program.size() > bounds.instructions)
    report(emitter, {}, "the program has", read->program.size(), "instructions", bounds.instructions,
           "--max-instructions");
}

} // namespace xdpc::driver
