// prepare OUT POLICY...: compiles the policies and writes their functions as the C++ of preparedFunctions().
#include "compiler/basic/stdlib.h"
#include "compiler/codegen/prepare.h"
#include "compiler/diag/diag.h"
#include "compiler/parse/parse.h"
#include "compiler/plan/plan.h"
#include "compiler/sema/sema.h"

#include <fmt/format.h>

#include <cstdio>
#include <map>
#include <memory>

namespace {

using Functions = std::map<std::array<uint64_t, 2>, xdpc::codegen::MadeFunction>;

using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

// Empty, and so no policy, where it cannot be read.
std::string read(const std::string& path) {
  std::string text;
  char part[4096];
  if (const File file{std::fopen(path.c_str(), "r"), std::fclose})
    while (const size_t bytes = std::fread(part, 1, sizeof part, file.get()))
      text.append(part, bytes);
  return text;
}

// False if the policy is wrong, which is said.
bool addFunctions(const std::string& path, Functions& functions) {
  xdpc::Sources sources;
  xdpc::diag::Emitter emitter;
  const xdpc::ast::File file = xdpc::parse::parse(sources.add(path, read(path)), emitter);
  std::vector<xdpc::ast::File> library;
  for (const xdpc::StdlibFile& one : xdpc::stdlibFiles())
    library.push_back(xdpc::parse::parse(sources.add(std::string(one.name), std::string(one.text)), emitter));
  const auto policy = xdpc::sema::check(file, library, emitter, {});
  const auto program = policy ? xdpc::plan::makePlan(*policy, {}, emitter) : std::nullopt;
  if (!program || emitter.hasErrors()) {
    fmt::print(stderr, "{}", xdpc::diag::render(emitter, false));
    return false;
  }
  for (auto& made : xdpc::codegen::prepare(*program))
    functions.try_emplace(made.fingerprint, std::move(made));
  return true;
}

std::string textOf(const Functions& functions) {
  std::string arrays, table;
  size_t number = 0;
  for (const auto& [print, made] : functions) {
    arrays += fmt::format("const uint8_t code_{}[] = {{{}}}; // {}\n", number, fmt::join(made.code, ","), made.name);
    arrays += fmt::format("const xdpc::lower::PreparedRelocation relocations_{}[] = {{", number);
    for (const auto& one : made.relocations)
      arrays += fmt::format("{{{},{},{}}},", one.offset, one.type, one.reference);
    arrays += made.relocations.empty() ? "{}};\n" : "};\n";
    table += fmt::format("  {{{{{}u, {}u}}, code_{}, std::span(relocations_{}, {})}},\n", print[0], print[1], number,
                         number, made.relocations.size());
    ++number;
  }
  return fmt::format("#include \"compiler/prepared/prepared.h\"\nnamespace {{\n{}\nconst xdpc::lower::PreparedFunction "
                     "functions[] = {{\n{}}};\n}}\nxdpc::lower::PreparedFunctions xdpc::preparedFunctions() {{ return "
                     "functions; }}\n",
                     arrays, table);
}

} // namespace

int main(int count, char** arguments) {
  Functions functions;
  for (int i = 2; i < count; ++i)
    if (!addFunctions(arguments[i], functions))
      return 1;
  const std::string text = textOf(functions);
  const File out{std::fopen(arguments[1], "w"), std::fclose};
  return out && std::fwrite(text.data(), 1, text.size(), out.get()) == text.size() ? 0 : 1;
}
