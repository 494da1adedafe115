// The same assembled program in the kernel, through raw bpf(2): an independent answer to compare the embedded engine
// with. Needs CAP_BPF; without it a test is skipped by skipReason. Used by tests/unit/vm.
#pragma once

#include "tests/support/vm_run.h"

#include <cerrno>
#include <sys/syscall.h>
#include <unistd.h>

namespace xdpc::support {

class Fd {
public:
  explicit Fd(int fd = -1) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd() {
    if (fd_ >= 0)
      close(fd_);
  }
  int get() const { return fd_; }

private:
  int fd_;
};

inline long bpf(int command, bpf_attr& attributes) {
  long result = syscall(SYS_bpf, command, &attributes, sizeof(attributes));
  return result < 0 ? -errno : result;
}

inline uint64_t pointer(const void* memory) {
  return reinterpret_cast<uint64_t>(memory);
}

inline Fd createKernelMap(const abi::Map& map) {
  bpf_attr attributes{};
  attributes.map_type = map.type;
  attributes.key_size = map.key_size;
  attributes.value_size = map.value_size;
  attributes.max_entries = map.max_entries;
  attributes.map_flags = map.flags;
  return Fd(int(bpf(BPF_MAP_CREATE, attributes)));
}

enum class SkipReason { none, no_privilege, no_kernel_support };

inline SkipReason skipReason() {
  bpf_attr attributes{};
  attributes.map_type = BPF_MAP_TYPE_ARRAY;
  attributes.key_size = attributes.value_size = 4;
  attributes.max_entries = 1;
  long result = bpf(BPF_MAP_CREATE, attributes);
  if (result >= 0)
    close(int(result));
  return result >= 0 ? SkipReason::none : result == -EPERM ? SkipReason::no_privilege : SkipReason::no_kernel_support;
}

#define XDPC_NEEDS_KERNEL()                                                                                            \
  switch (skipReason()) {                                                                                              \
  case SkipReason::none:                                                                                               \
    break;                                                                                                             \
  case SkipReason::no_privilege:                                                                                       \
    GTEST_SKIP() << "no privilege: needs CAP_BPF and CAP_NET_ADMIN";                                                   \
  case SkipReason::no_kernel_support:                                                                                  \
    GTEST_SKIP() << "no kernel support: bpf() is not there";                                                           \
  }

// A program loaded with maps of its own.
class KernelProgram {
public:
  explicit KernelProgram(const object::Object& object) {
    std::vector<object::Instruction> code = object.program;
    for (const abi::Map& map : object.manifest.maps)
      maps_.push_back(createKernelMap(map));
    for (const object::MapReference& reference : object.references)
      code[reference.instruction].imm = maps_[reference.map].get();
    log_.resize(1 << 20);
    bpf_attr attributes{};
    attributes.prog_type = BPF_PROG_TYPE_XDP;
    attributes.insns = pointer(code.data());
    attributes.insn_cnt = uint32_t(code.size());
    attributes.license = pointer("GPL");
    attributes.log_buf = pointer(log_.data());
    attributes.log_size = uint32_t(log_.size());
    attributes.log_level = 1;
    program_ = Fd(int(bpf(BPF_PROG_LOAD, attributes)));
  }

  bool loaded() const { return program_.get() >= 0; }
  std::string log() const { return log_.c_str(); }
  int map(uint32_t index) const { return maps_[index].get(); }

  // The verdict, or a negative errno.
  long run(std::span<const uint8_t> frame) const {
    Bytes out(frame.size() + 256);
    bpf_attr attributes{};
    attributes.test.prog_fd = uint32_t(program_.get());
    attributes.test.data_in = pointer(frame.data());
    attributes.test.data_size_in = uint32_t(frame.size());
    attributes.test.data_out = pointer(out.data());
    attributes.test.data_size_out = uint32_t(out.size());
    attributes.test.repeat = 1;
    long result = bpf(BPF_PROG_TEST_RUN, attributes);
    return result < 0 ? result : long(attributes.test.retval);
  }

  uint64_t result(unsigned slot = 0) const {
    uint32_t key = 0;
    uint64_t values[kResults] = {};
    bpf_attr attributes{};
    attributes.map_fd = uint32_t(map(0));
    attributes.key = pointer(&key);
    attributes.value = pointer(values);
    EXPECT_EQ(bpf(BPF_MAP_LOOKUP_ELEM, attributes), 0);
    return values[slot];
  }

private:
  std::vector<Fd> maps_;
  Fd program_;
  std::string log_;
};

} // namespace xdpc::support
