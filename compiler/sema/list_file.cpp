// Reads lists. Tested by tests/lit/diag/load.test.
#include "compiler/sema/list_file.h"
#include "compiler/sema/const_set.h"
#include "runtime/abi/literal.h"

#include <algorithm>
#include <fmt/format.h>

namespace xdpc::sema {

namespace {

using ir::u128;

struct Mistake {
  Span span;
  abi::LiteralError error;
};

constexpr std::string_view kBlank = " \t\r";
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

bool looksLikeMac(std::string_view text) {
  return std::ranges::count(text, ':') == 5 && text.find("::") == text.npos && text.find('.') == text.npos;
}

class ListReader {
public:
  ListReader(Env env, const SourceFile& file) : env_(env), file_(file) {}

  // Calls `take` with the parts of every line; what cannot be read is noted.
  template <class Take> bool run(Take take) {
    const std::string_view text = file_.text();
    for (uint32_t begin = text.starts_with(kByteOrderMark) ? 3 : 0; begin < text.size();) {
      const auto end = static_cast<uint32_t>(std::min(text.find('\n', begin), text.size()));
      Span line{&file_, begin, end};
      begin = end + 1;
      line.end = line.begin + static_cast<uint32_t>(std::min(line.text().find('#'), line.text().size()));
      line = trimmed(line);
      if (line.begin == line.end)
        continue;
      RawElement parts;
      if (readParts(line, parts))
        take(line, std::move(parts));
    }
    report();
    return mistakes_.empty();
  }

  void wrongCount(Span line, size_t has, size_t wanted) {
    mistakes_.push_back(
        {line,
         {fmt::format("{} has {} part{}, {} are needed", quoted(line), has, has == 1 ? "" : "s", wanted), "",
          "bad-element"}});
  }

private:
  static Span trimmed(Span span) {
    const std::string_view text = span.text();
    const size_t first = text.find_first_not_of(kBlank);
    if (first == text.npos)
      return {span.file, span.begin, span.begin};
    const size_t last = text.find_last_not_of(kBlank);
    return {span.file, span.begin + static_cast<uint32_t>(first), span.begin + static_cast<uint32_t>(last) + 1};
  }

  // `(192.0.2.7, 443)`, `192.0.2.7,443`, `(192.0.2.7, 443),5`: parentheses only group.
  bool readParts(Span line, RawElement& parts) {
    const size_t before = mistakes_.size();
    const std::string_view text = line.text();
    for (size_t begin = 0; begin <= text.size();) {
      const size_t end = std::min(text.find(',', begin), text.size());
      Span field{line.file, line.begin + static_cast<uint32_t>(begin), line.begin + static_cast<uint32_t>(end)};
      begin = end + 1;
      field = trimmed(field);
      if (field.text().starts_with('('))
        ++field.begin;
      if (field.text().ends_with(')'))
        --field.end;
      readPart(trimmed(field), parts);
    }
    return mistakes_.size() == before;
  }

  template <class T> std::optional<T> take(Span span, const abi::Literal<T>& literal) {
    if (literal)
      return *literal;
    mistakes_.push_back({span, literal.error()});
    return std::nullopt;
  }

  void readPart(Span span, RawElement& parts) {
    const std::string_view text = span.text();
    if (text.find_first_of(".:") == text.npos)
      return readNumber(span, parts);
    if (looksLikeMac(text)) {
      if (const auto mac = take(span, abi::parseMac(text)))
        parts.push_back(macPart(*mac, span));
      return;
    }
    const size_t dash = text.find('-');
    if (dash == text.npos) {
      if (const auto prefix = take(span, abi::parsePrefix(text)))
        parts.push_back(prefixPart(*prefix, span));
      return;
    }
    const auto low = take(span, abi::parseAddress(text.substr(0, dash)));
    const auto high = take(span, abi::parseAddress(text.substr(dash + 1)));
    if (!low || !high)
      return;
    const RawPart first = prefixPart({*low, static_cast<uint8_t>(abi::addressBits(low->family))}, span);
    const RawPart last = prefixPart({*high, static_cast<uint8_t>(abi::addressBits(high->family))}, span);
    if (first.interval.domain != last.interval.domain)
      mistakes_.push_back({span, {fmt::format("the ends of {} are of two families", quoted(span)), "", "mixed-range"}});
    else
      addRange(span, Category::address, {first.interval.domain, first.interval.low, last.interval.low}, parts);
  }

  void readNumber(Span span, RawElement& parts) {
    const std::string_view text = span.text();
    const size_t dash = text.find('-');
    const auto low = take(span, abi::parseNumber(text.substr(0, dash)));
    const auto high = dash == text.npos ? low : take(span, abi::parseNumber(text.substr(dash + 1)));
    if (low && high)
      addRange(span, Category::number, {ir::Domain::number, *low, *high}, parts);
  }

  void addRange(Span span, Category category, ir::Interval interval, RawElement& parts) {
    if (interval.low > interval.high)
      mistakes_.push_back({span, {fmt::format("{} is an empty range", quoted(span)), "", "empty-range"}});
    else
      parts.push_back({category, interval, {}, span});
  }

  static diag::Id idOf(const abi::LiteralError& error) {
    for (diag::Id id : {diag::Id::host_bits, diag::Id::bad_address, diag::Id::number_too_large, diag::Id::mixed_range,
                        diag::Id::empty_range, diag::Id::bad_element})
      if (error.code == diag::info(id).name)
        return id;
    return diag::Id::bad_number;
  }

  void report() {
    std::ranges::stable_sort(mistakes_, {}, [](const Mistake& mistake) { return mistake.span.begin; });
    const size_t shown = std::min(mistakes_.size(), kMaxListErrors);
    for (size_t i = 0; i < shown; ++i) {
      const auto& [span, error] = mistakes_[i];
      diag::Diagnostic& d = env_.scope.emitter.report(idOf(error), span, error.message);
      if (!error.fixit.empty())
        d.fixits.push_back({span, error.fixit});
      if (i + 1 == shown && mistakes_.size() > shown)
        d.notes.push_back({{}, fmt::format("{} more mistakes of the file are not shown", mistakes_.size() - shown)});
    }
  }

  Env env_;
  const SourceFile& file_;
  std::vector<Mistake> mistakes_;
};

const SourceFile* open(Env env, const ast::Expr& load) {
  if (env.scope.around.load)
    return env.scope.around.load(*load.bytes, load.span);
  env.scope.emitter.report(diag::Id::unreadable_file, load.span,
                           fmt::format("cannot read `{}` from here", *load.bytes));
  return nullptr;
}

} // namespace

RawSet loadElements(Env env, const ast::Expr& load) {
  RawSet out;
  const SourceFile* file = open(env, load);
  if (!file) {
    out.ok = false;
    return out;
  }
  ListReader reader(env, *file);
  out.ok = reader.run([&](Span, RawElement parts) { out.elements.push_back(std::move(parts)); });
  return out;
}

RawPairs loadPairs(Env env, const ast::Expr& load, size_t key_parts) {
  RawPairs out;
  const SourceFile* file = open(env, load);
  if (!file) {
    out.ok = false;
    return out;
  }
  ListReader reader(env, *file);
  out.ok = reader.run([&](Span line, RawElement parts) {
    if (parts.size() != key_parts + 1)
      return reader.wrongCount(line, parts.size(), key_parts + 1);
    RawPart value = std::move(parts.back());
    parts.pop_back();
    out.pairs.push_back({std::move(parts), std::move(value)});
  });
  return out;
}

} // namespace xdpc::sema
