// Loads what the benchmarks time. Private to tests/bench.
#pragma once

#include "runtime/kernel/program.h"
#include "runtime/kernel/test_run.h"

#include <bpf/libbpf.h>

#include <memory>
#include <optional>
#include <string>

namespace xdpc::bench {

struct Program {
  kernel::Fd fd;
  std::optional<kernel::LoadedPolicy> policy; // keeps our maps
  abi::Manifest manifest;                     // of ours
  std::unique_ptr<bpf_object, void (*)(bpf_object*)> object{nullptr, bpf_object__close};

  const kernel::Fd& program() const { return policy ? policy->program : fd; }
};

[[noreturn]] void fail(const std::string& message);

// An object of xdpc's or any that libbpf loads.
Program load(const char* path);

} // namespace xdpc::bench
