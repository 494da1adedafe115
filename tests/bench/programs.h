// Loads what the benchmarks time. Private to tests/bench.
#pragma once

#include "runtime/kernel/program.h"
#include "runtime/kernel/test_run.h"

#include <bpf/libbpf.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

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
// OBJECT[=[MAP:]ELEMENTS,…]: files of bytes, keys of the map `table` or the values of an array MAP from its first
// element on. What is behind the name of an object of ours is left to the caller.
Program loadFilled(const std::string& argument);

int mapOf(const Program& program, const char* name);
std::vector<uint8_t> readBytes(const std::string& path);

} // namespace xdpc::bench
