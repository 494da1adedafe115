// Loads programs.
#include "tests/bench/programs.h"

#include "runtime/object/object.h"

#include <bpf/bpf.h>
#include <fmt/format.h>

#include <fstream>
#include <iterator>

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

bpf_map_info infoOf(int map) {
  bpf_map_info info{};
  uint32_t size = sizeof info;
  bpf_obj_get_info_by_fd(map, &info, &size);
  return info;
}

void fillKeys(const Program& program, const std::string& path) {
  const int table = mapOf(program, "table");
  const uint32_t key_size = infoOf(table).key_size, value = 1;
  const auto keys = readBytes(path);
  for (size_t at = 0; at + key_size <= keys.size(); at += key_size)
    if (bpf_map_update_elem(table, &keys[at], &value, BPF_ANY))
      fail("cannot fill " + path);
}

void fillArray(const Program& program, const std::string& name, const std::string& path) {
  const int array = mapOf(program, name.c_str());
  const uint32_t value_size = infoOf(array).value_size;
  auto values = readBytes(path);
  values.resize((values.size() + value_size - 1) / value_size * value_size);
  for (uint32_t i = 0; size_t{i} * value_size < values.size(); ++i)
    if (bpf_map_update_elem(array, &i, &values[size_t{i} * value_size], BPF_ANY))
      fail("cannot fill " + path);
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

std::vector<uint8_t> readBytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file)
    fail("cannot read " + path);
  return {std::istreambuf_iterator<char>(file), {}};
}

int mapOf(const Program& program, const char* name) {
  const int fd = bpf_object__find_map_fd_by_name(program.object.get(), name);
  if (fd < 0)
    fail(fmt::format("no map {}", name));
  return fd;
}

Program loadFilled(const std::string& argument) {
  const size_t equals = argument.find('=');
  Program program = load(argument.substr(0, equals).c_str());
  if (program.policy)
    return program;
  for (size_t at = equals; at != std::string::npos;) {
    const size_t behind = argument.find(',', at + 1);
    const std::string filled = argument.substr(at + 1, behind - at - 1);
    const size_t colon = filled.find(':');
    if (colon == std::string::npos)
      fillKeys(program, filled);
    else
      fillArray(program, filled.substr(0, colon), filled.substr(colon + 1));
    at = behind;
  }
  return program;
}

} // namespace xdpc::bench
