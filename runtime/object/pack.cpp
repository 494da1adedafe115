// A version, then each part behind its length, in this machine's byte order: maps do not travel.
#include "runtime/object/pack.h"

#include <algorithm>
#include <cstring>

namespace xdpc::object {
namespace {

constexpr uint64_t kVersion = 1;

class Packer {
public:
  std::vector<uint8_t> bytes;

  template <class T> void number(T value) {
    const auto wide = static_cast<uint64_t>(value);
    raw(&wide, sizeof wide);
  }
  template <class T> void part(std::span<const T> items) {
    number(items.size());
    raw(items.data(), items.size_bytes());
  }

private:
  void raw(const void* data, size_t size) {
    const auto* first = static_cast<const uint8_t*>(data);
    bytes.insert(bytes.end(), first, first + size);
  }
};

class Unpacker {
public:
  explicit Unpacker(std::span<const uint8_t> bytes) : left_(bytes) {}

  bool failed() const { return failed_; }

  uint64_t number() {
    uint64_t value = 0;
    raw(&value, sizeof value);
    return value;
  }
  template <class T> std::vector<T> part() {
    const uint64_t count = number();
    if (count > left_.size() / sizeof(T))
      failed_ = true;
    std::vector<T> items(failed_ ? 0 : count);
    raw(items.data(), items.size() * sizeof(T));
    return items;
  }

private:
  void raw(void* out, size_t size) {
    if (size > left_.size())
      failed_ = true;
    if (failed_ || size == 0)
      return;
    std::memcpy(out, left_.data(), size);
    left_ = left_.subspan(size);
  }

  std::span<const uint8_t> left_;
  bool failed_ = false;
};

// As it is packed: MapReference without holes.
struct Reference {
  uint32_t instruction, map, value, offset;
};

bool isWhole(const Object& object, const std::vector<Reference>& references, size_t maps) {
  return std::ranges::all_of(references, [&](const Reference& reference) {
    return reference.map < maps && reference.instruction + uint64_t{1} < object.program.size();
  });
}

} // namespace

std::vector<uint8_t> packCode(const Object& object) {
  Packer packer;
  packer.number(kVersion);
  packer.part(std::span<const Instruction>(object.program));
  std::vector<Reference> references;
  for (const MapReference& reference : object.references)
    references.push_back({reference.instruction, reference.map, reference.value, reference.offset});
  packer.part(std::span<const Reference>(references));
  packer.part(std::span<const uint8_t>(object.btf));
  packer.part(std::span<const uint8_t>(object.func_info));
  packer.part(std::span<const uint8_t>(object.line_info));
  packer.number(object.func_info_size);
  packer.number(object.line_info_size);
  packer.part(std::span<const char>(object.license));
  packer.part(std::span<const abi::Config>(&object.config, 1));
  return std::move(packer.bytes);
}

Result<Object, ObjectError> unpackCode(std::span<const uint8_t> bytes, size_t maps) {
  Unpacker unpacker(bytes);
  const ObjectError bad{"the pinned code cannot be read"};
  if (unpacker.number() != kVersion)
    return bad;
  Object object;
  object.program = unpacker.part<Instruction>();
  const auto references = unpacker.part<Reference>();
  object.btf = unpacker.part<uint8_t>();
  object.func_info = unpacker.part<uint8_t>();
  object.line_info = unpacker.part<uint8_t>();
  object.func_info_size = static_cast<uint32_t>(unpacker.number());
  object.line_info_size = static_cast<uint32_t>(unpacker.number());
  const auto license = unpacker.part<char>();
  const auto config = unpacker.part<abi::Config>();
  if (unpacker.failed() || config.size() != 1 || !isWhole(object, references, maps))
    return bad;
  object.license.assign(license.begin(), license.end());
  object.config = config.front();
  for (const Reference& reference : references)
    object.references.push_back({reference.instruction, reference.map, reference.value != 0, reference.offset});
  return object;
}

} // namespace xdpc::object
