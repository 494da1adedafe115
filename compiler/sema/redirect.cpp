// Checks the targets of `redirect to …`, in rules and in expectations of tests. Tested by tests/lit/diag/redirect.xf
// and tests/packet/redirect.
#include "compiler/ir/print.h"
#include "compiler/sema/const_set.h"
#include "compiler/sema/map.h"
#include "compiler/sema/rule.h"

#include <algorithm>
#include <fmt/format.h>

namespace xdpc::sema {

namespace {

constexpr size_t kMaxDeviceName = 15; // IFNAMSIZ, less the end
constexpr uint32_t kMaxCpu = 4095;
constexpr size_t kMaxHashParts = 8;

void bad(Scope& scope, Span span, std::string message, std::string help = "") {
  scope.emitter.report(diag::Id::bad_redirect, span, std::move(message)).help = std::move(help);
}

bool checkDevice(Scope& scope, const ast::Expr& name, ir::Redirect& out) {
  out.kind = ir::TargetKind::Device;
  out.name = *name.bytes;
  const auto odd = [](unsigned char c) { return c <= ' ' || c == '/' || c == ':' || c == 0x7f; };
  if (!out.name.empty() && out.name.size() <= kMaxDeviceName && std::ranges::none_of(out.name, odd))
    return true;
  bad(scope, name.span, fmt::format("{} is not the name of a device", quoted(name.span)),
      fmt::format("a name has 1 to {} characters, no blanks, `/` or `:`", kMaxDeviceName));
  return false;
}

// Every CPU that the map names is one that a packet can go to.
bool takeCpusOf(Scope& scope, const ir::Map& map, Span span, std::vector<uint32_t>& cpus) {
  for (const ir::MapEntry& entry : map.entries) {
    if (entry.number > kMaxCpu) {
      bad(scope, span, fmt::format("`{}` names CPU {}: they go from 0 to {}", map.name, entry.number, kMaxCpu));
      return false;
    }
    cpus.push_back(static_cast<uint32_t>(entry.number));
  }
  std::ranges::sort(cpus);
  cpus.erase(std::unique(cpus.begin(), cpus.end()), cpus.end());
  return !cpus.empty();
}

bool checkCpuOfMap(Scope& scope, const ast::Expr& expr, ir::Redirect& out, std::vector<ir::Expr>& guards) {
  Value value = checkExpr({scope, {}}, expr);
  if (!value.ok)
    return false;
  const ir::Map& map = scope.policy.maps[value.expr.id];
  if (map.value.kind != ir::TypeKind::Int) {
    bad(scope, expr.span, fmt::format("{}; a CPU is a number", describe(expr, value)));
    return false;
  }
  if (!takeCpusOf(scope, map, expr.span, out.cpus))
    return false;
  for (ir::HeaderId id : value.needs)
    guards.push_back(present(id, expr.span));
  std::ranges::move(value.guards, std::back_inserter(guards));
  out.cpu = std::move(value.expr);
  return true;
}

bool checkCpu(Scope& scope, const ast::Expr& expr, ir::Redirect& out, std::vector<ir::Expr>& guards) {
  out.kind = ir::TargetKind::Cpu;
  if (indexedMap(scope, withoutGroup(expr)))
    return checkCpuOfMap(scope, withoutGroup(expr), out, guards);
  const auto cpu = checkConstantNumber({scope, {}}, expr, 0, kMaxCpu, "a CPU");
  if (!cpu)
    return false;
  out.cpus = {static_cast<uint32_t>(*cpu)};
  return true;
}

bool addCpus(Scope& scope, const RawElement& element, Span span, std::vector<uint32_t>& cpus) {
  const RawPart& part = element.front();
  if (element.size() > 1 || part.category != Category::number || part.interval.high > kMaxCpu) {
    bad(scope, part.span.file ? part.span : span, fmt::format("{} does not number CPUs", quoted(part.span)),
        fmt::format("a CPU is a number from 0 to {}: `cpus 0-3`, or the name of a set of numbers", kMaxCpu));
    return false;
  }
  for (auto cpu = static_cast<uint32_t>(part.interval.low); cpu <= static_cast<uint32_t>(part.interval.high); ++cpu)
    cpus.push_back(cpu);
  return true;
}

bool addHash(Scope& scope, const ast::Expr& expr, ir::Redirect& out) {
  Value value = checkExpr({scope, {}}, expr);
  if (!value.ok)
    return false;
  if (value.constant || value.expr.type.kind == ir::TypeKind::Bytes || !value.guards.empty()) {
    bad(scope, expr.span, fmt::format("{}; a hash is over fields of the packet", describe(expr, value)));
    return false;
  }
  ir::HashPart part{std::move(value.expr), {}};
  part.needs.assign(value.needs.begin(), value.needs.end());
  out.hash.push_back(std::move(part));
  return true;
}

// What tells flows apart, where the policy names no keys.
bool addFlow(Scope& scope, Span span, ir::Redirect& out) {
  for (const auto& [header, field] : {std::pair{"ip", "src"}, {"ip", "dst"}, {"l4", "sport"}, {"l4", "dport"}}) {
    ast::Expr name{.kind = ast::ExprKind::Name, .span = span};
    name.text = header;
    ast::Expr member{.kind = ast::ExprKind::Member, .span = span};
    member.text = field;
    member.args.push_back(std::move(name));
    if (!addHash(scope, member, out))
      return false;
  }
  return true;
}

bool checkCpus(Scope& scope, const std::vector<ast::Expr>& exprs, ir::Redirect& out) {
  out.kind = ir::TargetKind::Cpu;
  const RawSet raw = collectElements({scope, {}}, withoutGroup(exprs[0]));
  bool ok = raw.ok;
  for (const RawElement& element : raw.elements)
    ok = ok && addCpus(scope, element, exprs[0].span, out.cpus);
  if (!ok)
    return false;
  std::ranges::sort(out.cpus);
  out.cpus.erase(std::unique(out.cpus.begin(), out.cpus.end()), out.cpus.end());
  if (out.cpus.empty()) {
    bad(scope, exprs[0].span, "there is no CPU in this set");
    return false;
  }
  if (exprs.size() - 1 > kMaxHashParts) {
    bad(scope, exprs[kMaxHashParts + 1].span, fmt::format("a hash is over at most {} fields", kMaxHashParts));
    return false;
  }
  for (size_t i = 1; i < exprs.size(); ++i)
    ok &= addHash(scope, exprs[i], out);
  if (exprs.size() == 1 && out.cpus.size() > 1)
    ok &= addFlow(scope, exprs[0].span, out);
  return ok;
}

bool checkSocket(Scope& scope, const ast::Expr& name, ir::Redirect& out) {
  out.kind = ir::TargetKind::Socket;
  out.name = name.text;
  constexpr size_t longest = 11; // the kernel's name of the map is `xsk.NAME`, cut to 15 characters
  if (out.name.size() <= longest)
    return true;
  bad(scope, name.span, fmt::format("the name `{}` is longer than {} characters", out.name, longest),
      "the program that listens finds the map of its sockets by this name");
  return false;
}

} // namespace

std::optional<ir::Redirect> checkRedirect(Scope& scope, const ast::Name& kind, const std::vector<ast::Expr>& exprs,
                                          std::vector<ir::Expr>& guards) {
  ir::Redirect redirect;
  redirect.span = kind.span;
  if (exprs.empty())
    return std::nullopt; // a syntax error was reported
  bool ok = kind.text == "dev"    ? checkDevice(scope, exprs[0], redirect)
            : kind.text == "cpu"  ? checkCpu(scope, exprs[0], redirect, guards)
            : kind.text == "cpus" ? checkCpus(scope, exprs, redirect)
                                  : checkSocket(scope, exprs[0], redirect);
  return ok ? std::optional(std::move(redirect)) : std::nullopt;
}

} // namespace xdpc::sema
