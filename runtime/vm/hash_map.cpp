// BPF_MAP_TYPE_HASH and LRU_HASH. kernel/bpf/hashtab.c. The kernel's LRU is approximate; this one evicts the key that
// was used longest ago, exactly.
#include "runtime/vm/map.h"
#include "runtime/vm/slot_table.h"

#include <cerrno>

namespace xdpc::vm {
namespace {

class Hash : public Map {
public:
  explicit Hash(const abi::Map& shape)
      : Map(shape, stride(shape) * shape.max_entries), table_(shape.key_size, shape.max_entries),
        stride_(stride(shape)) {}

  std::optional<uint32_t> find(const uint8_t* key, Touch touch) override {
    auto slot = table_.find(key);
    if (!slot)
      return {};
    if (touch == Touch::yes)
      use(*slot);
    return offset(*slot);
  }

  int update(const uint8_t* key, const uint8_t* value, uint64_t flags) override {
    if (flags > BPF_EXIST)
      return -EINVAL;
    auto slot = table_.find(key);
    if (slot && flags == BPF_NOEXIST)
      return -EEXIST;
    if (!slot && flags == BPF_EXIST)
      return -ENOENT;
    if (!slot) {
      makeRoom();
      slot = table_.insert(key);
      if (!slot)
        return -E2BIG;
    }
    use(*slot);
    setValue(offset(*slot), value);
    return 0;
  }

  int erase(const uint8_t* key) override {
    auto slot = table_.find(key);
    if (!slot)
      return -ENOENT;
    forget(*slot);
    table_.remove(*slot);
    return 0;
  }

  const uint8_t* next(const uint8_t* key) override {
    auto slot = key ? table_.find(key) : std::nullopt;
    auto following = table_.nextUsed(slot ? *slot + 1 : 0);
    return following ? table_.key(*following) : nullptr;
  }

protected:
  virtual void use(uint32_t) {}
  virtual void forget(uint32_t) {}
  virtual void makeRoom() {}

  SlotTable table_;

private:
  uint32_t offset(uint32_t slot) const { return uint32_t(slot * stride_); }

  uint64_t stride_;
};

// A ring of slots from the one used last to the one used first; the node behind the last slot is its head.
class LruHash : public Hash {
public:
  explicit LruHash(const abi::Map& shape) : Hash(shape) { nodes_.push_back({0, 0}); }

protected:
  void use(uint32_t slot) override {
    forget(slot);
    uint32_t node = slot + 1;
    if (node >= nodes_.size())
      nodes_.resize(node + 1);
    nodes_[node] = {0, nodes_[0].newer_to_older};
    nodes_[nodes_[0].newer_to_older].older_to_newer = node;
    nodes_[0].newer_to_older = node;
  }

  void forget(uint32_t slot) override {
    uint32_t node = slot + 1;
    if (node >= nodes_.size() || !linked(node))
      return;
    Node& gone = nodes_[node];
    nodes_[gone.older_to_newer].newer_to_older = gone.newer_to_older;
    nodes_[gone.newer_to_older].older_to_newer = gone.older_to_newer;
    gone = {kAlone, kAlone};
  }

  void makeRoom() override {
    if (table_.size() < shape().max_entries)
      return;
    uint32_t oldest = nodes_[0].older_to_newer - 1;
    forget(oldest);
    table_.remove(oldest);
  }

private:
  static constexpr uint32_t kAlone = UINT32_MAX;
  struct Node {
    uint32_t older_to_newer = kAlone, newer_to_older = kAlone;
  };

  bool linked(uint32_t node) const { return nodes_[node].older_to_newer != kAlone; }

  std::vector<Node> nodes_; // 0 is the head, slot + 1 a slot
};

} // namespace

std::unique_ptr<Map> makeHash(const abi::Map& shape) {
  return std::make_unique<Hash>(shape);
}

std::unique_ptr<Map> makeLruHash(const abi::Map& shape) {
  return std::make_unique<LruHash>(shape);
}

} // namespace xdpc::vm
