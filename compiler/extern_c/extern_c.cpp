// Calls the plugin, once a C file, and makes diagnostics of ours of what it reports.
#include "compiler/extern_c/extern_c.h"
#include "compiler/extern_c/open_plugin.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>

namespace xdpc::extern_c {

static_assert(kXdpcPayloadMax == ir::kMaxPayloadBytes && kXdpcPayloadRoom == ir::kCPayloadRoom &&
              kXdpcPayloadBefore == ir::kCPayloadBefore);

namespace {

unsigned char kindOf(const ir::Type& type) {
  switch (type.kind) {
  case ir::TypeKind::Bytes:
    return kXdpcPayload;
  case ir::TypeKind::Bool:
    return kXdpcBool;
  case ir::TypeKind::Ipv4:
    return 32;
  case ir::TypeKind::Ipv6:
    return kXdpcIpv6;
  case ir::TypeKind::Mac:
    return 64;
  default:
    return static_cast<unsigned char>(type.bits);
  }
}

// One C file on its way through the plugin.
class Unit {
public:
  Unit(ir::Policy& policy, ir::CModule& module, const Files& files, diag::Emitter& emitter)
      : policy_(policy), module_(module), files_(files), emitter_(emitter) {
    sources_[module.source->name()] = module.source;
  }

  void compile(const Plugin& plugin) {
    std::vector<std::vector<unsigned char>> kinds;
    for (const ir::ExternId id : module_.functions) {
      kinds.emplace_back();
      for (const ir::Type& type : policy_.externs[id].parameters)
        kinds.back().push_back(kindOf(type));
    }
    std::vector<XdpcFunction> functions;
    for (size_t i = 0; i < kinds.size(); ++i) {
      const ir::Extern& one = policy_.externs[module_.functions[i]];
      functions.push_back(
          {one.name.c_str(), kinds[i].data(), static_cast<unsigned>(kinds[i].size()), kindOf(one.result)});
    }
    const std::string text(module_.source->text()); // Clang wants the zero byte behind it
    const XdpcSource source = {module_.source->name().c_str(), text.c_str(), text.size(), functions.data(),
                               static_cast<unsigned>(functions.size())};
    const XdpcSink sink = {this, takeFile, takeReport, takeModule};
    plugin.compile(&source, &sink);
    emit();
  }

private:
  static void takeFile(void* user, const char* path, const char* text, unsigned long size) {
    auto& unit = *static_cast<Unit*>(user);
    if (!unit.sources_.contains(path))
      unit.sources_[path] = &unit.files_.add(path, std::string(text, size));
  }

  static void takeReport(void* user, const XdpcReport* report) { static_cast<Unit*>(user)->take(*report); }

  static void takeModule(void* user, const XdpcModule* module) {
    auto& unit = *static_cast<Unit*>(user);
    unit.module_.bitcode.assign(module->bitcode, module->size);
    unit.module_.constants = module->constants;
  }

  Span place(const char* path, unsigned begin, unsigned end) const {
    const auto source = path ? sources_.find(path) : sources_.end();
    if (source == sources_.end())
      return {};
    const auto size = static_cast<uint32_t>(source->second->text().size());
    return {source->second, std::min(begin, size), std::min(end, size)};
  }

  void take(const XdpcReport& report) {
    const Span span = place(report.path, report.begin, report.end);
    if (report.severity == kXdpcNote) {
      if (!found_.empty())
        found_.back().notes.push_back({span, report.message});
      return;
    }
    const bool warning = report.severity == kXdpcWarning;
    const bool declared = report.function >= 0; // what the policy says of a function does not hold
    diag::Diagnostic made{.id = declared  ? diag::Id::bad_extern
                                : warning ? diag::Id::c_warning
                                          : diag::Id::c_error,
                          .severity = warning ? diag::Severity::warning : diag::Severity::error,
                          .span = span,
                          .message = report.message,
                          .label = {},
                          .help = report.help,
                          .fixits = {},
                          .notes = {}};
    if (declared) {
      const Span declaration = policy_.externs[module_.functions[report.function]].span;
      if (span.file)
        made.notes.push_back({declaration, "the policy declares it here"});
      else
        made.span = declaration;
    }
    for (unsigned i = 0; i < report.fix_count; ++i)
      made.fixits.push_back({place(report.path, report.fixes[i].begin, report.fixes[i].end), report.fixes[i].text});
    found_.push_back(std::move(made));
  }

  void emit() {
    for (diag::Diagnostic& one : found_) {
      diag::Diagnostic& reported = emitter_.report(one.id, one.span, one.message);
      const diag::Severity severity = reported.severity; // -Werror may have changed it
      reported = std::move(one);
      reported.severity = severity;
    }
  }

  ir::Policy& policy_;
  ir::CModule& module_;
  const Files& files_;
  diag::Emitter& emitter_;
  std::map<std::string, const SourceFile*, std::less<>> sources_;
  std::vector<diag::Diagnostic> found_;
};

std::vector<ir::CModule> modulesOf(const ir::Policy& policy, const Files& files) {
  std::vector<ir::CModule> modules;
  for (ir::ExternId id = 0; id < policy.externs.size(); ++id) {
    const SourceFile* source = files.read(policy.externs[id].path, policy.externs[id].span);
    if (!source)
      continue;
    auto module = std::ranges::find(modules, source, &ir::CModule::source);
    if (module == modules.end())
      module = modules.insert(module, {.source = source, .bitcode = {}, .constants = 0, .functions = {}});
    module->functions.push_back(id);
  }
  return modules;
}

} // namespace

void compile(ir::Policy& policy, const Files& files, diag::Emitter& emitter) {
  policy.c_modules = modulesOf(policy, files);
  if (policy.c_modules.empty())
    return;
  const auto plugin = openPlugin();
  if (!plugin) {
    diag::Diagnostic& error = emitter.report(diag::Id::no_clang, policy.externs.front().span, plugin.error().message);
    for (const std::string& path : plugin.error().tried)
      error.notes.push_back({{}, fmt::format("looked for {}", path)});
    return;
  }
  for (ir::CModule& module : policy.c_modules)
    Unit(policy, module, files, emitter).compile(*plugin);
}

} // namespace xdpc::extern_c
