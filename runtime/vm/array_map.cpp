// BPF_MAP_TYPE_ARRAY, and PERCPU_ARRAY as seen by one CPU: all entries exist from the start. kernel/bpf/arraymap.c.
#include "runtime/vm/indexed_map.h"

#include <cerrno>

namespace xdpc::vm {
namespace {

// The one value of a one-entry array ends where it ends; programs address it directly.
uint64_t arrayBytes(const abi::Map& shape) {
  return shape.max_entries == 1 ? shape.value_size : Map::stride(shape) * shape.max_entries;
}

class Array : public IndexedMap {
public:
  explicit Array(const abi::Map& shape) : IndexedMap(shape, arrayBytes(shape)), stride_(stride(shape)) {}

  std::optional<uint32_t> find(const uint8_t* key, Touch) override {
    uint32_t index = number(key);
    if (index >= shape().max_entries)
      return {};
    return uint32_t(index * stride_);
  }

  int update(const uint8_t* key, const uint8_t* value, uint64_t flags) override {
    if (flags > BPF_EXIST)
      return -EINVAL;
    auto offset = find(key, Touch::no);
    if (!offset)
      return -E2BIG;
    if (flags == BPF_NOEXIST)
      return -EEXIST;
    setValue(*offset, value);
    return 0;
  }

  int erase(const uint8_t*) override { return -EINVAL; }

private:
  uint64_t stride_;
};

} // namespace

std::unique_ptr<Map> makeArray(const abi::Map& shape) {
  return std::make_unique<Array>(shape);
}

} // namespace xdpc::vm
