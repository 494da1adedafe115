// The embedded engine's maps as user space sees them. Tested by tests/unit/vm/maps_test.cpp.
#pragma once

#include "runtime/engine/maps.h"
#include "runtime/vm/map.h"

namespace xdpc::vm {

class UserMaps : public engine::Maps {
public:
  explicit UserMaps(std::vector<std::unique_ptr<Map>>& maps) : maps_(maps) {}

  Result<std::optional<abi::Bytes>, engine::MapError> lookup(uint32_t map, std::span<const uint8_t> key) const override;
  Result<Done, engine::MapError> update(uint32_t map, std::span<const uint8_t> key, std::span<const uint8_t> value,
                                        engine::Update how) override;
  Result<Done, engine::MapError> erase(uint32_t map, std::span<const uint8_t> key) override;
  Result<std::optional<abi::Bytes>, engine::MapError> next(uint32_t map,
                                                           std::optional<std::span<const uint8_t>> key) const override;
  Result<Done, engine::MapError> read(uint32_t map, uint32_t offset, std::span<uint8_t> out) const override;
  Result<Done, engine::MapError> write(uint32_t map, uint32_t offset, std::span<const uint8_t> bytes) override;
  std::span<uint8_t> memory(uint32_t map) const override;
  uint32_t valueSize(uint32_t map) const override;

private:
  // The map, if it is there, has keys of that size and no ring.
  Result<Map*, engine::MapError> keyed(uint32_t map, uint64_t key_size) const;
  // Its only value from `offset`, if it has `size` bytes there.
  Result<uint8_t*, engine::MapError> part(uint32_t map, uint32_t offset, uint64_t size) const;

  std::vector<std::unique_ptr<Map>>& maps_;
};

} // namespace xdpc::vm
