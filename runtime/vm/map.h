// Maps of the embedded engine: one class a kernel map type, with the kernel's results. A value lies in the map's region
// at slot * stride, so that a looked-up pointer stays valid and is checked on every access. Entry point: makeMap.
// Tested by tests/unit/vm/map_test.cpp, ringbuf_test.cpp and map_kernel_test.cpp.
#pragma once

#include "runtime/abi/manifest.h"
#include "runtime/vm/memory.h"

#include <functional>
#include <memory>
#include <optional>

namespace xdpc::vm {

class Ringbuf;

enum class Touch : bool { no, yes }; // whether a lookup counts as a use (by a program) or not (from user space)

class Map {
public:
  explicit Map(abi::Map shape, uint64_t value_bytes) : shape_(std::move(shape)), values_(value_bytes) {}
  virtual ~Map() = default;

  const abi::Map& shape() const { return shape_; }
  uint8_t* values() const { return values_.data(); }
  uint64_t valueBytes() const { return values_.size(); } // of all of them together
  static uint64_t stride(const abi::Map& shape) { return (uint64_t{shape.value_size} + 7) / 8 * 8; }

  // Offset of the key's value in values().
  virtual std::optional<uint32_t> find(const uint8_t* key, Touch touch) = 0;
  // Zero or a negative errno. `flags` are BPF_ANY, BPF_NOEXIST, BPF_EXIST.
  virtual int update(const uint8_t* key, const uint8_t* value, uint64_t flags) = 0;
  virtual int erase(const uint8_t* key) = 0;
  // The key after `key` (null: the first), or null at the end. Valid until the map changes.
  virtual const uint8_t* next(const uint8_t* key) = 0;
  virtual Ringbuf* ringbuf() { return nullptr; }

  uint32_t region = 0; // of its values

protected:
  void setValue(uint32_t offset, const uint8_t* value) {
    std::memmove(values_.data() + offset, value, shape_.value_size); // a program may give a value of the same map
  }

private:
  abi::Map shape_;
  LazyMemory values_;
};

struct MapShapeError {
  std::string message; // "map `banned` has keys of 0 bytes"
};

// `shape` is final: sizes as they shall be created.
Result<std::unique_ptr<Map>, MapShapeError> makeMap(const abi::Map& shape);

std::unique_ptr<Map> makeArray(const abi::Map& shape);
std::unique_ptr<Map> makeHash(const abi::Map& shape);
std::unique_ptr<Map> makeLruHash(const abi::Map& shape);
std::unique_ptr<Map> makeLpmTrie(const abi::Map& shape);
std::unique_ptr<Map> makeRingbuf(const abi::Map& shape);
std::unique_ptr<Map> makeTargets(const abi::Map& shape);

} // namespace xdpc::vm
