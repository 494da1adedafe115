// See compile.h. Tested by tests/lit/cli and by everything that compiles a policy.
#include "driver/compile.h"

#include "compiler/analysis/warnings.h"
#include "compiler/basic/stdlib.h"
#include "compiler/codegen/codegen.h"
#include "compiler/parse/parse.h"
#include "compiler/plan/plan.h"
#include "compiler/prepared/prepared.h"
#include "compiler/sema/sema.h"
#include "driver/file.h"
#include "driver/memory.h"
#include "driver/output.h"
#include "driver/sha256.h"
#include "driver/used_files.h"

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

namespace xdpc::driver {

namespace {

// The names of all warnings, for a suggestion.
std::vector<std::string> warningNames() {
  std::vector<std::string> names;
  for (diag::Id id : diag::allIds())
    if (diag::info(id).severity == diag::Severity::warning)
      names.emplace_back(diag::info(id).name);
  return names;
}

bool applyWarning(diag::Emitter& emitter, std::string_view warning) {
  if (warning == "error")
    return emitter.warningsAreErrors(true), true;
  if (warning.starts_with("error="))
    return emitter.makeError(warning.substr(6));
  return warning.starts_with("no-") && emitter.disableWarning(warning.substr(3));
}

// -Wno-NAME, -Werror, -Werror=NAME. False for what is none of them.
bool applyWarnings(diag::Emitter& emitter, const std::vector<std::string>& warnings) {
  for (const std::string& warning : warnings) {
    if (applyWarning(emitter, warning))
      continue;
    const std::string prefix = warning.starts_with("error=") ? "error=" : warning.starts_with("no-") ? "no-" : "";
    const auto near = diag::nearest(std::string_view(warning).substr(prefix.size()), warningNames());
    fail(kUsage, fmt::format("unknown warning option `-W{}`{}", warning,
                             near && !prefix.empty() ? fmt::format(": did you mean `-W{}{}`?", prefix, *near) : ""));
    return false;
  }
  return true;
}

std::optional<std::string> readPolicy(const std::string& path, int& code) {
  Result<std::string, FileError> text = readFile(path, parse::Limits{}.bytes);
  if (!text) {
    code = fail(text.error().too_large ? kWrong : kUsage, text.error().message);
    return {};
  }
  if (const size_t nul = text->find('\0'); nul != std::string::npos) {
    code = fail(kWrong, fmt::format("`{}` is not a policy's text: byte {} is zero", path, nul));
    return {};
  }
  return std::move(*text);
}

sema::Surroundings surroundings(Compilation& compilation, diag::Emitter& emitter) {
  return {.used = &compilation.used,
          .load = [&](std::string_view path, Span place) { return readList(compilation, path, place, emitter); }};
}

// The policy's rules are given up one by one: what they mean takes the memory that what they say had.
std::optional<ir::Policy> checkFiles(Compilation& compilation) {
  sema::Surroundings around = surroundings(compilation, compilation.emitter);
  around.checked = [&](size_t rule) { compilation.file.policies[0].rules[rule] = {}; };
  return sema::check(compilation.file, compilation.library, compilation.emitter, around);
}

constexpr size_t kLongText = 64 << 10; // whose hash takes longer than a thread

// The first part of its hash, which a long policy's is made of while it is checked.
std::shared_future<Sha256> hashOf(const SourceFile& source) {
  const auto how = source.text().size() > kLongText ? std::launch::async : std::launch::deferred;
  return std::async(how, [&source] {
    Sha256 sum;
    sum.add(source.text());
    return sum;
  });
}

// Over the policy's text and, if it names others, over theirs, each with its length.
std::string sourceHash(const Compilation& compilation) {
  Sha256 sum = compilation.hash.get();
  for (const SourceFile* file : compilation.named) {
    sum.add(fmt::format("\n{}\n", file->text().size()));
    sum.add(file->text());
  }
  return sum.hex();
}

bool swallowsTheRest(const diag::Diagnostic& diagnostic) {
  return diagnostic.id == diag::Id::unclosed_bracket;
}

// A file with syntax errors is checked all the same, so that one run says everything. What the check finds on a line
// that was not understood follows from that, and is left out.
void checkAfterErrors(Compilation& compilation) {
  diag::Emitter& syntax = compilation.emitter;
  std::set<std::pair<const SourceFile*, uint32_t>> lines;
  for (const diag::Diagnostic& diagnostic : syntax.diagnostics()) {
    if (swallowsTheRest(diagnostic))
      return;
    lines.emplace(diagnostic.span.file, diagnostic.span.position().line);
  }
  diag::Emitter both = syntax; // the check looks at what was not understood
  const size_t known = both.diagnostics().size();
  sema::check(compilation.file, compilation.library, both, surroundings(compilation, both));
  for (size_t i = known; i < both.diagnostics().size(); ++i) {
    const diag::Diagnostic& found = both.diagnostics()[i];
    if (!found.span.file || !lines.contains({found.span.file, found.span.position().line}))
      syntax.report(found.id, found.span, found.message) = found;
  }
}

constexpr size_t kHeapPerByte = 64; // of a policy's text: more than rules without blanks take

// Of large policies a third of the memory; the policy as it was checked stands for them from now on.
void giveUpTrees(Compilation& compilation) {
  compilation.file = {.source = compilation.file.source};
  compilation.used.clear();
  compilation.library.clear();
}

constexpr size_t kManyRules = 500; // whose warnings take longer than a thread

void warn(Compilation& compilation, bool beside) {
  const ir::Policy& policy = *compilation.policy;
  if (!beside || compilation.emitter.hasErrors() || policy.rules.size() < kManyRules)
    return analysis::warn(policy, compilation.emitter);
  compilation.beside = compilation.emitter.alike();
  compilation.warner = std::jthread([&policy, &beside_emitter = compilation.beside] {
    expectThreadHeap();
    analysis::warn(policy, beside_emitter);
  });
}

constexpr std::string_view kBeforePacket = "test \"packet\" {\n    expect pass for ";

void addPacket(Compilation& compilation, const std::string& packet) {
  compilation.packet = &compilation.sources.add("<packet>", packet);
  compilation.packet_test = &compilation.sources.add("<packet>", fmt::format("{}{}\n}}\n", kBeforePacket, packet));
  ast::File parsed = parse::parse(*compilation.packet_test, compilation.emitter);
  std::move(parsed.tests.begin(), parsed.tests.end(), std::back_inserter(compilation.file.tests));
}

} // namespace

std::unique_ptr<Compilation> compile(const std::string& path, const CompileOptions& options, int& code) {
  auto compilation = std::make_unique<Compilation>();
  compilation->bounds = options.bounds;
  compilation->tables = options.tables;
  if (!applyWarnings(compilation->emitter, options.warnings)) {
    code = kUsage;
    return nullptr;
  }
  std::optional<std::string> text = readPolicy(path, code);
  if (!text)
    return nullptr;
  expectHeap(text->size() * kHeapPerByte);
  if (options.until == Until::object)
    compilation->back_end = std::jthread([] {
      expectThreadHeap();
      expectCompiler();
      codegen::start();
    });
  const SourceFile& source = compilation->sources.add(path == "-" ? "<stdin>" : path, std::move(*text));
  compilation->file = parse::parse(source, compilation->emitter, {.depth = options.bounds.depth}, expectThreadHeap);
  if (options.until == Until::parsed)
    return compilation;
  compilation->hash = hashOf(source);
  readUsedFiles(*compilation);

  for (const StdlibFile& file : stdlibFiles()) {
    const SourceFile& library_source = compilation->sources.add(std::string(file.name), std::string(file.text));
    compilation->library.push_back(parse::parse(library_source, compilation->emitter));
  }
  if (options.packet)
    addPacket(*compilation, *options.packet);
  analysis::Names names;
  if (compilation->emitter.hasErrors()) {
    checkAfterErrors(*compilation);
  } else {
    names = analysis::namesUsed(compilation->file, compilation->used);
    compilation->policy = checkFiles(*compilation);
  }
  if (compilation->policy && !compilation->policy->externs.empty())
    compileC(*compilation, compilation->emitter);
  if (compilation->policy) {
    analysis::warnOfUnused(compilation->file, names, compilation->emitter);
    giveUpTrees(*compilation);
    checkBounds(*compilation->policy, options.bounds, compilation->emitter);
    warn(*compilation, options.until >= Until::planned);
  }
  return compilation;
}

void keepToTheEnd(std::unique_ptr<Compilation> compilation) {
  static auto& kept = *new std::vector<std::unique_ptr<Compilation>>;
  kept.push_back(std::move(compilation));
}

namespace {

// Its place in the packet as it was written, not in the test that was made of it.
Span inPacket(const Compilation& compilation, Span span) {
  if (!span.file || span.file != compilation.packet_test)
    return span;
  const auto place = [&](uint32_t offset) {
    const auto end = static_cast<uint32_t>(compilation.packet->text().size());
    return std::min(end, offset - std::min(offset, static_cast<uint32_t>(kBeforePacket.size())));
  };
  return {compilation.packet, place(span.begin), place(span.end)};
}

diag::Emitter asWritten(const Compilation& compilation) {
  diag::Emitter shown;
  for (diag::Diagnostic found : compilation.emitter.diagnostics()) {
    found.span = inPacket(compilation, found.span);
    for (diag::FixIt& fix : found.fixits)
      fix.span = inPacket(compilation, fix.span);
    for (diag::Note& note : found.notes)
      note.span = inPacket(compilation, note.span);
    shown.report(found.id, found.span, found.message) = found;
  }
  return shown;
}

} // namespace

bool report(const Compilation& compilation) {
  const unsigned most = compilation.bounds.errors ? compilation.bounds.errors : std::numeric_limits<unsigned>::max();
  fmt::print(stderr, "{}", diag::render(asWritten(compilation), colorOnStderr(), most));
  return !compilation.emitter.hasErrors();
}

std::optional<plan::Program> planOf(Compilation& compilation) {
  const plan::Options options{.source_sha256 = sourceHash(compilation), .tables = compilation.tables};
  diag::Emitter found = compilation.emitter.alike();
  std::optional<plan::Program> program = plan::makePlan(*compilation.policy, options, found);
  if (compilation.warner.joinable())
    compilation.warner.join();
  compilation.emitter.take(std::exchange(compilation.beside, {}));
  compilation.emitter.take(std::move(found));
  if (program)
    checkBounds(program->manifest, compilation.policy->span, compilation.bounds, compilation.emitter);
  return compilation.emitter.hasErrors() ? std::nullopt : std::move(program);
}

std::optional<lower::Module> moduleOf(Compilation& compilation) {
  const std::optional<plan::Program> program = planOf(compilation);
  if (!program)
    return {};
  return lower::lower(*program);
}

// Where leaves of the parser outgrow BPF's jumps, with notes (lower.h).
template <class Emit> static auto emitted(const Emit& emit) {
  auto code = emit(lower::Presence::leaves);
  return code.empty() ? emit(lower::Presence::notes) : code;
}

std::optional<std::string> assemblyOf(Compilation& compilation) {
  const std::optional<plan::Program> program = planOf(compilation);
  if (!program)
    return {};
  return emitted([&](lower::Presence presence) { return codegen::emitAssembly(lower::lower(*program, presence)); });
}

std::optional<std::vector<uint8_t>> objectOf(Compilation& compilation,
                                             const std::function<void(const abi::Manifest&)>& planned) {
  const std::optional<plan::Program> program = planOf(compilation);
  if (!program)
    return {};
  if (planned)
    planned(program->manifest);
  if (compilation.back_end.joinable())
    compilation.back_end.join();
  std::vector<uint8_t> object = emitted([&](lower::Presence presence) {
    return codegen::emitObject(*program, presence,
                               {.thread_starts = expectThreadHeap, .prepared = preparedFunctions()});
  });
  if (object.empty()) {
    compilation.emitter
        .report(diag::Id::too_large, compilation.policy->span,
                fmt::format("the program of `{}` outgrows BPF's jumps or its stack", compilation.policy->name))
        .help =
        "put what is alike into sets, and conditions on fields and constants next to each other: those become tables";
    return {};
  }
  checkBounds(object, compilation.policy->span, compilation.bounds, compilation.emitter);
  if (canExceedMaps(program->manifest))
    checkMaps(object, compilation.policy->span, compilation.emitter);
  return compilation.emitter.hasErrors() ? std::nullopt : std::optional(std::move(object));
}

} // namespace xdpc::driver
