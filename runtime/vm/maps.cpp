// See maps.h. Errors are those that the kernel's bpf() gives for the same call.
#include "runtime/vm/maps.h"

#include <cerrno>
#include <fmt/format.h>

namespace xdpc::vm {
namespace {

using engine::MapError;

MapError mapError(const Map& map, int code) {
  const std::string& name = map.shape().name;
  switch (code) {
  case E2BIG:
  case ENOSPC:
    return {code, fmt::format("map `{}` is full", name)};
  case EEXIST:
    return {code, fmt::format("the key is already in map `{}`", name)};
  case ENOENT:
    return {code, fmt::format("the key is not in map `{}`", name)};
  default:
    return {code, fmt::format("map `{}`: {}", name, strerror(code))};
  }
}

uint64_t updateFlags(engine::Update how) {
  return how == engine::Update::any ? BPF_ANY : how == engine::Update::create ? BPF_NOEXIST : BPF_EXIST;
}

} // namespace

Result<Map*, MapError> UserMaps::keyed(uint32_t map, uint64_t key_size) const {
  if (map >= maps_.size())
    return MapError{EBADF, fmt::format("no map {}", map)};
  Map* found = maps_[map].get();
  if (found->ringbuf())
    return mapError(*found, EOPNOTSUPP);
  if (found->shape().key_size != key_size)
    return MapError{EINVAL, fmt::format("map `{}` has keys of {} bytes, not {}", found->shape().name,
                                        found->shape().key_size, key_size)};
  return found;
}

Result<std::optional<abi::Bytes>, MapError> UserMaps::lookup(uint32_t map, std::span<const uint8_t> key) const {
  auto found = keyed(map, key.size());
  if (!found)
    return found.error();
  auto offset = (*found)->find(key.data(), Touch::no);
  if (!offset)
    return std::optional<abi::Bytes>{};
  const uint8_t* value = (*found)->values() + *offset;
  return std::optional<abi::Bytes>(abi::Bytes(value, value + (*found)->shape().value_size));
}

Result<Done, MapError> UserMaps::update(uint32_t map, std::span<const uint8_t> key, std::span<const uint8_t> value,
                                        engine::Update how) {
  auto found = keyed(map, key.size());
  if (!found)
    return found.error();
  if ((*found)->shape().value_size != value.size())
    return MapError{EINVAL, fmt::format("map `{}` has values of {} bytes, not {}", (*found)->shape().name,
                                        (*found)->shape().value_size, value.size())};
  if (int code = (*found)->update(key.data(), value.data(), updateFlags(how)); code != 0)
    return mapError(**found, -code);
  return Done{};
}

Result<Done, MapError> UserMaps::erase(uint32_t map, std::span<const uint8_t> key) {
  auto found = keyed(map, key.size());
  if (!found)
    return found.error();
  if (int code = (*found)->erase(key.data()); code != 0)
    return mapError(**found, -code);
  return Done{};
}

Result<std::optional<abi::Bytes>, MapError> UserMaps::next(uint32_t map,
                                                           std::optional<std::span<const uint8_t>> key) const {
  auto found = keyed(map, key ? key->size() : map < maps_.size() ? maps_[map]->shape().key_size : 0);
  if (!found)
    return found.error();
  const uint8_t* following = (*found)->next(key ? key->data() : nullptr);
  if (!following)
    return std::optional<abi::Bytes>{};
  return std::optional<abi::Bytes>(abi::Bytes(following, following + (*found)->shape().key_size));
}

Result<uint8_t*, MapError> UserMaps::part(uint32_t map, uint32_t offset, uint64_t size) const {
  if (map >= maps_.size())
    return MapError{EBADF, fmt::format("no map {}", map)};
  const Map& found = *maps_[map];
  if (found.shape().type != BPF_MAP_TYPE_ARRAY || found.shape().max_entries != 1)
    return MapError{EINVAL, fmt::format("map `{}` is no array of one entry", found.shape().name)};
  if (offset + size > found.shape().value_size)
    return MapError{EINVAL, fmt::format("map `{}` has {} bytes, not {}", found.shape().name, found.shape().value_size,
                                        offset + size)};
  return found.values() + offset;
}

Result<Done, MapError> UserMaps::read(uint32_t map, uint32_t offset, std::span<uint8_t> out) const {
  auto from = part(map, offset, out.size());
  if (!from)
    return from.error();
  std::memcpy(out.data(), *from, out.size());
  return Done{};
}

Result<Done, MapError> UserMaps::write(uint32_t map, uint32_t offset, std::span<const uint8_t> bytes) {
  auto to = part(map, offset, bytes.size());
  if (!to)
    return to.error();
  std::memcpy(*to, bytes.data(), bytes.size());
  return Done{};
}

std::span<uint8_t> UserMaps::memory(uint32_t map) const {
  if (map >= maps_.size() || maps_[map]->shape().type != BPF_MAP_TYPE_ARRAY)
    return {};
  return {maps_[map]->values(), maps_[map]->valueBytes()};
}

uint32_t UserMaps::valueSize(uint32_t map) const {
  return map < maps_.size() ? maps_[map]->shape().value_size : 0;
}

} // namespace xdpc::vm
