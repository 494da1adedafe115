// See literal.h. runtime/abi/literal.h decides what is well formed; here its findings become diagnostics.
#include "compiler/parse/literal.h"

#include "runtime/abi/literal.h"
#include "runtime/abi/mac_number.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <utility>

namespace xdpc::parse {
namespace {

using ast::Dimension;
using ast::Expr;
using ast::ExprKind;
using diag::Id;

struct Unit {
  std::string_view name;
  Dimension dimension;
  uint64_t factor; // to bytes, packets a second, bits a second
};

constexpr Unit kUnits[] = {
    {"B", Dimension::bytes, 1},
    {"kB", Dimension::bytes, 1000},
    {"MB", Dimension::bytes, 1000'000},
    {"GB", Dimension::bytes, 1000'000'000},
    {"KiB", Dimension::bytes, 1ull << 10},
    {"MiB", Dimension::bytes, 1ull << 20},
    {"GiB", Dimension::bytes, 1ull << 30},
    {"pps", Dimension::packet_rate, 1},
    {"kpps", Dimension::packet_rate, 1000},
    {"Mpps", Dimension::packet_rate, 1000'000},
    {"bps", Dimension::bit_rate, 1},
    {"kbps", Dimension::bit_rate, 1000},
    {"Mbps", Dimension::bit_rate, 1000'000},
    {"Gbps", Dimension::bit_rate, 1000'000'000},
};

const Unit* findUnit(std::string_view name) {
  const Unit* found = std::find_if(std::begin(kUnits), std::end(kUnits), [&](const Unit& u) { return u.name == name; });
  return found == std::end(kUnits) ? nullptr : found;
}

Id idOf(const abi::LiteralError& error) {
  constexpr Id ids[] = {Id::host_bits, Id::bad_address, Id::bad_number, Id::number_too_large, Id::bad_time};
  for (Id id : ids)
    if (error.code == diag::info(id).name)
      return id;
  return Id::syntax;
}

template <class T> T take(Input& input, Span span, const abi::Literal<T>& literal) {
  if (literal)
    return *literal;
  const abi::LiteralError& error = literal.error();
  diag::Diagnostic& d = input.report(idOf(error), span, error.message);
  if (!error.fixit.empty())
    d.fixits.push_back({span, error.fixit});
  return {};
}

bool isDigitOrGap(char c) {
  return (c >= '0' && c <= '9') || c == '_';
}

std::string_view unitOf(std::string_view text) {
  return text.substr(std::find_if_not(text.begin(), text.end(), isDigitOrGap) - text.begin());
}

bool isTimeUnit(std::string_view unit) {
  constexpr std::string_view units[] = {"ns", "us", "ms", "s", "m", "h", "d"};
  return std::find(std::begin(units), std::end(units), unit) != std::end(units);
}

// 1h30m
bool isCompoundTime(std::string_view text) {
  unsigned parts = 0;
  while (!text.empty()) {
    const std::string_view rest = unitOf(text);
    const size_t unit_end = std::min(rest.find_first_of("0123456789"), rest.size());
    if (rest.size() == text.size() || !isTimeUnit(rest.substr(0, unit_end)))
      return false;
    text = rest.substr(unit_end);
    ++parts;
  }
  return parts > 1;
}

uint64_t scaled(Input& input, Span span, uint64_t value, uint64_t factor) {
  uint64_t result = 0;
  if (!__builtin_mul_overflow(value, factor, &result))
    return result;
  input.report(Id::number_too_large, span, fmt::format("`{}` does not fit 64 bits", span.text()));
  return 0;
}

void compoundTime(Input& input, Span span) {
  const auto time = abi::parseDuration(span.text());
  diag::Diagnostic& d =
      input.report(Id::compound_time, span, fmt::format("`{}` joins two units, a time has one", span.text()));
  if (!time && !time.error().fixit.empty())
    d.fixits.push_back({span, time.error().fixit});
}

// `10mbps`, `64kib`
bool wrongUnit(Input& input, Span span, std::string_view unit) {
  const auto meant = unit.empty() ? std::nullopt : unitMeant(unit);
  if (!meant)
    return false;
  diag::Diagnostic& d =
      input.report(Id::bad_number, span, fmt::format("`{}` has the unknown unit `{}`", span.text(), unit));
  d.fixits.push_back({span, fmt::format("{}{}", span.text().substr(0, span.text().size() - unit.size()), *meant)});
  return true;
}

Expr numberExpr(Input& input, Span span, const Node* unit) {
  Expr expr;
  expr.kind = ExprKind::Number;
  expr.span = span;
  std::string_view text = span.text();
  std::string_view unit_name = text.starts_with("0x") || text.starts_with("0X") ? std::string_view() : unitOf(text);
  if (unit) { // one blank away: the number itself may have a suffix
    unit_name = input.text(*unit);
    expr.span.end = unit->end;
  } else if (isCompoundTime(text)) {
    compoundTime(input, span);
    expr.dimension = Dimension::time;
    return expr;
  } else if (isTimeUnit(unit_name)) {
    expr.dimension = Dimension::time;
    expr.number = take(input, span, abi::parseDuration(text));
    return expr;
  }
  if (!unit && wrongUnit(input, span, unit_name))
    return expr;
  const Unit* known = findUnit(unit_name);
  if (known && !unit)
    text.remove_suffix(unit_name.size());
  expr.number = take(input, span, abi::parseNumber(text));
  if (known) {
    expr.dimension = known->dimension;
    expr.number = scaled(input, expr.span, expr.number, known->factor);
  }
  return expr;
}

// Six pairs of digits: 02:00:5e:00:53:01.
bool looksLikeMac(std::string_view text) {
  return std::count(text.begin(), text.end(), ':') == 5 && text.find("::") == text.npos && text.find('.') == text.npos;
}

Expr addressExpr(Input& input, Span span) {
  Expr expr;
  expr.span = span;
  const std::string_view text = span.text();
  if (looksLikeMac(text)) {
    expr.kind = ExprKind::Mac;
    expr.number = abi::numberOf(take(input, span, abi::parseMac(text)));
    return expr;
  }
  expr.kind = ExprKind::Address;
  expr.prefix = abi::Prefix();
  if (text.find(':') == text.npos && std::count(text.begin(), text.end(), '.') == 1) {
    input.report(Id::bad_number, span, fmt::format("`{}` is no whole number", text)).label = "there are no fractions";
    return expr;
  }
  expr.prefix->address = take(input, span, abi::parseAddress(text));
  expr.prefix->length = static_cast<uint8_t>(abi::addressBits(expr.prefix->address.family));
  return expr;
}

Expr prefixExpr(Input& input, Span span) {
  Expr expr;
  expr.kind = ExprKind::Prefix;
  expr.span = span;
  expr.prefix = take(input, span, abi::parsePrefix(span.text()));
  return expr;
}

Expr endExpr(Input& input, Span span) {
  return span.text().find_first_of(".:") == std::string_view::npos ? numberExpr(input, span, nullptr)
                                                                   : addressExpr(input, span);
}

// Whether the first end of the range is greater than the last.
bool isEmptyRange(const Expr& low, const Expr& high) {
  return low.kind == ExprKind::Address ? low.prefix->address > high.prefix->address : low.number > high.number;
}

Expr rangeExpr(Input& input, Span span, const Node& first, const Node& last) {
  Expr expr;
  expr.kind = ExprKind::Range;
  expr.span = span;
  const unsigned errors = input.emitter.errorCount();
  expr.args.push_back(endExpr(input, input.span(first)));
  expr.args.push_back(endExpr(input, input.span(last)));
  const Expr &low = expr.args[0], &high = expr.args[1];
  if (input.emitter.errorCount() != errors)
    return expr;
  if (low.kind != high.kind || low.dimension != high.dimension ||
      (low.kind == ExprKind::Address && low.prefix->address.family != high.prefix->address.family)) {
    input.report(Id::mixed_range, span,
                 fmt::format("`{}` is a range between two different kinds of value", span.text()));
  } else if (isEmptyRange(low, high)) {
    diag::Diagnostic& d = input.report(Id::empty_range, span, fmt::format("`{}` is an empty range", span.text()));
    d.label = "the first value is greater than the last";
    d.fixits.push_back({span, fmt::format("{}-{}", high.span.text(), low.span.text())});
  }
  return expr;
}

int hexValue(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

std::string hexBytes(Input& input, const Node& node) {
  const std::string_view text = input.text(node);
  std::string bytes;
  for (size_t i = 2; i + 1 < text.size(); ++i) {
    if (text[i] == ' ')
      continue;
    const int high = hexValue(text[i]), low = i + 2 < text.size() ? hexValue(text[i + 1]) : -1;
    if (high < 0 || low < 0) {
      const auto at = node.begin + static_cast<uint32_t>(i);
      input.report(Id::bad_bytes, input.span(at, at + 1), "not a pair of hexadecimal digits");
      return bytes;
    }
    bytes.push_back(static_cast<char>(high * 16 + low));
    ++i;
  }
  return bytes;
}

// The byte behind a backslash at text[i]; moves `i` to the escape's last byte. Nothing if there is no such escape.
std::optional<char> escaped(std::string_view text, size_t& i) {
  constexpr std::string_view letters = "\"\\nrt", values = "\"\\\n\r\t";
  const char c = text[++i];
  if (const size_t at = letters.find(c); at != letters.npos)
    return values[at];
  if (c != 'x' || i + 2 >= text.size() - 1)
    return std::nullopt;
  const int high = hexValue(text[i + 1]), low = hexValue(text[i + 2]);
  if (high < 0 || low < 0)
    return std::nullopt;
  i += 2;
  return static_cast<char>(high * 16 + low);
}

std::string quotedBytes(Input& input, const Node& node) {
  const std::string_view text = input.text(node);
  std::string bytes;
  for (size_t i = 1; i + 1 < text.size(); ++i) {
    if (text[i] != '\\') {
      bytes.push_back(text[i]);
      continue;
    }
    const size_t begin = i;
    if (const auto byte = escaped(text, i)) {
      bytes.push_back(*byte);
      continue;
    }
    const auto at = node.begin + static_cast<uint32_t>(begin);
    input.report(Id::bad_bytes, input.span(at, at + 2), fmt::format("`{}` is no escape", text.substr(begin, 2))).help =
        "there are \\\" \\\\ \\n \\r \\t and \\xHH with two hexadecimal digits";
  }
  return bytes;
}

} // namespace

std::optional<std::string_view> unitMeant(std::string_view unit) {
  if (findUnit(unit) || isTimeUnit(unit))
    return std::nullopt;
  constexpr std::pair<std::string_view, std::string_view> words[] = {
      {"sec", "s"},  {"secs", "s"},  {"seconds", "s"}, {"min", "m"},  {"mins", "m"},  {"minutes", "m"},
      {"hour", "h"}, {"hours", "h"}, {"day", "d"},     {"days", "d"}, {"msec", "ms"}, {"usec", "us"}};
  for (const auto& [word, ours] : words)
    if (unit == word)
      return ours;
  if (unit.size() > 2 && unit.ends_with("Bps")) // bytes a second: another number
    return std::nullopt;
  const auto lower = [](unsigned char c) { return std::tolower(c); };
  const auto alike = [&](const Unit& known) { return std::ranges::equal(known.name, unit, {}, lower, lower); };
  const Unit* found = std::ranges::find_if(kUnits, alike);
  return found == std::end(kUnits) ? std::nullopt : std::optional(found->name);
}

Expr readLiteral(Input& input, const Node& literal) {
  const Children parts(literal);
  const Node& first = *parts.begin();
  const auto second = ++parts.begin();
  const Node* tail = second == parts.end() ? nullptr : &*second;
  if (tail && tail->kind == Kind::range_end) {
    const Node& last = *Children(*tail).begin();
    return rangeExpr(input, input.span(literal), first, last);
  }
  if (first.kind == Kind::number)
    return numberExpr(input, input.span(first), tail);
  return tail ? prefixExpr(input, input.span(literal)) : addressExpr(input, input.span(first));
}

Expr readBytes(Input& input, const Node& bytes) {
  Expr expr;
  expr.kind = ExprKind::Bytes;
  expr.span = input.span(bytes);
  expr.bytes = readText(input, bytes);
  return expr;
}

std::string readText(Input& input, const Node& quoted) {
  return input.text(quoted).starts_with('x') ? hexBytes(input, quoted) : quotedBytes(input, quoted);
}

uint64_t readNumber(Input& input, const Node& number) {
  return take(input, input.span(number), abi::parseNumber(input.text(number)));
}

std::optional<uint64_t> readSample(Input& input, const Node& sample) {
  const Children parts(sample);
  const uint64_t one = readNumber(input, *parts.begin()), n = readNumber(input, *++parts.begin());
  if (one == 1 && n > 0)
    return n;
  diag::Diagnostic& d =
      input.report(Id::bad_sample, input.span(sample), fmt::format("`{}` is no sample", input.text(sample)));
  d.label = "one packet in N is written `1/N`";
  return std::nullopt;
}

} // namespace xdpc::parse
