// BPF_MAP_TYPE_LPM_TRIE. kernel/bpf/lpm_trie.c. A key is {u32 prefixlen, data}; the longest element that covers it
// wins. Here: one hash over keys cleared behind their prefix, probed from the longest length in use to the shortest.
#include "runtime/vm/map.h"
#include "runtime/vm/slot_table.h"

#include <cerrno>
#include <map>

namespace xdpc::vm {
namespace {

class LpmTrie : public Map {
public:
  explicit LpmTrie(const abi::Map& shape)
      : Map(shape, stride(shape) * shape.max_entries), table_(shape.key_size, shape.max_entries),
        stride_(stride(shape)) {}

  std::optional<uint32_t> find(const uint8_t* key, Touch) override {
    uint32_t length = prefix(key);
    if (length > maxPrefix())
      return {};
    for (auto it = lengths_.lower_bound(length); it != lengths_.end(); ++it)
      if (auto slot = table_.find(cut(key, it->first)))
        return uint32_t(*slot * stride_);
    return {};
  }

  int update(const uint8_t* key, const uint8_t* value, uint64_t flags) override {
    uint32_t length = prefix(key);
    if (flags > BPF_EXIST || length > maxPrefix())
      return -EINVAL;
    auto slot = table_.find(cut(key, length));
    if (slot && flags == BPF_NOEXIST)
      return -EEXIST;
    if (!slot && flags == BPF_EXIST)
      return -ENOENT;
    if (!slot) {
      slot = table_.insert(cut(key, length));
      if (!slot)
        return -ENOSPC;
      ++lengths_[length];
    }
    setValue(uint32_t(*slot * stride_), value);
    return 0;
  }

  int erase(const uint8_t* key) override {
    uint32_t length = prefix(key);
    if (length > maxPrefix())
      return -EINVAL;
    auto slot = table_.find(cut(key, length));
    if (!slot)
      return -ENOENT;
    table_.remove(*slot);
    if (--lengths_[length] == 0)
      lengths_.erase(length);
    return 0;
  }

  const uint8_t* next(const uint8_t* key) override {
    auto slot = key && prefix(key) <= maxPrefix() ? table_.find(cut(key, prefix(key))) : std::nullopt;
    auto following = table_.nextUsed(slot ? *slot + 1 : 0);
    return following ? table_.key(*following) : nullptr;
  }

private:
  uint32_t maxPrefix() const { return (shape().key_size - 4) * 8; }

  static uint32_t prefix(const uint8_t* key) {
    uint32_t out;
    std::memcpy(&out, key, sizeof(out));
    return out;
  }

  // The key with `length` and all bits behind it cleared.
  const uint8_t* cut(const uint8_t* key, uint32_t length) {
    std::memset(cut_, 0, shape().key_size);
    std::memcpy(cut_, &length, sizeof(length));
    std::memcpy(cut_ + 4, key + 4, length / 8);
    if (length % 8 != 0)
      cut_[4 + length / 8] = uint8_t(key[4 + length / 8] & (0xff00 >> length % 8));
    return cut_;
  }

  SlotTable table_;
  uint64_t stride_;
  std::map<uint32_t, uint32_t, std::greater<>> lengths_; // elements by length, longest first
  uint8_t cut_[4 + 256];
};

} // namespace

std::unique_ptr<Map> makeLpmTrie(const abi::Map& shape) {
  return std::make_unique<LpmTrie>(shape);
}

} // namespace xdpc::vm
