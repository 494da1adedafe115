// Loads programs.
#include "tests/bench/programs.h"

#include "runtime/object/object.h"

#include <fmt/format.h>

namespace xdpc::bench {
namespace {

Program loadForeign(const char* path) {
  Program program;
  program.object.reset(bpf_object__open_file(path, nullptr));
  if (!program.object || bpf_object__load(program.object.get()))
    fail(fmt::format("cannot load {}", path));
  program.fd = kernel::Fd(dup(bpf_program__fd(bpf_object__next_program(program.object.get(), nullptr))));
  return program;
}

} // namespace

void fail(const std::string& message) {
  fmt::print(stderr, "bench: {}\n", message);
  exit(1);
}

Program load(const char* path) {
  auto object = object::readObjectFile(path);
  if (!object)
    return loadForeign(path);
  auto policy = kernel::loadPolicy(*object, 0);
  if (!policy)
    fail(kernel::toText(policy.error()));
  Program program;
  program.policy = std::move(*policy);
  program.manifest = std::move(object->manifest);
  return program;
}

} // namespace xdpc::bench
