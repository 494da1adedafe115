// Access to the maps of one loaded policy, the same for the embedded engine, a test load and a pinned live policy.
// Sets, counters, meters and events are written once over it. Maps are named by their index in the manifest.
#pragma once

#include "runtime/abi/key.h"
#include "runtime/abi/result.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace xdpc::engine {

struct MapError {
  int code = 0;        // errno of the kernel's bpf() manual page: ENOENT, E2BIG, EEXIST …
  std::string message; // one line, names the map
};

enum class Update { any, create, replace }; // BPF_ANY, BPF_NOEXIST, BPF_EXIST

class Maps {
public:
  virtual ~Maps() = default;
  virtual Result<std::optional<abi::Bytes>, MapError> lookup(uint32_t map, std::span<const uint8_t> key) const = 0;
  virtual Result<Done, MapError> update(uint32_t map, std::span<const uint8_t> key, std::span<const uint8_t> value,
                                        Update how) = 0;
  virtual Result<Done, MapError> erase(uint32_t map, std::span<const uint8_t> key) = 0; // ENOENT if it is not there
  // Key after `key`, or the first one without it; nothing at the end.
  virtual Result<std::optional<abi::Bytes>, MapError> next(uint32_t map,
                                                           std::optional<std::span<const uint8_t>> key) const = 0;
  // Part of the only value of a one-entry array. write: never to a word that a program writes.
  virtual Result<Done, MapError> read(uint32_t map, uint32_t offset, std::span<uint8_t> out) const = 0;
  virtual Result<Done, MapError> write(uint32_t map, uint32_t offset, std::span<const uint8_t> bytes) = 0;
  // The values of an array that can be mapped, one after another, as programs see them at this moment; empty if there
  // is no such. Only atomic accesses, by the rules of keyed_table.h.
  virtual std::span<uint8_t> memory(uint32_t map) const = 0;
  virtual uint32_t valueSize(uint32_t map) const = 0; // as created: of `counters` with this machine's rows
  // Returns when every run of a program that was under way has ended.
  virtual Result<Done, MapError> awaitReaders() const { return Done{}; }
};

} // namespace xdpc::engine
