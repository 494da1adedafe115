// Chooses the class for a map and refuses shapes that the kernel would refuse, too.
#include "runtime/vm/map.h"

#include <fmt/format.h>

namespace xdpc::vm {
namespace {

constexpr uint32_t kMaxKey = 512; // MAX_BPF_STACK: a program could not hold a longer one

std::string shapeProblem(const abi::Map& shape) {
  bool ring = shape.type == BPF_MAP_TYPE_RINGBUF;
  bool targets =
      shape.type == BPF_MAP_TYPE_DEVMAP || shape.type == BPF_MAP_TYPE_CPUMAP || shape.type == BPF_MAP_TYPE_XSKMAP;
  bool array = shape.type == BPF_MAP_TYPE_ARRAY || shape.type == BPF_MAP_TYPE_PERCPU_ARRAY || targets;
  if (shape.max_entries == 0)
    return "no entries";
  if (ring && (shape.key_size != 0 || shape.value_size != 0))
    return "keys or values, and is a ring buffer";
  if (ring && (shape.max_entries % 4096 != 0 || (shape.max_entries & (shape.max_entries - 1)) != 0))
    return fmt::format("{} bytes, which is no power of two of whole pages", shape.max_entries);
  if (ring)
    return "";
  if (array ? shape.key_size != 4 : shape.key_size == 0 || shape.key_size > kMaxKey)
    return fmt::format("keys of {} bytes", shape.key_size);
  if (shape.type == BPF_MAP_TYPE_LPM_TRIE && (shape.key_size < 5 || shape.key_size > 4 + 256))
    return fmt::format("keys of {} bytes", shape.key_size);
  if (targets && shape.value_size != 4)
    return fmt::format("values of {} bytes", shape.value_size);
  if (shape.value_size == 0)
    return "values of 0 bytes";
  if (Map::stride(shape) * shape.max_entries > UINT32_MAX)
    return "more than 4 GiB of values";
  return "";
}

} // namespace

Result<std::unique_ptr<Map>, MapShapeError> makeMap(const abi::Map& shape) {
  if (std::string problem = shapeProblem(shape); !problem.empty())
    return MapShapeError{fmt::format("map `{}` has {}", shape.name, problem)};
  std::unique_ptr<Map> map;
  switch (shape.type) {
  case BPF_MAP_TYPE_ARRAY:
  case BPF_MAP_TYPE_PERCPU_ARRAY: // one CPU
    map = makeArray(shape);
    break;
  case BPF_MAP_TYPE_HASH:
    map = makeHash(shape);
    break;
  case BPF_MAP_TYPE_LRU_HASH:
    map = makeLruHash(shape);
    break;
  case BPF_MAP_TYPE_LPM_TRIE:
    map = makeLpmTrie(shape);
    break;
  case BPF_MAP_TYPE_RINGBUF:
    map = makeRingbuf(shape);
    break;
  case BPF_MAP_TYPE_DEVMAP:
  case BPF_MAP_TYPE_CPUMAP:
  case BPF_MAP_TYPE_XSKMAP:
    map = makeTargets(shape);
    break;
  default:
    return MapShapeError{
        fmt::format("map `{}` has type {}, which the embedded engine does not have", shape.name, shape.type)};
  }
  if (!map->values())
    return MapShapeError{fmt::format("no memory for map `{}`", shape.name)};
  return map;
}

} // namespace xdpc::vm
