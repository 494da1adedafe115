// Creates maps with the sizes that depend on the machine. Tested in tests/runtime/load_test.cpp.
#include "runtime/kernel/map.h"

#include "runtime/abi/capture.h"

#include <algorithm>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <limits>
#include <unistd.h>

namespace xdpc::kernel {
namespace {

KernelError mapError(const abi::Map& map, uint64_t value_size, uint64_t entries, int code) {
  const std::string situation =
      fmt::format("cannot create the map `{}` ({} entries of {} bytes)", map.name, entries, map.key_size + value_size);
  if (code == ENOMEM || code == E2BIG)
    return {ErrorKind::refused,
            code,
            fmt::format("{}: {}", situation, strerror(code)),
            {},
            "lower the capacity that the policy declares"};
  return systemError(situation, code);
}

KernelResult<Fd> createMap(const abi::Map& map, uint32_t cpus, uint32_t frame_ring_bytes) {
  uint64_t value_size = map.value_size;
  if (map.role == abi::MapRole::counters)
    value_size = uint64_t{cpus} * map.row_bytes;
  uint64_t entries = map.max_entries + uint64_t{map.spare_per_cpu} * cpus;
  if (map.role ==
      abi::MapRole::cpus) // the kernel makes none for more; those that are missing are targets.cpp's to tell
    entries = std::min<uint64_t>(entries, cpus);
  if (map.name == abi::kFramesMap)
    entries = frame_ring_bytes;
  constexpr uint64_t kLimit = std::numeric_limits<uint32_t>::max();
  if (value_size > kLimit || entries > kLimit)
    return mapError(map, value_size, entries, E2BIG);
  LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = map.flags);
  Fd fd(bpf_map_create(static_cast<bpf_map_type>(map.type), kernelName(map.name).c_str(), map.key_size,
                       static_cast<uint32_t>(value_size), static_cast<uint32_t>(entries), &options));
  if (!fd)
    return mapError(map, value_size, entries, errno);
  return fd;
}

KernelResult<Done> writeAndFreeze(const abi::Map& map, const Fd& fd, const std::vector<uint8_t>& value) {
  const uint32_t key = 0;
  if (bpf_map_update_elem(fd.get(), &key, value.data(), BPF_ANY) != 0)
    return systemError(fmt::format("cannot write the map `{}`", map.name), errno);
  if (bpf_map_freeze(fd.get()) != 0)
    return systemError(fmt::format("cannot freeze the map `{}`", map.name), errno);
  return Done{};
}

} // namespace

std::string kernelName(std::string_view name) {
  std::string clean(name.substr(0, BPF_OBJ_NAME_LEN - 1));
  for (char& c : clean)
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '_' && c != '.')
      c = '_';
  return clean;
}

KernelResult<uint32_t> possibleCpus() {
  const int cpus = libbpf_num_possible_cpus();
  if (cpus <= 0)
    return systemError("cannot tell the number of possible CPUs", -cpus);
  return static_cast<uint32_t>(cpus);
}

KernelResult<std::vector<Fd>> createMaps(const abi::Manifest& manifest) {
  const auto cpus = possibleCpus();
  if (!cpus)
    return cpus.error();
  std::vector<Fd> maps;
  for (const auto& map : manifest.maps) {
    auto fd = createMap(map, *cpus, static_cast<uint32_t>(sysconf(_SC_PAGESIZE)));
    if (!fd)
      return fd.error();
    maps.push_back(std::move(*fd));
  }
  return maps;
}

KernelResult<Done> completeMaps(const abi::Manifest& manifest, std::vector<Fd>& maps, uint32_t frame_ring_bytes) {
  const auto cpus = possibleCpus();
  if (!cpus)
    return cpus.error();
  for (size_t i = 0; i < maps.size(); ++i) {
    if (maps[i])
      continue;
    auto fd = createMap(manifest.maps[i], *cpus, frame_ring_bytes);
    if (!fd)
      return fd.error();
    maps[i] = std::move(*fd);
  }
  return Done{};
}

KernelResult<Done> fillConfig(const abi::Manifest& manifest, const std::vector<Fd>& maps, const abi::Config& config) {
  for (size_t i = 0; i < maps.size(); ++i) {
    const auto& map = manifest.maps[i];
    if (map.role != abi::MapRole::config)
      continue;
    std::vector<uint8_t> value(std::max<size_t>(map.value_size, sizeof config));
    std::memcpy(value.data(), &config, sizeof config);
    if (auto frozen = writeAndFreeze(map, maps[i], value); !frozen)
      return frozen;
  }
  return Done{};
}

KernelResult<Done> fillTables(const object::Object& object, const std::vector<Fd>& maps) {
  for (const object::Table& table : object.tables)
    if (auto frozen = writeAndFreeze(object.manifest.maps[table.map], maps[table.map], table.bytes); !frozen)
      return frozen;
  return Done{};
}

} // namespace xdpc::kernel
