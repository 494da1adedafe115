// The same random operations on a map of the embedded engine and on the kernel's give the same results.
#include "runtime/vm/map.h"
#include "tests/support/kernel_run.h"

#include <random>

namespace xdpc::support {
namespace {

using vm::Touch;

class KernelMap {
public:
  explicit KernelMap(const abi::Map& shape) : fd_(createKernelMap(shape)), value_size_(shape.value_size) {}

  bool created() const { return fd_.get() >= 0; }
  int update(const Bytes& key, const Bytes& value, uint64_t flags) {
    return call(BPF_MAP_UPDATE_ELEM, key, &value, flags);
  }
  int erase(const Bytes& key) { return call(BPF_MAP_DELETE_ELEM, key, nullptr, 0); }
  std::optional<Bytes> find(const Bytes& key) {
    Bytes value(value_size_);
    return call(BPF_MAP_LOOKUP_ELEM, key, &value, 0) == 0 ? std::optional(value) : std::nullopt;
  }

private:
  int call(int command, const Bytes& key, const Bytes* value, uint64_t flags) {
    bpf_attr attributes{};
    attributes.map_fd = uint32_t(fd_.get());
    attributes.key = pointer(key.data());
    attributes.value = value ? pointer(value->data()) : 0;
    attributes.flags = flags;
    return int(bpf(command, attributes));
  }

  Fd fd_;
  uint32_t value_size_;
};

void compare(const abi::Map& shape, const std::function<Bytes(std::mt19937&)>& randomKey) {
  KernelMap kernel(shape);
  ASSERT_TRUE(kernel.created());
  auto made = vm::makeMap(shape);
  ASSERT_TRUE(made);
  vm::Map& map = **made;
  std::mt19937 random(7);
  for (int i = 0; i < 20'000; ++i) {
    Bytes key = randomKey(random), value(shape.value_size);
    for (uint8_t& byte : value)
      byte = uint8_t(random());
    uint64_t flags = random() % 4;
    switch (random() % 4) {
    case 0:
      ASSERT_EQ(map.update(key.data(), value.data(), flags), kernel.update(key, value, flags))
          << i << " flags " << flags;
      break;
    case 1:
      ASSERT_EQ(map.erase(key.data()), kernel.erase(key)) << i;
      break;
    default:
      auto offset = map.find(key.data(), Touch::no);
      auto expected = kernel.find(key);
      ASSERT_EQ(offset.has_value(), expected.has_value()) << i;
      if (offset) {
        ASSERT_EQ(Bytes(map.values() + *offset, map.values() + *offset + shape.value_size), *expected) << i;
      }
    }
  }
}

Bytes keyOf(uint32_t first, uint32_t second = 0, size_t size = 4) {
  Bytes out(8);
  std::memcpy(out.data(), &first, 4);
  std::memcpy(out.data() + 4, &second, 4);
  out.resize(size);
  return out;
}

TEST(MapKernel, Array) {
  XDPC_NEEDS_KERNEL();
  compare({"m", MapRole::scratch, BPF_MAP_TYPE_ARRAY, 4, 12, 10}, [](auto& random) { return keyOf(random() % 12); });
}

TEST(MapKernel, Hash) {
  XDPC_NEEDS_KERNEL();
  // Not preallocated: the kernel then counts exactly.
  compare({"m", MapRole::scratch, BPF_MAP_TYPE_HASH, 4, 12, 50, BPF_F_NO_PREALLOC},
          [](auto& random) { return keyOf(random() % 80); });
}

TEST(MapKernel, LpmTrie) {
  XDPC_NEEDS_KERNEL();
  compare({"m", MapRole::scratch, BPF_MAP_TYPE_LPM_TRIE, 8, 12, 40, BPF_F_NO_PREALLOC}, [](auto& random) {
    // Few bits, so that elements cover each other.
    return keyOf(random() % 34, random() % 4 | (random() % 2) << 15 | (random() % 3) << 24, 8);
  });
}

} // namespace
} // namespace xdpc::support
