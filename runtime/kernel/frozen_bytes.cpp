// Writes and reads the maps that hold the manifest and the object. Tested in tests/runtime/load_test.cpp.
#include "runtime/kernel/frozen_bytes.h"

#include <bpf/bpf.h>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>

namespace xdpc::kernel {
namespace {

struct Kind {
  const char *name, *what;
};
constexpr Kind kManifest{"xdpc_manifest", "manifest"}, kObject{"xdpc_object", "object"}, kCode{"xdpc_code", "code"};

KernelResult<Fd> create(const Kind& kind, std::span<const uint8_t> bytes) {
  const auto length = static_cast<uint32_t>(bytes.size());
  std::vector<uint8_t> value((sizeof length + bytes.size() + 7) / 8 * 8);
  std::memcpy(value.data(), &length, sizeof length);
  std::memcpy(value.data() + sizeof length, bytes.data(), bytes.size());
  LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_RDONLY_PROG);
  const uint32_t key = 0;
  Fd fd(bpf_map_create(BPF_MAP_TYPE_ARRAY, kind.name, sizeof key, static_cast<uint32_t>(value.size()), 1, &options));
  if (!fd)
    return systemError(fmt::format("cannot create the map of the {}", kind.what), errno);
  if (bpf_map_update_elem(fd.get(), &key, value.data(), BPF_ANY) != 0 || bpf_map_freeze(fd.get()) != 0)
    return systemError(fmt::format("cannot write the map of the {}", kind.what), errno);
  return fd;
}

// Does the kernel refuse every change of it from user space? Only fdinfo tells.
bool isFrozen(int fd) {
  const Fd file(open(fmt::format("/proc/self/fdinfo/{}", fd).c_str(), O_RDONLY | O_CLOEXEC));
  char buffer[1024];
  const ssize_t size = file ? ::read(file.get(), buffer, sizeof buffer) : 0;
  return std::string_view(buffer, size > 0 ? static_cast<size_t>(size) : 0).find("frozen:\t1") !=
         std::string_view::npos;
}

// The bytes begin behind the length.
KernelResult<std::vector<uint8_t>> read(const Kind& kind, int fd) {
  bpf_map_info info{};
  uint32_t size = sizeof info;
  if (bpf_obj_get_info_by_fd(fd, &info, &size) != 0)
    return systemError(fmt::format("cannot ask for the map of the {}", kind.what), errno);
  if (!isFrozen(fd))
    return KernelError{.kind = ErrorKind::refused,
                       .message = fmt::format("the pinned {} is not trusted: it is not frozen", kind.what)};
  std::vector<uint8_t> value(info.value_size);
  const uint32_t key = 0;
  uint32_t length = 0;
  if (info.type != BPF_MAP_TYPE_ARRAY || info.key_size != sizeof key || value.size() < sizeof length)
    return KernelError{.message = fmt::format("the pinned {0} is no {0}", kind.what)};
  if (bpf_map_lookup_elem(fd, &key, value.data()) != 0)
    return systemError(fmt::format("cannot read the map of the {}", kind.what), errno);
  std::memcpy(&length, value.data(), sizeof length);
  if (length > value.size() - sizeof length)
    return KernelError{.message = fmt::format("the pinned {} is cut short", kind.what)};
  value.resize(sizeof length + length);
  value.erase(value.begin(), value.begin() + sizeof length);
  return value;
}

} // namespace

KernelResult<Fd> createManifestMap(std::string_view json) {
  return create(kManifest, {reinterpret_cast<const uint8_t*>(json.data()), json.size()});
}

KernelResult<std::string> readManifestMap(int fd) {
  const auto bytes = read(kManifest, fd);
  if (!bytes)
    return bytes.error();
  return std::string(bytes->begin(), bytes->end());
}

KernelResult<Fd> createCodeMap(std::string_view packed) {
  return create(kCode, {reinterpret_cast<const uint8_t*>(packed.data()), packed.size()});
}

KernelResult<std::string> readCodeMap(int fd) {
  const auto bytes = read(kCode, fd);
  if (!bytes)
    return bytes.error();
  return std::string(bytes->begin(), bytes->end());
}

KernelResult<Fd> createObjectMap(std::span<const uint8_t> elf) {
  return create(kObject, elf);
}

KernelResult<std::vector<uint8_t>> readObjectMap(int fd) {
  return read(kObject, fd);
}

} // namespace xdpc::kernel
