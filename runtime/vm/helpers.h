// The helpers that programs may call: one table of number, name and body. Numbers and results as in uapi/linux/bpf.h.
// Tested by tests/unit/vm/helper_test.cpp.
#pragma once

#include <cstdint>
#include <span>

namespace xdpc::vm {

class Machine;

struct Helper {
  uint32_t number;
  const char* name;
  uint64_t (*body)(Machine& machine, const uint64_t* arguments); // r1 to r5
};

std::span<const Helper> helpers();
const Helper* findHelper(uint64_t number); // null: there is none

} // namespace xdpc::vm
