// The machine's memory. An address is region << 32 | offset. The packet is region 0, so that the 32-bit pointers in
// struct xdp_md are exact; each map's values are a region. Every access of a program goes through at().
// Tested by tests/unit/vm/access_test.cpp.
#pragma once

#include <cstdint>
#include <cstring>
#include <linux/bpf.h>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace xdpc::vm {

enum class Access : bool { read, write };

inline constexpr uint32_t kPacketRegion = 0, kContextRegion = 1, kStackRegion = 2, kFirstMapRegion = 3;
// Regions without memory: what a program holds of a map or a function is a name, not an address.
inline constexpr uint32_t kMapHandles = 0x40000000, kFunctionHandles = 0x50000000;

inline constexpr uint32_t kHeadroom = 256;     // XDP_PACKET_HEADROOM; keeps `data` from being the null pointer
inline constexpr uint32_t kHeadroomInUse = 40; // sizeof(struct xdp_frame): the start never moves into it
inline constexpr uint32_t kMaxFrame = 65'535;
inline constexpr uint32_t kMaxDepth = 8, kFrameStack = 512; // MAX_CALL_FRAMES, MAX_BPF_STACK

constexpr uint64_t address(uint32_t region, uint32_t offset) {
  return uint64_t{region} << 32 | offset;
}

// Zeroed memory that costs nothing until it is touched, so that a map of a million entries is free to create.
class LazyMemory {
public:
  LazyMemory() = default;
  explicit LazyMemory(uint64_t size); // data() is null if the machine has no more
  LazyMemory(LazyMemory&& other) noexcept : data_(std::exchange(other.data_, nullptr)), size_(other.size_) {}
  LazyMemory& operator=(LazyMemory&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~LazyMemory();

  uint8_t* data() const { return data_; }
  uint64_t size() const { return size_; }

private:
  uint8_t* data_ = nullptr;
  uint64_t size_ = 0;
};

struct Region {
  uint8_t* base = nullptr;     // of offset 0
  uint64_t begin = 0, end = 0; // offsets that may be accessed
  bool writable = false;
  std::string name;
};

class Memory {
public:
  Memory();

  uint32_t addRegion(Region region); // gives its number
  // Host memory for `size` bytes at the address, or null if the program may not do that.
  uint8_t* at(uint64_t address, uint64_t size, Access access) {
    uint64_t region = address >> 32, offset = uint32_t(address);
    if (region < regions_.size()) [[likely]] {
      const Region& found = regions_[region];
      // A helper's size is any 64-bit number: no sum that could wrap.
      if (offset >= found.begin && offset <= found.end && size <= found.end - offset &&
          (access == Access::read || found.writable)) [[likely]]
        return found.base + offset;
    }
    return region == kContextRegion ? context(offset, size, access) : nullptr;
  }
  std::string describe(uint64_t address) const; // "the packet at byte 14 of 13"

  void setFrame(std::span<const uint8_t> frame, uint32_t linear, uint32_t ifindex, uint32_t rx_queue);
  std::span<uint8_t> frame() { return {packet_.data() + context_.data, frame_size_}; }
  // Moves the frame's start by so many bytes, as bpf_xdp_adjust_head does; false where the kernel refuses.
  bool moveStart(int32_t delta);

  // Makes the stack of the depth's function accessible, and all of its callers'. Gives its frame pointer.
  uint64_t enterFrame(uint32_t depth);
  uint64_t leaveFrame(uint32_t depth); // back to `depth`

private:
  // The context is not in the general path, as only its 32-bit fields may be read.
  uint8_t* context(uint64_t offset, uint64_t size, Access access);

  std::vector<Region> regions_;
  LazyMemory packet_;
  uint32_t frame_size_ = 0;
  xdp_md context_{};
  std::vector<uint8_t> stack_;
};

} // namespace xdpc::vm
