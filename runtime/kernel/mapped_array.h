// An array map of one value that user space alone uses, in this process's memory. Tested in
// tests/runtime/carry_test.cpp.
#pragma once

#include "runtime/kernel/error.h"
#include "runtime/kernel/fd.h"

#include <cstdint>
#include <span>

namespace xdpc::kernel {

class MappedArray {
public:
  static KernelResult<MappedArray> create(const char* name, uint32_t bytes);
  static KernelResult<MappedArray> over(Fd fd);
  MappedArray(MappedArray&& other) noexcept;
  MappedArray& operator=(MappedArray&& other) noexcept;
  ~MappedArray();

  std::span<uint8_t> bytes() const { return {memory_, size_}; }
  const Fd& fd() const { return fd_; }

private:
  MappedArray() = default;
  Fd fd_;
  uint8_t* memory_ = nullptr;
  uint32_t size_ = 0;
};

} // namespace xdpc::kernel
