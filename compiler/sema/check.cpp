// Checks a file: headers, names, constants, state, rules, promises, tests, in this order. Entry point: check. Tested by
// tests/unit/sema and, through the whole compiler, by tests/lit.
#include "compiler/ir/verdict.h"
#include "compiler/sema/expr.h"
#include "compiler/sema/follow_up.h"
#include "compiler/sema/header.h"
#include "compiler/sema/prune.h"
#include "compiler/sema/rule.h"
#include "compiler/sema/sema.h"
#include "compiler/sema/test.h"
#include "runtime/abi/abi.h"

#include <fmt/format.h>

namespace xdpc::sema {

namespace {

void declareConstants(Scope& scope, const ast::File& file) {
  for (const ast::Constant& decl : file.constants)
    if (declare(scope, decl.name, SymbolKind::Constant, static_cast<uint32_t>(scope.constants.size())))
      scope.constants.push_back({.decl = &decl});
}

// Gives every declaration its place in the policy, so that order does not matter. The indices of those that count are
// the positions in the file: a second declaration of a name is checked, too, and nothing refers to it.
template <class Decl, class Made>
void declareAll(Scope& scope, const std::vector<Decl>& decls, SymbolKind kind, std::vector<Made>& out) {
  for (const Decl& decl : decls) {
    declare(scope, decl.name, kind, static_cast<uint32_t>(out.size()));
    Made made;
    made.name = decl.name.text;
    made.span = decl.span;
    out.push_back(std::move(made));
  }
}

void declareState(Scope& scope, const std::vector<const ast::File*>& files) {
  for (const ast::File* file : files) {
    declareAll(scope, file->maps, SymbolKind::Map, scope.policy.maps);
    declareAll(scope, file->externs, SymbolKind::Extern, scope.policy.externs);
    declareAll(scope, file->sets, SymbolKind::Set, scope.policy.sets);
    declareAll(scope, file->counters, SymbolKind::Counter, scope.policy.counters);
    declareAll(scope, file->meters, SymbolKind::Meter, scope.policy.meters);
    declareAll(scope, file->events, SymbolKind::Event, scope.policy.events);
    declareLists(scope, *file);
  }
  if (scope.policy.sets.size() > abi::kMaxSets)
    scope.emitter.report(diag::Id::too_large, scope.policy.sets[abi::kMaxSets].span,
                         fmt::format("there are {} sets, the bound is {}", scope.policy.sets.size(), abi::kMaxSets));
  constexpr size_t max_events = 256; // a record names its event in a byte
  if (scope.policy.events.size() > max_events)
    scope.emitter.report(diag::Id::too_large, scope.policy.events[max_events].span,
                         fmt::format("there are {} events, the bound is {}", scope.policy.events.size(), max_events));
}

// Every declaration of a kind, by its number.
template <class Decl, class Check>
void checkEach(Scope& scope, const std::vector<const ast::File*>& files, std::vector<Decl> ast::File::* kind,
               Check check) {
  uint32_t id = 0;
  for (const ast::File* file : files)
    for (const Decl& decl : file->*kind)
      check(scope, decl, id++);
}

void checkState(Scope& scope, const std::vector<const ast::File*>& files) {
  checkEach(scope, files, &ast::File::maps, checkMapType);
  checkEach(scope, files, &ast::File::externs, checkExtern);
  checkEach(scope, files, &ast::File::sets, checkSetType);
  checkConstants(scope);
  checkEach(scope, files, &ast::File::maps, checkMap);
  checkEach(scope, files, &ast::File::sets, checkSet);
  checkEach(scope, files, &ast::File::counters, checkCounter);
  checkEach(scope, files, &ast::File::meters, checkMeter);
  checkEach(scope, files, &ast::File::events, checkEvent);
}

const ast::Policy* onlyPolicy(Scope& scope, const ast::File& file) {
  if (file.policies.empty()) {
    scope.emitter.report(diag::Id::one_policy, {file.source, 0, 0}, "the file has no policy").help =
        "a policy is `policy NAME { … default pass }`";
    return nullptr;
  }
  for (size_t i = 1; i < file.policies.size(); ++i) {
    diag::Diagnostic& error =
        scope.emitter.report(diag::Id::one_policy, file.policies[i].name.span, "the file has a second policy");
    error.notes.push_back({file.policies[0].name.span, "the first one is here"});
  }
  // Headers of the library do not bind a policy's name: nothing refers to it.
  const ast::Name& name = file.policies[0].name;
  if (const Symbol* symbol = lookUp(scope, name.text); symbol && symbol->span.file == file.source)
    declare(scope, name, SymbolKind::Policy, 0);
  return &file.policies[0];
}

void checkProtect(Scope& scope, const ast::Protect& decl) {
  const auto verdict = ir::verdictByName(decl.verdict.text);
  if (!verdict)
    return notImplemented(scope, decl.verdict.span, decl.verdict.text);
  auto condition = checkWholeCondition({scope, {}}, decl.condition);
  if (!condition)
    return;
  scope.emitter.report(diag::Id::protect_unproved, decl.span,
                       fmt::format("\"{}\" is not proved: this version checks names and types only", decl.title));
  ir::Protect protect{.title = decl.title, .never = *verdict, .condition = std::move(*condition)};
  protect.span = decl.span;
  scope.policy.protects.push_back(std::move(protect));
}

} // namespace

std::optional<ir::Policy> check(const ast::File& file, const std::vector<ast::File>& library, diag::Emitter& emitter,
                                const Surroundings& around) {
  Scope scope(emitter, around);
  scope.policy.source = file.source;
  // What is used is declared before the policy's own: of a name that comes twice the own is the one to change.
  std::vector<const ast::File*> own;
  if (around.used)
    for (const ast::File& one : *around.used)
      own.push_back(&one);
  own.push_back(&file);
  std::vector<const ast::File*> files;
  for (const ast::File& one : library)
    files.push_back(&one);
  files.insert(files.end(), own.begin(), own.end());
  for (const ast::File* one : own)
    scope.lost.merge(wordsLost(*one, emitter));
  buildHeaders(scope, files);
  if (scope.policy.headers.empty())
    return std::nullopt;
  for (const ast::File* one : files)
    declareConstants(scope, *one);
  declareState(scope, own);
  checkState(scope, own);
  const ast::Policy* policy = onlyPolicy(scope, file);
  if (policy) {
    scope.policy.name = policy->name.text;
    scope.policy.span = policy->name.span;
    checkRules(scope, *policy);
    for (const ast::Protect& protect : file.protects)
      checkProtect(scope, protect);
    for (const ast::Test& test : file.tests)
      checkTest(scope, test);
  }
  if (emitter.hasErrors())
    return std::nullopt;
  pruneConstSets(scope.policy);
  return std::move(scope.policy);
}

} // namespace xdpc::sema
