// Prepared functions are what the back end makes of the same functions in any policy, and the policies that people
// write have them.
#include "compiler/codegen/codegen.h"
#include "compiler/lower/fingerprint.h"
#include "compiler/lower/module.h"
#include "compiler/lower/parameter.h"
#include "compiler/plan/plan.h"
#include "compiler/prepared/prepared.h"
#include "runtime/object/elf_file.h"
#include "tests/differential/compiled.h"

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

namespace xdpc {
namespace {

// The plan of a policy without files that it names; nothing if it needs them.
struct Planned {
  std::unique_ptr<differential::Compiled> compiled;
  std::optional<plan::Program> program;

  explicit Planned(const std::string& text) {
    try {
      compiled = differential::check(text);
    } catch (const std::exception&) {
      return;
    }
    if (auto made = plan::makePlan(compiled->policy, {}, compiled->emitter))
      program.emplace(std::move(*made));
  }
};

std::string textOf(const std::filesystem::path& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

// Fingerprints by the names of functions.
std::map<std::string, std::array<uint64_t, 2>> printsOf(const std::string& text) {
  std::map<std::string, std::array<uint64_t, 2>> prints;
  const Planned planned(text);
  if (!planned.program) {
    ADD_FAILURE() << "does not compile: " << text;
    return prints;
  }
  const lower::Module module = lower::lower(*planned.program);
  for (const llvm::Function& function : *module.impl().module)
    if (!function.isDeclaration() && lower::isCalled(function))
      if (const auto print = lower::fingerprint(function))
        prints[function.getName().str()] = print->hash;
  return prints;
}

std::string meterPolicy(const std::string& meter) {
  return "meter few { " + meter + " }\npolicy p { a: drop over few; default pass }\n";
}

TEST(Fingerprint, NamesCapacitiesAndRatesDoNotCount) {
  const auto one =
      printsOf("set first of ip { capacity 1k }\npolicy p { a: drop when ip.src in first; default pass }\n");
  const auto other = printsOf("set second of ip { capacity 64k }\ncounter seen\n"
                              "policy q { b: count seen\n c: pass when ip.src in second; default drop }\n");
  EXPECT_EQ(one.at("in_first"), other.at("in_second"));
  const auto slow = printsOf(meterPolicy("rate 1 pps burst 2  per ip.src  capacity 1k"));
  const auto fast = printsOf(meterPolicy("rate 9 kpps burst 100  per ip.dst  capacity 1M"));
  EXPECT_EQ(slow.at("meter_0"), fast.at("meter_0"));
  EXPECT_EQ(slow.at("meter_0_insert"), fast.at("meter_0_insert"));
}

TEST(Fingerprint, WhatTheFunctionDoesCounts) {
  const auto set = [](const std::string& with) {
    return printsOf("set s of ip { capacity 1k " + with + " }\npolicy p { a: drop when ip.src in s; default pass }\n")
        .at("in_s");
  };
  EXPECT_NE(set(""), set("count"));
  const auto packets = printsOf(meterPolicy("rate 1 pps burst 2  per ip.src  capacity 1k"));
  EXPECT_NE(packets.at("meter_0"),
            printsOf(meterPolicy("rate 8 Mbps burst 9kB  per ip.src  capacity 1k")).at("meter_0"));
  EXPECT_NE(packets.at("meter_0"),
            printsOf(meterPolicy("rate 1 pps burst 2  per ip.src  capacity 1k  when full pass")).at("meter_0"));
  EXPECT_NE(packets.at("meter_0"), packets.at("meter_0_insert"));
}

// Code of functions by name, and what it refers to, but for places.
using Code = std::map<std::string, std::pair<std::vector<uint8_t>, std::vector<std::string>>>;

Code codeOf(const std::vector<uint8_t>& bytes) {
  Code code;
  const auto elf = object::readElf(bytes);
  EXPECT_TRUE(elf);
  const auto text = elf ? elf->find(".text") : std::nullopt;
  if (!text)
    return code;
  std::map<uint64_t, std::string> starts;
  for (const object::Symbol& symbol : elf->symbols)
    if (symbol.section == *text && !symbol.name.empty())
      starts[symbol.value] = symbol.name;
  const auto& all = elf->sections[*text].bytes;
  for (auto start = starts.begin(); start != starts.end(); ++start) {
    const uint64_t end = std::next(start) == starts.end() ? all.size() : std::next(start)->first;
    auto& [instructions, references] = code[start->second];
    instructions.assign(all.begin() + static_cast<long>(start->first), all.begin() + static_cast<long>(end));
    for (const auto& relocation : elf->relocations[*text])
      if (relocation.offset >= start->first && relocation.offset < end)
        references.push_back(std::to_string(relocation.offset - start->first) + " " +
                             elf->symbols[relocation.symbol].name);
  }
  return code;
}

TEST(Prepared, TheirCodeIsWhatTheBackEndMakes) {
  const std::filesystem::path root = XDPC_SOURCE_DIR;
  unsigned compared = 0, substituted = 0;
  for (const char* folder : {"examples", "compiler/prepared", "tests/packet"})
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root / folder)) {
      if (entry.path().extension() != ".xf")
        continue;
      const Planned planned(textOf(entry.path()));
      if (!planned.program || !planned.compiled->policy.externs.empty())
        continue;
      const auto lowered =
          lower::lower(*planned.program, lower::Presence::leaves, {}, preparedFunctions()).impl().substitutes;
      if (lowered.empty())
        continue;
      const auto made = codegen::emitObject(*planned.program, lower::Presence::leaves);
      const auto with =
          codegen::emitObject(*planned.program, lower::Presence::leaves, {.prepared = preparedFunctions()});
      const Code by_back_end = codeOf(made), of_object = codeOf(with);
      for (const lower::Substitute& one : lowered) {
        const auto here = by_back_end.find(one.function), there = of_object.find(one.function);
        ASSERT_EQ(here == by_back_end.end(), there == of_object.end()) << entry.path() << ": " << one.function;
        if (here != by_back_end.end()) // nobody calls it, once the program is optimized
          EXPECT_TRUE(here->second == there->second) << entry.path() << ": " << one.function;
      }
      compared += 1;
      substituted += static_cast<unsigned>(lowered.size());
    }
  EXPECT_GT(compared, 20u);
  EXPECT_GT(substituted, 60u);
}

TEST(Prepared, TheFrontOfAWebHostHasThemAll) {
  const Planned planned(textOf(std::filesystem::path(XDPC_SOURCE_DIR) / "examples/web_edge/web_edge.xf"));
  ASSERT_TRUE(planned.program);
  const lower::Module module = lower::lower(*planned.program, lower::Presence::leaves, {}, preparedFunctions());
  std::vector<std::string> compiled;
  for (const llvm::Function& function : *module.impl().module)
    if (!function.isDeclaration() && function.getInstructionCount() > 1)
      compiled.push_back(function.getName().str());
  EXPECT_EQ(compiled, (std::vector<std::string>{"ipv6_packets", "xdpc"}));
}

} // namespace
} // namespace xdpc
