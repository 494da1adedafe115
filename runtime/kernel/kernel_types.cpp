// Finds types in raw BTF by name.
#include "runtime/kernel/kernel_types.h"

#include "runtime/abi/abi.h"
#include "runtime/kernel/fd.h"
#include "runtime/object/raw_btf.h"

#include <cstring>
#include <fcntl.h>
#include <memory>
#include <string_view>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace xdpc::kernel {
namespace {

// Nothing is indexed: of a hundred thousand types two are looked for.
class KernelTypes {
public:
  static std::optional<KernelTypes> read(std::span<const uint8_t> btf) {
    const auto view = object::viewBtf(btf);
    if (!view)
      return std::nullopt;
    KernelTypes types;
    types.types_ = view->types;
    types.names_ = view->strings;
    return types;
  }

  // By name and kind.
  std::optional<uint32_t> find(const char* name, uint32_t kind) const {
    const auto wanted = nameOffset(name);
    std::optional<uint32_t> found;
    if (wanted)
      visit([&](uint32_t id, const btf_type& type) {
        if (type.name_off == *wanted && BTF_INFO_KIND(type.info) == kind)
          found = id;
        return !found;
      });
    return found;
  }

  // Bits from the start of the struct or union, through nameless members.
  std::optional<uint32_t> memberOffset(uint32_t id, std::string_view name, unsigned depth = 0) const {
    const btf_type* const type = at(id);
    if (!type || depth > 4)
      return std::nullopt;
    const uint32_t kind = BTF_INFO_KIND(type->info);
    if (kind != BTF_KIND_STRUCT && kind != BTF_KIND_UNION)
      return std::nullopt;
    const auto* members = reinterpret_cast<const btf_member*>(type + 1);
    for (uint32_t i = 0; i < BTF_INFO_VLEN(type->info); ++i) {
      const uint32_t offset = BTF_INFO_KFLAG(type->info) ? BTF_MEMBER_BIT_OFFSET(members[i].offset) : members[i].offset;
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
  // In order, until the visitor says false.
  template <class Visit> void visit(Visit visitor) const {
    uint32_t id = 1;
    for (uint64_t place = 0; place + sizeof(btf_type) <= types_.size(); ++id) {
      const auto& type = *reinterpret_cast<const btf_type*>(types_.data() + place);
      const auto bytes = object::tailSize(type);
      place += sizeof(btf_type) + bytes.value_or(0);
      if (!bytes || place > types_.size() || !visitor(id, type))
        return;
    }
  }

  const btf_type* at(uint32_t wanted) const {
    const btf_type* found = nullptr;
    visit([&](uint32_t id, const btf_type& type) {
      if (id == wanted)
        found = &type;
      return !found;
    });
    return found;
  }

  // Names stand once each, between zeros.
  std::optional<uint32_t> nameOffset(const char* name) const {
    const size_t size = std::strlen(name) + 1;
    for (size_t from = 1; from < names_.size();) {
      const void* found = memmem(names_.data() + from, names_.size() - from, name, size);
      if (!found)
        return std::nullopt;
      const auto at = static_cast<size_t>(static_cast<const uint8_t*>(found) - names_.data());
      if (names_[at - 1] == 0)
        return static_cast<uint32_t>(at);
      from = at + 1;
    }
    return std::nullopt;
  }

  bool nameIs(uint32_t offset, std::string_view name) const {
    return offset + name.size() < names_.size() && std::memcmp(names_.data() + offset, name.data(), name.size()) == 0 &&
           names_[offset + name.size()] == 0;
  }

  std::span<const uint8_t> types_, names_;
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
