// engine::Maps over map descriptors: of a policy that was just loaded, or of one that is pinned. One-entry arrays that
// can be mapped into memory are, so that reading counters costs no system call. Tested in
// tests/runtime/engine_test.cpp.
#pragma once

#include "runtime/engine/maps.h"
#include "runtime/kernel/error.h"
#include "runtime/kernel/fd.h"

#include <memory>
#include <vector>

namespace xdpc::kernel {

class LiveMaps final : public engine::Maps {
public:
  // `maps` in the manifest's order.
  static KernelResult<std::unique_ptr<LiveMaps>> over(const abi::Manifest& manifest, std::vector<Fd> maps);
  ~LiveMaps() override;

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
  Result<Done, engine::MapError> awaitReaders() const override;

  size_t size() const { return maps_.size(); }
  int fd(uint32_t map) const { return maps_[map].fd.get(); }
  uint32_t id(uint32_t map) const { return maps_[map].id; }
  uint32_t type(uint32_t map) const { return maps_[map].type; }
  uint32_t keySize(uint32_t map) const { return maps_[map].key_size; }
  uint32_t maxEntries(uint32_t map) const { return maps_[map].max_entries; }

private:
  struct Map {
    Fd fd;
    std::string name;
    uint32_t id = 0, type = 0, key_size = 0, value_size = 0, max_entries = 0, flags = 0;
    mutable uint8_t* memory = nullptr; // once mapped
    mutable bool read_only = false;    // as mapped
    mutable bool tried = false;
  };
  LiveMaps() = default;
  uint8_t* mapped(const Map& map) const;
  Result<abi::Bytes, engine::MapError> onlyValue(const Map& map) const;

  std::vector<Map> maps_;
};

} // namespace xdpc::kernel
