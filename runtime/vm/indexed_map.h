// Maps whose keys are the numbers 0 to max_entries - 1: arrays, and the targets of redirects.
#pragma once

#include "runtime/vm/map.h"

#include <cstring>

namespace xdpc::vm {

class IndexedMap : public Map {
public:
  using Map::Map;

  // As array_map_get_next_key of kernel/bpf/arraymap.c: after a key that is none comes the first.
  const uint8_t* next(const uint8_t* key) override {
    uint32_t index = key ? number(key) : UINT32_MAX;
    if (index == shape().max_entries - 1)
      return nullptr;
    next_ = index >= shape().max_entries ? 0 : index + 1;
    return reinterpret_cast<const uint8_t*>(&next_);
  }

protected:
  static uint32_t number(const uint8_t* bytes) {
    uint32_t out;
    std::memcpy(&out, bytes, sizeof(out));
    return out;
  }

private:
  uint32_t next_ = 0;
};

} // namespace xdpc::vm
