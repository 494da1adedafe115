// Runs an assembled program on the embedded engine. The map `out` (index 0) is what it can leave results in.
// Used by tests/unit/vm.
#pragma once

#include "runtime/vm/vm.h"
#include "tests/support/bpf_asm.h"

#include <cstring>
#include <gtest/gtest.h>

namespace xdpc::support {

using abi::Bytes;
using abi::MapRole;

inline constexpr unsigned kResults = 16; // u64 in `out`
inline const abi::Map kOut{"out", MapRole::scratch, BPF_MAP_TYPE_ARRAY, 4, kResults * 8, 1};

// A program with references, built in order.
class Assembly {
public:
  Assembly& add(const Program& part) {
    code.insert(code.end(), part.begin(), part.end());
    return *this;
  }
  Assembly& add(Instruction one) {
    code.push_back(one);
    return *this;
  }
  Assembly& valueOf(Register dst, uint32_t map, uint32_t offset = 0) { return reference(dst, map, true, offset); }
  Assembly& mapOf(Register dst, uint32_t map) { return reference(dst, map, false, 0); }
  // out[slot] = source; r9 is lost.
  Assembly& result(Register source, unsigned slot = 0) {
    return valueOf(r9, 0).add(store(BPF_DW, r9, int(slot * 8), source));
  }
  Assembly& pass() { return add(mov(r0, 2)).add(exit()); }

  Program code;
  std::vector<object::MapReference> references;

private:
  Assembly& reference(Register dst, uint32_t map, bool value, uint32_t offset) {
    references.push_back({uint32_t(code.size()), map, value, offset});
    Program load = load64(dst, uint64_t{offset} << 32);
    load[0].src = value ? BPF_PSEUDO_MAP_VALUE : BPF_PSEUDO_MAP_FD;
    return add(load);
  }
};

inline object::Object makeObject(const Assembly& assembly, std::vector<abi::Map> maps = {}) {
  object::Object object;
  object.manifest.policy = "p";
  object.manifest.file = "p.xf";
  object.manifest.maps = {kOut};
  object.manifest.maps.insert(object.manifest.maps.end(), maps.begin(), maps.end());
  object.program = assembly.code;
  object.references = assembly.references;
  object.license = "GPL";
  object.config.abi = abi::kAbi;
  return object;
}

inline std::unique_ptr<engine::Engine> makeEngine(const object::Object& object, const vm::Options& options = {}) {
  auto engine = vm::load(object, options);
  EXPECT_TRUE(engine) << (engine ? "" : engine.error().message);
  return engine ? std::move(*engine) : nullptr;
}

inline Bytes someFrame(size_t size = 64) {
  Bytes out(size);
  for (size_t i = 0; i < size; ++i)
    out[i] = uint8_t(i);
  return out;
}

inline uint64_t resultOf(engine::Engine& engine, unsigned slot = 0) {
  uint64_t out = 0;
  EXPECT_TRUE(engine.maps().read(0, slot * 8, {reinterpret_cast<uint8_t*>(&out), 8}));
  return out;
}

// What the program leaves in out[0].
inline uint64_t evaluate(const Assembly& assembly, std::vector<abi::Map> maps = {}) {
  auto engine = makeEngine(makeObject(assembly, std::move(maps)));
  if (!engine)
    return 0;
  Bytes frame = someFrame();
  auto outcome = engine->run({frame, 1'000'000});
  EXPECT_TRUE(outcome) << (outcome ? "" : outcome.error().message);
  return resultOf(*engine);
}

// The error of a run, or "".
inline std::string faultOf(const Assembly& assembly, std::vector<abi::Map> maps = {}, const vm::Options& options = {}) {
  auto engine = makeEngine(makeObject(assembly, std::move(maps)), options);
  if (!engine)
    return "not loaded";
  Bytes frame = someFrame();
  auto outcome = engine->run({frame});
  return outcome ? "" : outcome.error().message;
}

} // namespace xdpc::support
