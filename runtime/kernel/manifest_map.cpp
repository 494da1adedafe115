// Writes and reads the map that holds the manifest. Tested in tests/runtime/load_test.cpp.
#include "runtime/kernel/manifest_map.h"

#include <bpf/bpf.h>
#include <cerrno>
#include <cstring>
#include <vector>

namespace xdpc::kernel {
namespace {

KernelResult<Fd> createTextMap(const char* name, std::string_view text) {
  const auto length = static_cast<uint32_t>(text.size());
  std::vector<uint8_t> value((sizeof length + text.size() + 7) / 8 * 8);
  std::memcpy(value.data(), &length, sizeof length);
  std::memcpy(value.data() + sizeof length, text.data(), text.size());
  LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_RDONLY_PROG);
  const uint32_t key = 0;
  Fd fd(bpf_map_create(BPF_MAP_TYPE_ARRAY, name, sizeof key, static_cast<uint32_t>(value.size()), 1, &options));
  if (!fd)
    return systemError("cannot create the map of the manifest", errno);
  if (bpf_map_update_elem(fd.get(), &key, value.data(), BPF_ANY) != 0 || bpf_map_freeze(fd.get()) != 0)
    return systemError("cannot write the map of the manifest", errno);
  return fd;
}

} // namespace

KernelResult<Fd> createManifestMap(std::string_view json) {
  return createTextMap("xdpc_manifest", json);
}

KernelResult<Fd> createCodeMap(std::string_view packed) {
  return createTextMap("xdpc_code", packed);
}

KernelResult<std::string> readManifestMap(int fd) {
  bpf_map_info info{};
  uint32_t size = sizeof info;
  if (bpf_obj_get_info_by_fd(fd, &info, &size) != 0)
    return systemError("cannot ask for the map of the manifest", errno);
  std::vector<uint8_t> value(info.value_size);
  const uint32_t key = 0;
  uint32_t length = 0;
  if (info.type != BPF_MAP_TYPE_ARRAY || info.key_size != sizeof key || value.size() < sizeof length)
    return KernelError{.message = "the pinned manifest is not a manifest"};
  if (bpf_map_lookup_elem(fd, &key, value.data()) != 0)
    return systemError("cannot read the map of the manifest", errno);
  std::memcpy(&length, value.data(), sizeof length);
  if (length > value.size() - sizeof length)
    return KernelError{.message = "the pinned manifest is cut short"};
  return std::string(reinterpret_cast<const char*>(value.data()) + sizeof length, length);
}

} // namespace xdpc::kernel
