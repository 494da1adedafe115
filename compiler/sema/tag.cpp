// Checks `push vlan(id = 5, pcp = 3)` and `pop vlan`. Tested by tests/lit/diag/tag.xf and tests/packet/rewrite/tags.xf.
#include "compiler/sema/header.h"
#include "compiler/sema/rule.h"

#include <algorithm>
#include <fmt/format.h>

namespace xdpc::sema {

namespace {

constexpr uint16_t kCustomerTag = 0x8100; // IEEE 802.1Q

bool isTag(const ast::BlockItem& item) {
  return item.statement &&
         (item.statement->kind == ast::StatementKind::Push || item.statement->kind == ast::StatementKind::Pop);
}

bool isVerdict(const ast::BlockItem& item) {
  return item.statement &&
         (item.statement->kind == ast::StatementKind::Verdict || item.statement->kind == ast::StatementKind::Redirect);
}

const ir::Header* tagHeader(Scope& scope, const ast::Statement& statement) {
  if (!lookUp(scope, statement.name.text)) { // `pop tag`
    scope.emitter
        .report(diag::Id::unknown_name, statement.name.span, fmt::format("there is no tag `{}`", statement.name.text))
        .fixits.push_back({statement.name.span, "vlan"});
    return nullptr;
  }
  const Symbol* symbol = resolve(scope, statement.name, SymbolKind::Header);
  if (!symbol)
    return nullptr;
  if (scope.policy.headers[symbol->index].name == "vlan")
    return &scope.policy.headers[symbol->index];
  scope.emitter
      .report(diag::Id::wrong_kind, statement.name.span,
              fmt::format("`{}` is not a tag that can be pushed or popped", statement.name.text))
      .help = "there is `vlan`";
  return nullptr;
}

// EtherTypes that the frame's first header knows as tags.
std::vector<uint64_t> tagTypes(const Scope& scope) {
  std::vector<uint64_t> types;
  for (const ir::PayloadBy& payload : scope.policy.headers[0].payload)
    for (const ir::PayloadEntry& entry : payload.entries)
      if (scope.policy.headers[entry.next].name == "vlan")
        types.push_back(entry.value);
  return types;
}

class Push {
public:
  Push(Scope& scope, const ir::Header& header) : scope_(scope), header_(header) {
    action_.kind = ir::ActionKind::PushVlan;
    action_.id = kCustomerTag;
    for (unsigned i = 0; i < 3; ++i)
      action_.key.push_back(number(0, {}).expr);
  }

  std::optional<ir::Action> check(const ast::Statement& statement) {
    std::vector<std::string> given;
    for (const auto& [name, expr] : statement.fields) {
      if (std::find(given.begin(), given.end(), name.text) != given.end())
        bad(name.span, fmt::format("`{}` is given twice", name.text));
      given.push_back(name.text);
      setField(name, expr);
    }
    if (std::find(given.begin(), given.end(), "id") == given.end())
      bad(statement.span, "the tag has no `id`", "write `push vlan(id = 5)`");
    if (!ok_)
      return std::nullopt;
    action_.needs.assign(needs_.begin(), needs_.end());
    return std::move(action_);
  }

private:
  void bad(Span span, std::string message, std::string help = "") {
    scope_.emitter.report(diag::Id::bad_clause, span, std::move(message)).help = std::move(help);
    ok_ = false;
  }

  void setField(const ast::Name& name, const ast::Expr& expr) {
    if (name.text == "tpid")
      return setType(expr);
    const char* const names[] = {"id", "pcp", "dei"};
    for (unsigned i = 0; i < 3; ++i)
      if (name.text == names[i])
        return setPart(i, name, expr);
    bad(name.span, fmt::format("a pushed tag has no `{}` of its own", name.text),
        name.text == "type" ? "it is what stood behind the addresses; the tag's own EtherType is `tpid`"
                            : "there are `id`, `pcp`, `dei` and `tpid`");
  }

  void setType(const ast::Expr& expr) {
    const auto value = checkConstantNumber({scope_, {}}, expr, 0, 0xffff, "`tpid`");
    ok_ &= value.has_value();
    const auto types = tagTypes(scope_);
    if (value && std::find(types.begin(), types.end(), static_cast<uint64_t>(*value)) == types.end())
      bad(expr.span, "this is not the EtherType of a VLAN tag", "write 0x8100 or 0x88a8");
    action_.id = static_cast<uint32_t>(value.value_or(0));
  }

  void setPart(unsigned index, const ast::Name& name, const ast::Expr& expr) {
    Value value = checkExpr({scope_, {}}, expr);
    ok_ &= value.ok;
    if (!value.ok)
      return;
    const bool bit = category(value.expr.type) == Category::boolean;
    const Wide high = (Wide{1} << header_.fields[*findField(header_, name.text)].bits) - 1;
    if (!bit && category(value.expr.type) != Category::number) {
      scope_.emitter.report(diag::Id::type_mismatch, expr.span,
                            fmt::format("{}, `vlan.{}` is a number", describe(expr, value), name.text));
      ok_ = false;
      return;
    }
    if (!bit && (value.low < 0 || value.high > high)) {
      scope_.emitter
          .report(diag::Id::out_of_range, expr.span,
                  fmt::format("{} {} `vlan.{}`", quoted(expr.span),
                              value.constant ? "does not fit" : "can be too large for", name.text))
          .label = fmt::format("it goes from 0 to {}", static_cast<uint64_t>(high));
      ok_ = false;
      return;
    }
    needs_.insert(value.needs);
    action_.key[index] = std::move(value.expr);
  }

  Scope& scope_;
  const ir::Header& header_;
  ir::Action action_;
  HeaderSet needs_;
  bool ok_ = true;
};

} // namespace

std::optional<ir::Action> checkPush(Scope& scope, const ast::Statement& statement) {
  const ir::Header* header = tagHeader(scope, statement);
  return header ? Push(scope, *header).check(statement) : std::nullopt;
}

std::optional<ir::Action> checkPop(Scope& scope, const ast::Statement& statement) {
  if (!tagHeader(scope, statement))
    return std::nullopt;
  return ir::Action{.kind = ir::ActionKind::PopVlan};
}

void checkTagPlaces(Scope& scope, const std::vector<ast::BlockItem>& items) {
  for (size_t i = 0; i < items.size(); ++i) {
    if (!isTag(items[i]) || (i + 1 < items.size() && (isTag(items[i + 1]) || isVerdict(items[i + 1]))))
      continue;
    const std::string_view text = items[i].statement->span.text();
    scope.emitter
        .report(diag::Id::misplaced_tag, items[i].statement->span,
                fmt::format("`{}` does not stand right before a verdict", text.substr(0, 60)))
        .help = "nothing is read behind it: write `{ …; push vlan(id = 5); pass }`";
  }
}

} // namespace xdpc::sema
