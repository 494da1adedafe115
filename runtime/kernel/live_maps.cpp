// Map access by system call, or by plain loads and stores where the map is mapped. Tested in
// tests/runtime/engine_test.cpp.
#include "runtime/kernel/live_maps.h"

#include "runtime/kernel/grace.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <sys/mman.h>

namespace xdpc::kernel {
namespace {

using engine::MapError;

MapError mapError(const std::string& name, const char* what, int code) {
  return {code, fmt::format("cannot {} the map `{}`: {}", what, name, strerror(code))};
}

bool isPerCpu(uint32_t type) {
  return type == BPF_MAP_TYPE_PERCPU_ARRAY || type == BPF_MAP_TYPE_PERCPU_HASH || type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
}

// What a lookup writes: of per-CPU maps one value, padded to 8 bytes, a possible CPU.
size_t lookupSize(uint32_t type, uint32_t value_size) {
  if (!isPerCpu(type))
    return value_size;
  return size_t{(value_size + 7) / 8 * 8} * std::max(1, libbpf_num_possible_cpus());
}

uint64_t updateFlags(engine::Update how) {
  switch (how) {
  case engine::Update::create:
    return BPF_NOEXIST;
  case engine::Update::replace:
    return BPF_EXIST;
  case engine::Update::any:
    break;
  }
  return BPF_ANY;
}

// The kernel pads values to eight bytes.
size_t valuesSize(uint32_t value_size, uint32_t entries) {
  return (size_t{value_size} + 7) / 8 * 8 * entries;
}

size_t mappedSize(uint32_t value_size, uint32_t entries) {
  const size_t page = sysconf(_SC_PAGESIZE);
  return (valuesSize(value_size, entries) + page - 1) / page * page;
}

// A copy of all values, as they lie in a mapping: the kernel maps no array for those who may only read it. Null if
// there is no memory for it.
uint8_t* copyOf(int fd, uint32_t value_size, uint32_t entries) {
  void* memory =
      mmap(nullptr, mappedSize(value_size, entries), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    return nullptr;
  auto* const bytes = static_cast<uint8_t*>(memory);
  for (uint32_t key = 0; key < entries; ++key)
    if (bpf_map_lookup_elem(fd, &key, bytes + key * valuesSize(value_size, 1)) != 0)
      break;
  return bytes;
}

} // namespace

KernelResult<std::unique_ptr<LiveMaps>> LiveMaps::over(const abi::Manifest& manifest, std::vector<Fd> fds) {
  std::unique_ptr<LiveMaps> maps(new LiveMaps);
  for (size_t i = 0; i < fds.size(); ++i) {
    bpf_map_info info{};
    uint32_t size = sizeof info;
    if (bpf_obj_get_info_by_fd(fds[i].get(), &info, &size) != 0)
      return systemError(fmt::format("cannot ask for the map `{}`", manifest.maps[i].name), errno);
    Map& map = maps->maps_.emplace_back();
    map.fd = std::move(fds[i]);
    map.name = manifest.maps[i].name;
    map.id = info.id;
    map.type = info.type;
    map.key_size = info.key_size;
    map.value_size = info.value_size;
    map.max_entries = info.max_entries;
    map.flags = info.map_flags;
  }
  return maps;
}

LiveMaps::~LiveMaps() {
  for (const Map& map : maps_)
    if (map.memory)
      munmap(map.memory, mappedSize(map.value_size, map.max_entries));
}

Result<std::optional<abi::Bytes>, MapError> LiveMaps::lookup(uint32_t index, std::span<const uint8_t> key) const {
  const Map& map = maps_.at(index);
  if (key.size() != map.key_size)
    return mapError(map.name, "look into", EINVAL);
  abi::Bytes value(lookupSize(map.type, map.value_size));
  if (bpf_map_lookup_elem(map.fd.get(), key.data(), value.data()) == 0)
    return std::optional(std::move(value));
  if (errno == ENOENT)
    return std::optional<abi::Bytes>();
  return mapError(map.name, "look into", errno);
}

Result<Done, MapError> LiveMaps::update(uint32_t index, std::span<const uint8_t> key, std::span<const uint8_t> value,
                                        engine::Update how) {
  const Map& map = maps_.at(index);
  if (key.size() != map.key_size || value.size() != lookupSize(map.type, map.value_size))
    return mapError(map.name, "change", EINVAL);
  if (bpf_map_update_elem(map.fd.get(), key.data(), value.data(), updateFlags(how)) != 0)
    return mapError(map.name, "change", errno);
  return Done{};
}

Result<Done, MapError> LiveMaps::erase(uint32_t index, std::span<const uint8_t> key) {
  const Map& map = maps_.at(index);
  if (key.size() != map.key_size)
    return mapError(map.name, "erase from", EINVAL);
  if (bpf_map_delete_elem(map.fd.get(), key.data()) != 0)
    return mapError(map.name, "erase from", errno);
  return Done{};
}

Result<std::optional<abi::Bytes>, MapError> LiveMaps::next(uint32_t index,
                                                           std::optional<std::span<const uint8_t>> key) const {
  const Map& map = maps_.at(index);
  if (key && key->size() != map.key_size)
    return mapError(map.name, "walk", EINVAL);
  abi::Bytes following(map.key_size);
  if (bpf_map_get_next_key(map.fd.get(), key ? key->data() : nullptr, following.data()) == 0)
    return std::optional(std::move(following));
  if (errno == ENOENT)
    return std::optional<abi::Bytes>();
  return mapError(map.name, "walk", errno);
}

// The map's values in this process's memory, or null if this map cannot be mapped (or only lookups are left, as
// a frozen map refuses a writable mapping).
uint8_t* LiveMaps::mapped(const Map& map) const {
  if (!map.tried) {
    map.tried = true;
    if (map.type == BPF_MAP_TYPE_ARRAY && (map.flags & BPF_F_MMAPABLE)) {
      void* address = mmap(nullptr, mappedSize(map.value_size, map.max_entries), PROT_READ | PROT_WRITE, MAP_SHARED,
                           map.fd.get(), 0);
      map.read_only = address == MAP_FAILED && (errno == EPERM || errno == EACCES); // pinned for others to read
      if (address != MAP_FAILED)
        map.memory = static_cast<uint8_t*>(address);
    }
  }
  return map.memory;
}

Result<abi::Bytes, MapError> LiveMaps::onlyValue(const Map& map) const {
  if (map.type != BPF_MAP_TYPE_ARRAY || map.max_entries != 1)
    return mapError(map.name, "address the bytes of", EINVAL);
  abi::Bytes value(map.value_size);
  const uint32_t key = 0;
  if (bpf_map_lookup_elem(map.fd.get(), &key, value.data()) != 0)
    return mapError(map.name, "look into", errno);
  return value;
}

Result<Done, MapError> LiveMaps::read(uint32_t index, uint32_t offset, std::span<uint8_t> out) const {
  const Map& map = maps_.at(index);
  if (uint64_t{offset} + out.size() > map.value_size)
    return mapError(map.name, "read beyond", ERANGE);
  if (const uint8_t* bytes = map.max_entries == 1 ? mapped(map) : nullptr; bytes && !map.read_only) {
    // Word by word where it can be: a program may write the cell at this very moment.
    if (offset % 8 == 0 && out.size() % 8 == 0) {
      for (size_t i = 0; i < out.size(); i += 8) {
        const uint64_t word = __atomic_load_n(reinterpret_cast<const uint64_t*>(bytes + offset + i), __ATOMIC_RELAXED);
        std::memcpy(out.data() + i, &word, 8);
      }
    } else {
      std::memcpy(out.data(), bytes + offset, out.size());
    }
    return Done{};
  }
  auto value = onlyValue(map);
  if (!value)
    return value.error();
  std::memcpy(out.data(), value->data() + offset, out.size());
  return Done{};
}

Result<Done, MapError> LiveMaps::write(uint32_t index, uint32_t offset, std::span<const uint8_t> bytes) {
  const Map& map = maps_.at(index);
  if (uint64_t{offset} + bytes.size() > map.value_size)
    return mapError(map.name, "write beyond", ERANGE);
  if (uint8_t* memory = map.max_entries == 1 ? mapped(map) : nullptr; memory && !map.read_only) {
    if (offset % 8 == 0 && bytes.size() == 8) { // a lease or a deadline: never half of it
      uint64_t word;
      std::memcpy(&word, bytes.data(), 8);
      __atomic_store_n(reinterpret_cast<uint64_t*>(memory + offset), word, __ATOMIC_RELEASE);
    } else {
      std::memcpy(memory + offset, bytes.data(), bytes.size());
    }
    return Done{};
  }
  auto value = onlyValue(map);
  if (!value)
    return value.error();
  std::memcpy(value->data() + offset, bytes.data(), bytes.size());
  const uint32_t key = 0;
  if (bpf_map_update_elem(map.fd.get(), &key, value->data(), BPF_EXIST) != 0)
    return mapError(map.name, "change", errno);
  return Done{};
}

std::span<uint8_t> LiveMaps::memory(uint32_t index) const {
  const Map& map = maps_.at(index);
  uint8_t* bytes = mapped(map);
  if (!bytes && map.read_only)
    bytes = map.memory = copyOf(map.fd.get(), map.value_size, map.max_entries);
  return bytes ? std::span(bytes, valuesSize(map.value_size, map.max_entries)) : std::span<uint8_t>();
}

uint32_t LiveMaps::valueSize(uint32_t index) const {
  return maps_.at(index).value_size;
}

Result<Done, MapError> LiveMaps::awaitReaders() const {
  const auto awaited = awaitGracePeriod();
  return awaited ? Result<Done, MapError>(Done{}) : MapError{awaited.error().code, awaited.error().message};
}

} // namespace xdpc::kernel
