// The compiler's phases, one after the other: text to object. Entry points: parseAndCheck, then planOf or
// compileObject. Nothing here is global: a Compilation owns what one file needs. Used by every subcommand that takes a
// policy's source.
#pragma once

#include "compiler/ast/ast.h"
#include "compiler/diag/diag.h"
#include "compiler/ir/ir.h"
#include "compiler/lower/lower.h"
#include "compiler/plan/program.h"
#include "driver/bounds.h"
#include "driver/sha256.h"

#include <cstdint>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace xdpc::driver {

struct Compilation {
  Sources sources;
  diag::Emitter emitter;
  Bounds bounds;
  bool tables = true;                   // runs of rules become tables
  ast::File file;                       // empty once it is checked, like the next two
  std::vector<ast::File> used;          // whose declarations `use` brings in, each once
  std::vector<ast::File> library;       // stdlib/*.xf
  std::vector<const SourceFile*> named; // what the policy names: used files and loaded lists, as they were read
  std::map<std::string, const SourceFile*> lists;             // loaded lists by their path
  std::optional<ir::Policy> policy;                           // nothing on errors
  const SourceFile *packet = nullptr, *packet_test = nullptr; // CompileOptions::packet, and the test around it

  std::shared_future<Sha256> hash; // of the policy's text
  std::jthread back_end;           // starts, if an object will be made
  diag::Emitter beside;            // what `warner` finds, until planOf takes it
  std::jthread warner;             // looks at the policy, from Until::planned on

  bool ok() const { return policy.has_value() && !emitter.hasErrors(); }
};

// planned, object: planOf or objectOf comes next if there are no errors so far, and gives what a large policy is warned
// of; what it takes to make an object is got ready meanwhile.
enum class Until { parsed, checked, planned, object };

struct CompileOptions {
  std::vector<std::string> warnings; // as after -W: "no-NAME", "error"
  Bounds bounds{};
  bool tables = true;
  Until until = Until::checked;
  std::optional<std::string> packet = {}; // as in a test; if given, the policy's last test has it alone
};

// Reads, parses and checks. Nothing if the file cannot be read or an option is unknown: that has been said on standard
// error, and `code` is the exit code. Diagnostics are in the emitter and not yet printed.
std::unique_ptr<Compilation> compile(const std::string& path, const CompileOptions& options, int& code);

// For a command that ends soon: what a large policy takes goes with the process, which the kernel takes back faster
// than it is given back part by part.
void keepToTheEnd(std::unique_ptr<Compilation> compilation);

// Prints the diagnostics so far. True if there is no error.
bool report(const Compilation& compilation);

// The later phases; nothing where a bound is exceeded, which is then in the emitter. The policy must be ok().
std::optional<plan::Program> planOf(Compilation& compilation);
std::optional<lower::Module> moduleOf(Compilation& compilation);
std::optional<std::string> assemblyOf(Compilation& compilation); // empty where BPF's jumps cannot cross the program
// `planned`, if given, is told the manifest before the back end runs.
std::optional<std::vector<uint8_t>> objectOf(Compilation& compilation,
                                             const std::function<void(const abi::Manifest&)>& planned = {});

} // namespace xdpc::driver
