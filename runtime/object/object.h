// An object file as a plain description, without a kernel: what both engines load. Entry point: readObject. It reads
// the ELF that codegen emits (or a file made by `xdpc build`) once, links `.text` behind the program and resolves map
// symbols.
#pragma once

#include "runtime/abi/manifest.h"
#include "runtime/abi/result.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace xdpc::object {

// struct bpf_insn of uapi/linux/bpf.h.
struct Instruction {
  uint8_t code;
  uint8_t dst : 4;
  uint8_t src : 4;
  int16_t offset;
  int32_t imm;
};
static_assert(sizeof(Instruction) == 8);

// A 64-bit immediate load (two instructions from `instruction`) that names a map. `value` is false for the map itself
// (BPF_PSEUDO_MAP_FD), true for an address in its only value (BPF_PSEUDO_MAP_VALUE) at `offset` bytes.
struct MapReference {
  uint32_t instruction = 0;
  uint32_t map = 0; // index into Object::manifest.maps
  bool value = false;
  uint32_t offset = 0;
};

// Where an instruction comes from, by instruction number, ascending. From .BTF.ext's line info.
struct Line {
  uint32_t instruction = 0;
  uint32_t line = 0, column = 0; // from 1
  std::string file = {};         // base name of another file than the policy's; else empty
};

// What a map of role `table` holds: value_size bytes.
struct Table {
  uint32_t map = 0; // index into Object::manifest.maps
  std::vector<uint8_t> bytes;
};

struct Object {
  abi::Manifest manifest;
  std::string manifest_json;
  std::vector<Instruction> program; // the main program at 0, subprograms behind it; calls between them are resolved
  std::vector<MapReference> references;
  std::vector<Line> lines;
  std::vector<uint8_t>
      btf; // ready for BPF_BTF_LOAD: sizes and offsets of data sections filled in; empty if there is none
  std::vector<uint8_t> func_info,
      line_info; // in the kernel's layout for BPF_PROG_LOAD, instruction numbers as in `program`
  uint32_t func_info_size = 0, line_info_size = 0; // of one record
  std::string license;
  abi::Config config{}; // initial contents of .rodata.config
  std::vector<Table> tables;
};

struct ObjectError {
  std::string message; // one line: "not an ELF file", "made by a newer xdpc (ABI 3, this one reads 1)"
};

// `manifest`: the one that is in it, where that is known, as parsing that of a large policy takes a while.
Result<Object, ObjectError> readObject(std::span<const uint8_t> elf, std::optional<abi::Manifest> manifest = {});
Result<Object, ObjectError> readObjectFile(const std::filesystem::path& path);

} // namespace xdpc::object
