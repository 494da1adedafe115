// Creates and maps arrays. Tested in tests/runtime/carry_test.cpp.
#include "runtime/kernel/mapped_array.h"

#include <bpf/bpf.h>
#include <cerrno>
#include <fmt/format.h>
#include <sys/mman.h>

namespace xdpc::kernel {

KernelResult<MappedArray> MappedArray::create(const char* name, uint32_t bytes) {
  LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);
  Fd fd(bpf_map_create(BPF_MAP_TYPE_ARRAY, name, sizeof(uint32_t), (bytes + 7) / 8 * 8, 1, &options));
  if (!fd)
    return systemError(fmt::format("cannot create the map `{}`", name), errno);
  return over(std::move(fd));
}

KernelResult<MappedArray> MappedArray::over(Fd fd) {
  bpf_map_info info{};
  uint32_t size = sizeof info;
  if (bpf_obj_get_info_by_fd(fd.get(), &info, &size) != 0)
    return systemError("cannot ask for a map", errno);
  if (info.type != BPF_MAP_TYPE_ARRAY || !(info.map_flags & BPF_F_MMAPABLE) || info.max_entries != 1)
    return KernelError{.message = fmt::format("the map `{}` is not one that xdpc made", info.name)};
  void* memory = mmap(nullptr, info.value_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  // Pinned for others to read: the kernel maps it for its owner alone, and they get a copy.
  if (memory == MAP_FAILED && (errno == EPERM || errno == EACCES)) {
    memory = mmap(nullptr, info.value_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    const uint32_t key = 0;
    if (memory != MAP_FAILED && bpf_map_lookup_elem(fd.get(), &key, memory) != 0)
      return systemError(fmt::format("cannot read the map `{}`", info.name), errno);
  }
  if (memory == MAP_FAILED)
    return systemError(fmt::format("cannot map `{}` into memory", info.name), errno);
  MappedArray array;
  array.fd_ = std::move(fd);
  array.memory_ = static_cast<uint8_t*>(memory);
  array.size_ = info.value_size;
  return array;
}

MappedArray::MappedArray(MappedArray&& other) noexcept
    : fd_(std::move(other.fd_)), memory_(std::exchange(other.memory_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedArray& MappedArray::operator=(MappedArray&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(memory_, other.memory_);
  std::swap(size_, other.size_);
  return *this;
}

MappedArray::~MappedArray() {
  if (memory_)
    munmap(memory_, size_);
}

} // namespace xdpc::kernel
