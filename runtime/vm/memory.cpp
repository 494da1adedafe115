// Regions and the frame, stack and context among them. See memory.h.
#include "runtime/vm/memory.h"

#include <algorithm>
#include <cstdlib>
#include <fmt/format.h>
#include <sys/mman.h>

namespace xdpc::vm {
namespace {

// Below it calloc is faster than a mapping, above it a mapping is: calloc may have to clear what it gives.
constexpr uint64_t kMapFrom = 16 * 1024;

} // namespace

LazyMemory::LazyMemory(uint64_t size) : size_(size) {
  if (size < kMapFrom) {
    data_ = static_cast<uint8_t*>(calloc(1, std::max<uint64_t>(size, 1)));
    return;
  }
  void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  data_ = memory == MAP_FAILED ? nullptr : static_cast<uint8_t*>(memory);
}

LazyMemory::~LazyMemory() {
  if (!data_)
    return;
  if (size_ < kMapFrom)
    free(data_);
  else
    munmap(data_, size_);
}

Memory::Memory() : packet_(kHeadroom + kMaxFrame), stack_(kMaxDepth * kFrameStack) {
  addRegion({packet_.data(), kHeadroom, kHeadroom, true, "the packet"});
  addRegion({nullptr, 0, 0, false, "the context"});
  addRegion({stack_.data(), stack_.size(), stack_.size(), true, "the stack"});
}

uint32_t Memory::addRegion(Region region) {
  regions_.push_back(std::move(region));
  return uint32_t(regions_.size() - 1);
}

std::string Memory::describe(uint64_t address) const {
  uint64_t region = address >> 32, offset = uint32_t(address);
  if (address < kHeadroom)
    return address == 0 ? "the null pointer" : fmt::format("the address {}", address);
  if (region == kContextRegion)
    return fmt::format("byte {} of the context", offset);
  if (region >= regions_.size())
    return fmt::format("the address {:#x}, where nothing is", address);
  const Region& found = regions_[region];
  // Offsets of the stack as the program writes them, below the frame pointer; a frame's from its first byte.
  if (region == kStackRegion)
    return fmt::format("byte {} of the stack", int64_t(offset) - int64_t(found.begin + kFrameStack));
  uint64_t origin = region == kPacketRegion ? kHeadroom : 0;
  return fmt::format("byte {} of {}, which has {}", int64_t(offset) - int64_t(origin), found.name, found.end - origin);
}

void Memory::setFrame(std::span<const uint8_t> frame, uint32_t linear, uint32_t ifindex, uint32_t rx_queue) {
  frame_size_ = uint32_t(frame.size());
  std::memcpy(packet_.data() + kHeadroom, frame.data(), frame.size());
  uint32_t end = kHeadroom + std::min(frame_size_, linear);
  regions_[kPacketRegion].begin = kHeadroom;
  regions_[kPacketRegion].end = end;
  context_ = {kHeadroom, end, kHeadroom, ifindex, rx_queue, 0};
}

bool Memory::moveStart(int32_t delta) {
  constexpr int64_t ethernet = 14; // ETH_HLEN
  int64_t start = int64_t{context_.data} + delta;
  if (start < kHeadroomInUse || start > int64_t{context_.data_end} - ethernet)
    return false;
  context_.data = context_.data_meta = uint32_t(start);
  frame_size_ = uint32_t(frame_size_ - delta);
  regions_[kPacketRegion].begin = uint64_t(start);
  return true;
}

uint64_t Memory::enterFrame(uint32_t depth) {
  uint64_t begin = uint64_t{kMaxDepth - 1 - depth} * kFrameStack;
  regions_[kStackRegion].begin = begin;
  std::memset(stack_.data() + begin, 0, kFrameStack); // so that a run never depends on the one before
  return address(kStackRegion, uint32_t(begin + kFrameStack));
}

uint64_t Memory::leaveFrame(uint32_t depth) {
  uint64_t begin = uint64_t{kMaxDepth - 1 - depth} * kFrameStack;
  regions_[kStackRegion].begin = begin;
  return address(kStackRegion, uint32_t(begin + kFrameStack));
}

uint8_t* Memory::context(uint64_t offset, uint64_t size, Access access) {
  if (access == Access::write || size != 4 || offset % 4 != 0 || offset >= sizeof(context_))
    return nullptr;
  return reinterpret_cast<uint8_t*>(&context_) + offset;
}

} // namespace xdpc::vm
