// Finds types in raw BTF by name.
#include "runtime/kernel/kernel_types.h"

#include "runtime/abi/abi.h"
#include "runtime/kernel/fd.h"
#include "runtime/object/raw_btf.h"

#include <fcntl.h>
#include <memory>
#include <string>
#include <string_view>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace xdpc::kernel {
namespace {

class KernelTypes {
public:
  static std::optional<KernelTypes> read(std::span<const uint8_t> btf) {
    const auto view = object::viewBtf(btf);
    if (!view)
      return std::nullopt;
    KernelTypes types;
    types.types_ = view->types;
    types.names_ = {reinterpret_cast<const char*>(view->strings.data()), view->strings.size()};
    types.index();
    return types;
  }

  std::optional<uint32_t> find(std::string_view name, uint32_t kind) const {
    const auto wanted = nameOffset(name);
    if (!wanted)
      return std::nullopt;
    for (uint32_t id = 1; id < places_.size(); ++id)
      if (const btf_type& type = at(id); type.name_off == *wanted && BTF_INFO_KIND(type.info) == kind)
        return id;
    return std::nullopt;
  }

  // Bits from the start of the struct or union, through nameless members.
  std::optional<uint32_t> memberOffset(uint32_t id, std::string_view name, unsigned depth = 0) const {
    if (id == 0 || id >= places_.size() || depth > 4)
      return std::nullopt;
    const btf_type& type = at(id);
    const uint32_t kind = BTF_INFO_KIND(type.info);
    if (kind != BTF_KIND_STRUCT && kind != BTF_KIND_UNION)
      return std::nullopt;
    const auto* members = reinterpret_cast<const btf_member*>(&type + 1);
    for (uint32_t i = 0; i < BTF_INFO_VLEN(type.info); ++i) {
      const uint32_t offset = BTF_INFO_KFLAG(type.info) ? BTF_MEMBER_BIT_OFFSET(members[i].offset) : members[i].offset;
      if (members[i].name_off != 0) {
        if (nameIs(members[i].name_off, name))
          return offset;
      } else if (auto inner = memberOffset(members[i].type, name, depth + 1)) {
        return offset + *inner;
      }
    }
    return std::nullopt;
  }

private:
  const btf_type& at(uint32_t id) const { return *reinterpret_cast<const btf_type*>(types_.data() + places_[id]); }

  void index() {
    places_.reserve(types_.size() / 24);
    places_.push_back(0); // void
    for (uint64_t place = 0; place + sizeof(btf_type) <= types_.size();) {
      const auto bytes = object::tailSize(*reinterpret_cast<const btf_type*>(types_.data() + place));
      if (!bytes || place + sizeof(btf_type) + *bytes > types_.size())
        return;
      places_.push_back(place);
      place += sizeof(btf_type) + *bytes;
    }
  }

  // Names stand once each, between zeros.
  std::optional<uint32_t> nameOffset(std::string_view name) const {
    std::string bounded(name.size() + 2, '\0');
    bounded.replace(1, name.size(), name);
    const size_t found = names_.find(bounded);
    return found == names_.npos ? std::nullopt : std::optional(static_cast<uint32_t>(found + 1));
  }

  bool nameIs(uint32_t offset, std::string_view name) const {
    return offset + name.size() < names_.size() && names_.substr(offset, name.size()) == name &&
           names_[offset + name.size()] == '\0';
  }

  std::span<const uint8_t> types_;
  std::string_view names_;
  std::vector<uint32_t> places_; // of each type, by number
};

// The file's bytes: mapped where the kernel can (from 6.16), else read.
class KernelBtf {
public:
  KernelBtf() {
    const Fd file(open("/sys/kernel/btf/vmlinux", O_RDONLY | O_CLOEXEC));
    struct stat about{};
    if (!file || fstat(file.get(), &about) != 0)
      return;
    const auto size = static_cast<size_t>(about.st_size);
    mapped_ = mmap(nullptr, size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, file.get(), 0);
    if (mapped_ != MAP_FAILED) {
      bytes_ = {static_cast<const uint8_t*>(mapped_), size};
      return;
    }
    read_.reset(new uint8_t[size]);
    size_t have = 0;
    for (ssize_t got; have < size && (got = ::read(file.get(), read_.get() + have, size - have)) > 0;)
      have += static_cast<size_t>(got);
    bytes_ = {read_.get(), have};
  }
  KernelBtf(const KernelBtf&) = delete;
  KernelBtf& operator=(const KernelBtf&) = delete;
  ~KernelBtf() {
    if (mapped_ != MAP_FAILED)
      munmap(mapped_, bytes_.size());
  }

  std::span<const uint8_t> bytes() const { return bytes_; }

private:
  void* mapped_ = MAP_FAILED;
  std::unique_ptr<uint8_t[]> read_; // not zeroed first: it is megabytes
  std::span<const uint8_t> bytes_;
};

} // namespace

std::optional<uint32_t> castToKernelContext(std::span<const uint8_t> btf) {
  const auto types = KernelTypes::read(btf);
  if (!types)
    return std::nullopt;
  const auto buffer = types->find("xdp_buff", BTF_KIND_STRUCT);
  if (!buffer || types->memberOffset(*buffer, "flags") != abi::kXdpBuffFlags * 8)
    return std::nullopt;
  return types->find("bpf_cast_to_kern_ctx", BTF_KIND_FUNC);
}

std::optional<uint32_t> castToKernelContext() {
  const KernelBtf btf;
  return castToKernelContext(btf.bytes());
}

} // namespace xdpc::kernel
