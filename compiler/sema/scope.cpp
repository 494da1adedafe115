// Names: declared once, looked up with a suggestion. Tested by tests/unit/sema/name_test.cpp.
#include "compiler/sema/scope.h"

#include <algorithm>
#include <fmt/format.h>

namespace xdpc::sema {

const char* kindName(SymbolKind kind) {
  static const char* const names[] = {"header", "constant", "set",           "map",        "counter",
                                      "meter",  "event",    "list of rules", "C function", "policy"};
  return names[static_cast<unsigned>(kind)];
}

std::string aKind(SymbolKind kind) {
  return fmt::format("{} {}", kind == SymbolKind::Event ? "an" : "a", kindName(kind));
}

bool declare(Scope& scope, const ast::Name& name, SymbolKind kind, uint32_t index) {
  const auto [it, inserted] = scope.symbols.try_emplace(name.text, Symbol{kind, index, name.span});
  if (inserted)
    return true;
  diag::Diagnostic& error = scope.emitter.report(
      diag::Id::duplicate_name, name.span,
      fmt::format("`{}` is declared twice, the first time as {}", name.text, aKind(it->second.kind)));
  error.notes.push_back({it->second.span, "the first one is here"});
  return false;
}

const Symbol* lookUp(const Scope& scope, std::string_view name) {
  const auto it = scope.symbols.find(name);
  return it == scope.symbols.end() ? nullptr : &it->second;
}

void reportMissing(Scope& scope, const ast::Name& name, std::string message,
                   const std::vector<std::string>& candidates) {
  constexpr unsigned enough = 100; // distances to thousands of names take their time
  if (scope.lost.contains(name.text))
    return;
  diag::Diagnostic& error = scope.emitter.report(diag::Id::unknown_name, name.span, std::move(message));
  if (++scope.suggestions > enough)
    return;
  if (const auto near = diag::nearest(name.text, candidates)) {
    error.help = fmt::format("did you mean `{}`", *near);
    error.fixits.push_back({name.span, *near});
  }
}

namespace {

// `dport == 22`: a field is asked of a header.
bool reportBareField(Scope& scope, const ast::Name& name) {
  std::string found;
  if (scope.lost.contains(name.text))
    return false;
  for (const char* text : {"ip", "l4", "tcp", "udp", "eth", "vlan", "arp", "icmp", "ipv4", "ipv6"}) {
    const Symbol* symbol = lookUp(scope, text);
    if (!symbol || symbol->kind != SymbolKind::Header)
      continue;
    const std::vector<ir::Field>& fields = scope.policy.headers[symbol->index].fields;
    const auto of_ip = [&] { return found.find("`ip.") != std::string::npos && text[0] == 'i' && text[1] == 'p'; };
    if (std::ranges::count(fields, name.text, &ir::Field::name) > 0 && !of_ip())
      found += fmt::format("{}`{}.{}`", found.empty() ? "" : ", ", text, name.text);
  }
  if (found.empty())
    return false;
  scope.emitter
      .report(diag::Id::unknown_name, name.span, fmt::format("`{}` is a field and is asked of a header", name.text))
      .help = "there are " + found;
  return true;
}

} // namespace

void reportUnknown(Scope& scope, const ast::Name& name, const char* what, std::optional<SymbolKind> wanted) {
  if (name.text == "payload_len") { // `payload` stands for `l4.payload`, its length for nothing
    scope.emitter.report(diag::Id::unknown_name, name.span, "`payload_len` is asked of a header")
        .fixits.push_back({name.span, "l4.payload_len"});
    return;
  }
  if (!wanted && reportBareField(scope, name))
    return;
  std::vector<std::string> candidates;
  for (const auto& [text, symbol] : scope.symbols)
    if (wanted ? symbol.kind == *wanted : symbol.kind != SymbolKind::Policy)
      candidates.push_back(text);
  if (!wanted)
    candidates.push_back("pkt");
  reportMissing(scope, name, fmt::format("there is no {} `{}`", what, name.text), candidates);
}

const Symbol* resolve(Scope& scope, const ast::Name& name, SymbolKind kind) {
  const Symbol* symbol = lookUp(scope, name.text);
  if (!symbol) {
    reportUnknown(scope, name, kindName(kind), kind);
    return nullptr;
  }
  if (symbol->kind == kind)
    return symbol;
  diag::Diagnostic& error = scope.emitter.report(
      diag::Id::wrong_kind, name.span, fmt::format("`{}` is {}, not {}", name.text, aKind(symbol->kind), aKind(kind)));
  error.notes.push_back({symbol->span, "it is declared here"});
  return nullptr;
}

void notImplemented(Scope& scope, Span span, std::string_view what) {
  scope.emitter.report(diag::Id::not_implemented, span, fmt::format("`{}` is not implemented yet", what));
}

} // namespace xdpc::sema
