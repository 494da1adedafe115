// BPF_MAP_TYPE_DEVMAP, CPUMAP and XSKMAP: arrays of what a packet is redirected to, an entry there or not. Programs
// give them to bpf_redirect_map and do not look into them. kernel/bpf/devmap.c, cpumap.c, net/xdp/xskmap.c. Tested by
// tests/unit/vm/target_map_test.cpp.
#include "runtime/vm/indexed_map.h"

#include <algorithm>
#include <cerrno>

namespace xdpc::vm {
namespace {

class Targets : public IndexedMap {
public:
  explicit Targets(const abi::Map& shape) : IndexedMap(shape, stride(shape) * shape.max_entries) {}

  std::optional<uint32_t> find(const uint8_t* key, Touch) override {
    uint32_t index = number(key);
    if (index >= shape().max_entries || number(at(index)) == 0)
      return {};
    return offset(index);
  }

  // 0 is no device, no queue and no socket.
  int update(const uint8_t* key, const uint8_t* value, uint64_t flags) override {
    uint32_t index = number(key);
    if (index >= shape().max_entries)
      return -E2BIG;
    if (flags == BPF_NOEXIST)
      return -EEXIST;
    if (flags > BPF_EXIST || number(value) == 0)
      return -EINVAL;
    setValue(offset(index), value);
    return 0;
  }

  int erase(const uint8_t* key) override {
    uint32_t index = number(key);
    if (index >= shape().max_entries)
      return -EINVAL;
    std::fill_n(at(index), sizeof(uint32_t), uint8_t{0});
    return 0;
  }

private:
  uint32_t offset(uint32_t index) const { return uint32_t(index * stride(shape())); }
  uint8_t* at(uint32_t index) const { return values() + offset(index); }
};

} // namespace

std::unique_ptr<Map> makeTargets(const abi::Map& shape) {
  return std::make_unique<Targets>(shape);
}

} // namespace xdpc::vm
