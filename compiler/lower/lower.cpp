// Makes the module: globals that stand for maps, the functions of large constant sets, and the program.
#include "compiler/lower/lower.h"
#include "compiler/lower/builder.h"
#include "compiler/lower/capture.h"
#include "compiler/lower/chain.h"
#include "compiler/lower/classifier.h"
#include "compiler/lower/const_set.h"
#include "compiler/lower/counter.h"
#include "compiler/lower/crc32c.h"
#include "compiler/lower/extern.h"
#include "compiler/lower/frame.h"
#include "compiler/lower/llvm.h"
#include "compiler/lower/map.h"
#include "compiler/lower/meter.h"
#include "compiler/lower/module.h"
#include "compiler/lower/notes.h"
#include "compiler/lower/options.h"
#include "compiler/lower/parser.h"
#include "compiler/lower/part.h"
#include "compiler/lower/rule.h"
#include "compiler/lower/scan.h"
#include "compiler/lower/set.h"
#include "compiler/lower/share.h"
#include "compiler/lower/substitute.h"
#include "runtime/abi/capture.h"
#include "runtime/abi/keyed_table.h"

#include <llvm/Support/raw_ostream.h>

#include <algorithm>
#include <cstring>

namespace xdpc::lower {
namespace {

llvm::GlobalVariable* addBytes(llvm::Module& module, llvm::StringRef name, llvm::StringRef section,
                               llvm::Constant* contents) {
  auto* global =
      new llvm::GlobalVariable(module, contents->getType(), false, llvm::GlobalValue::ExternalLinkage, contents, name);
  global->setSection(section);
  global->setAlignment(llvm::Align(8));
  return global;
}

std::string tableName(uint32_t index) {
  return "table_" + std::to_string(index);
}

llvm::GlobalVariable* declareTable(llvm::Module& module, uint32_t index) {
  return new llvm::GlobalVariable(module, llvm::Type::getInt8Ty(module.getContext()), true,
                                  llvm::GlobalValue::ExternalLinkage, nullptr, tableName(index));
}

llvm::Constant* zeros(llvm::Module& module, uint32_t bytes) {
  return llvm::ConstantAggregateZero::get(llvm::ArrayType::get(llvm::Type::getInt8Ty(module.getContext()), bytes));
}

llvm::Constant* configContents(llvm::Module& module) {
  abi::Config config{.abi = abi::kAbi, .rows = abi::kDefaultRows};
  abi::seedTables(config, 0); // a loader other than ours draws none
  uint32_t words[sizeof config / 4];
  std::memcpy(words, &config, sizeof config);
  return llvm::ConstantDataArray::get(module.getContext(), words);
}

// Maps with one value that the program addresses directly are data sections, whose names libbpf knows.
llvm::GlobalVariable* addMap(llvm::Module& module, DebugInfo& debug, const plan::Program& program, uint32_t index,
                             const Share& share) {
  const abi::Map& map = program.manifest.maps[index];
  if (map.name == abi::kCaptureMap)
    return addBytes(module, "capture_state", map.name, zeros(module, map.value_size));
  switch (map.role) {
  case abi::MapRole::config: {
    auto* global = addBytes(module, "config", map.name, configContents(module));
    global->setConstant(true);
    return global;
  }
  case abi::MapRole::counters:
    return addBytes(module, "counters", map.name, zeros(module, map.value_size));
  case abi::MapRole::control:
    return addBytes(module, "control", map.name, zeros(module, map.value_size));
  case abi::MapRole::test:
    return addBytes(module, "test", map.name, zeros(module, map.value_size));
  case abi::MapRole::meters:
    return addBytes(module, "meters", map.name, zeros(module, map.value_size));
  case abi::MapRole::table: {
    if (!program.tables.contains(index)) // C's own, which comes with its module
      return nullptr;
    if (share.index > 0) // which may have millions of bytes, that another share has
      return declareTable(module, index);
    auto* contents = llvm::ConstantDataArray::get(module.getContext(), llvm::ArrayRef(program.tables.at(index)));
    auto* global = addBytes(module, tableName(index), map.name, contents);
    global->setConstant(true);
    return global;
  }
  case abi::MapRole::base: // user space's own
    return nullptr;
  default:
    return debug.addMap(map);
  }
}

void addText(llvm::Module& module, llvm::StringRef name, llvm::StringRef section, llvm::StringRef text, bool end) {
  auto* contents = llvm::ConstantDataArray::getString(module.getContext(), text, end);
  auto* global = addBytes(module, name, section, contents);
  global->setConstant(true);
  global->setAlignment(llvm::Align(1));
}

llvm::Function* makeProgram(llvm::Module& module, DebugInfo& debug) {
  auto& context = module.getContext();
  auto* type = llvm::FunctionType::get(llvm::Type::getInt32Ty(context), {llvm::PointerType::get(context, 0)}, false);
  auto* function = llvm::Function::Create(type, llvm::Function::ExternalLinkage, abi::kProgramName, module);
  function->setSection(abi::kProgramSection);
  function->setDoesNotThrow();
  debug.enterProgram(*function);
  return function;
}

// Whether the policy reads the packet at all.
bool readsHeaders(const plan::Program& program) {
  for (const plan::HeaderPlan& header : program.headers)
    if (header.asked || header.checked)
      return true;
  return false;
}

// Of LLVM's instructions. BPF's jumps cross 32,767 of BPF's, and these come to two thirds as many or more.
constexpr size_t kMaxInstructions = 120'000;

// False if the program is unfinished: too large.
bool lowerProgram(const plan::Program& program, llvm::Module& module, DebugInfo& debug, const Globals& globals,
                  Presence presence, Ipv6 ipv6) {
  const bool divides = ipv6 == Ipv6::apart && readsHeaders(program);
  const auto apart = divides ? makePart(program, module, debug, globals, presence) : std::nullopt;
  Builder b(program, module, *makeProgram(module, debug), globals);
  b.startBlock(b.block("entry"));
  debug.setPlace(b, b.policy().span);
  b.context = b.function().getArg(0);
  bool reads = readsHeaders(program);
  const auto rare = lowerFrame(b, reads ? FrameUse::headers : FrameUse::length);
  Exit exit = makeExit(b);
  if (presence == Presence::notes)
    b.noted = notableHeaders(program);
  bool whole = true;
  if (reads) {
    Part part;
    if (apart)
      part = {apart->header, [&](const PartStart& start) { callPart(b, *apart, start); }};
    whole = lowerParser(
        b, [&](const Packet& packet) { lowerRules(b, debug, packet, exit); },
        presence == Presence::leaves ? kMaxInstructions : SIZE_MAX, apart ? &part : nullptr);
  } else {
    Packet nothing;
    nothing.malformed = nothing.unparsed = b.u64(0);
    lowerRules(b, debug, nothing, exit);
  }
  finishExit(b, exit);
  for (llvm::BasicBlock* block : rare)
    block->moveAfter(&b.function().back());
  return whole;
}

// The policy's file, and those that rules come from.
std::vector<const SourceFile*> sourcesOf(const ir::Policy& policy) {
  std::vector<const SourceFile*> sources = {policy.source};
  for (const ir::Rule& rule : policy.rules)
    if (rule.span.file && std::ranges::find(sources, rule.span.file) == sources.end())
      sources.push_back(rule.span.file);
  return sources;
}

} // namespace

Module::Module(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Module::Module(Module&&) noexcept = default;
Module::~Module() = default;

namespace {

// Null where the program is too large.
std::unique_ptr<Module::Impl> makeModule(const plan::Program& program, Presence presence, const Share& share,
                                         PreparedFunctions prepared, Ipv6 ipv6) {
  startLlvm();
  auto impl = std::make_unique<Module::Impl>();
  impl->context = std::make_unique<llvm::LLVMContext>();
  impl->module = std::make_unique<llvm::Module>(program.policy->name, *impl->context);
  llvm::Module& module = *impl->module;
  module.setTargetTriple("bpfel");
  module.setDataLayout("e-m:e-p:64:64-i64:64-i128:128-n32:64-S128");
  DebugInfo debug(module, sourcesOf(*program.policy));
  Globals globals;
  for (uint32_t index = 0; index < program.manifest.maps.size(); ++index)
    if (auto* global = addMap(module, debug, program, index, share))
      globals.maps[index] = global;
  addText(module, "_license", "license", abi::kLicense, true);
  if (share.index == 0) // which has all data
    addText(module, "manifest", abi::kManifestSection, abi::toJson(program.manifest), false);
  makeConstSetFunctions(program, module, debug, globals);
  makeMapFunctions(program, module, debug, globals);
  makeSetFunctions(program, module, debug, globals);
  makeMeterFunctions(program, module, debug, globals);
  makeCounterFunctions(program, module, debug, globals);
  makeScanFunctions(program, module, debug, globals);
  makeExternFunctions(program, module, debug, globals);
  makeChainFunctions(program, module, debug, globals);
  makeOptionFunctions(program, module, debug, globals);
  makeClassifierFunctions(program, module, debug, globals);
  makeCaptureFunction(program, module, debug, globals);
  makeCrcFunctions(program, module, debug, globals);
  const bool whole = lowerProgram(program, module, debug, globals, presence, ipv6);
  debug.finish();
  impl->substitutes = substitute(module, prepared);
  keepShare(module, share);
  return whole ? std::move(impl) : nullptr;
}

} // namespace

Module lower(const plan::Program& program, Presence presence, const Share& share, PreparedFunctions prepared,
             Ipv6 ipv6) {
  auto impl = makeModule(program, presence, share, prepared, ipv6);
  return Module(impl ? std::move(impl) : makeModule(program, Presence::notes, share, prepared, ipv6));
}

std::string toText(const Module& module) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  module.impl().module->print(stream, nullptr);
  return text;
}

} // namespace xdpc::lower
