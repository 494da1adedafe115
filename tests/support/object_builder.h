// A small object file as codegen would emit it, whose parts a test can leave out or change. Used by tests/unit/object.
#pragma once

#include "tests/support/bpf_asm.h"
#include "tests/support/elf_builder.h"

namespace xdpc::support {

struct ObjectParts {
  abi::Manifest manifest;
  abi::Config config{abi::kAbi};
  Program main{mov(r0, 2), exit()};
  Program text;
  std::string license = "GPL";
  std::string skip; // name of a section to leave out
};

inline abi::Manifest smallManifest() {
  abi::Manifest manifest;
  manifest.policy = "p";
  manifest.file = "p.xf";
  manifest.maps = {
      {"banned", abi::MapRole::exact, BPF_MAP_TYPE_HASH, 4, 8, 16},
      {"config", abi::MapRole::config, BPF_MAP_TYPE_ARRAY, 4, sizeof(abi::Config), 1},
      {"counters", abi::MapRole::counters, BPF_MAP_TYPE_ARRAY, 4, 64 * 4096, 1, 0, 4096},
  };
  return manifest;
}

inline Bytes codeBytes(const Program& program) {
  Bytes out;
  for (const Instruction& instruction : program)
    append(out, instruction);
  return out;
}

// The numbers of the sections that tests put symbols and relocations into.
struct SmallObject {
  ElfBuilder elf;
  uint32_t main = 0, text = 0, maps = 0, config = 0, counters = 0;
};

inline SmallObject smallObject(const ObjectParts& parts) {
  SmallObject out;
  auto section = [&](const char* name, Bytes bytes) {
    return name == parts.skip ? 0 : out.elf.section(name, std::move(bytes));
  };
  Bytes config;
  append(config, parts.config);
  out.main = section(abi::kProgramSection, codeBytes(parts.main));
  out.text = section(".text", codeBytes(parts.text));
  out.maps = section(".maps", Bytes(32));
  out.config = section(abi::kConfigSection, config);
  out.counters = out.elf.zeroSection(".bss.counters", 64 * 4096);
  section("license", toBytes(parts.license));
  section(abi::kManifestSection, toBytes(abi::toJson(parts.manifest)));
  return out;
}

} // namespace xdpc::support
