// Reads elements. Tested by tests/live/set_input.py.
#include "driver/set_input.h"
#include "driver/file.h"
#include "driver/output.h"
#include "runtime/sets/element_list.h"
#include "runtime/swap/comments.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace xdpc::driver {

namespace {

using Json = nlohmann::json;

constexpr size_t kMaxInput = size_t{1} << 30;

// Mistakes of an input, the first ones told, all counted.
class Mistakes {
public:
  explicit Mistakes(std::string file) : file_(std::move(file)) {}

  void add(size_t line, std::string message, size_t count = 1) {
    if (told_.size() < sets::kMaxListMistakes)
      told_.push_back(fmt::format("{}:{}: {}", file_, line, std::move(message)));
    count_ += count;
  }
  void add(size_t line, const abi::LiteralError& error) {
    add(line, error.fixit.empty() ? error.message : fmt::format("{}: write `{}`", error.message, error.fixit));
  }
  void more(size_t count) { count_ += count; }
  bool empty() const { return count_ == 0; }
  int report() const {
    for (const std::string& line : told_)
      fail(kUsage, line);
    if (count_ > told_.size())
      note(fmt::format("{} more mistakes of the input are not shown", count_ - told_.size()));
    return kUsage;
  }

private:
  std::string file_;
  std::vector<std::string> told_;
  size_t count_ = 0;
};

// What holds for all elements that say nothing else.
struct Defaults {
  std::optional<uint64_t> ttl_ns;
  std::string comment;
};

std::optional<std::string> wrongComment(const std::string& text) {
  if (text.size() > swap::kMaxComment)
    return fmt::format("a comment of {} bytes: at most {} are kept", text.size(), swap::kMaxComment);
  if (std::ranges::any_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; }))
    return "a comment is one line, without control characters";
  std::string plain = text;
  std::erase_if(plain, [](char c) { return c == '"' || c == '\\'; });
  if (!Json::accept("[\"" + plain + "\"]"))
    return "a comment is text in UTF-8";
  return {};
}

const std::string kEndsAtOnce = "an element that ends at once is none";

std::optional<Defaults> defaultsOf(const SetOptions& options, int& code) {
  Defaults defaults{.comment = options.comment};
  if (const auto wrong = wrongComment(options.comment)) {
    code = fail(kUsage, "`--comment`: " + *wrong);
    return {};
  }
  if (options.duration.empty())
    return defaults;
  const auto parsed = abi::parseDuration(options.duration);
  if (!parsed) {
    code = fail(kUsage, fmt::format("`--for {}`: {}", options.duration, parsed.error().message));
    return {};
  }
  if (*parsed == 0) {
    code = fail(kUsage, fmt::format("`--for {}`: {}", options.duration, kEndsAtOnce));
    return {};
  }
  defaults.ttl_ns = *parsed;
  return defaults;
}

class JsonLines {
public:
  JsonLines(const abi::Set& set, const Defaults& defaults, Mistakes& mistakes, std::vector<Wanted>& out)
      : set_(set), defaults_(defaults), mistakes_(mistakes), out_(out) {}

  void run(std::string_view text) {
    for (line_ = 1; !text.empty(); ++line_) {
      const size_t end = std::min(text.find('\n'), text.size());
      const std::string_view line = text.substr(0, end);
      text.remove_prefix(std::min(end + 1, text.size()));
      if (line.find_first_not_of(" \t\r") != line.npos)
        if (auto wrong = take(line))
          mistakes_.add(line_, std::move(*wrong));
    }
  }

private:
  // What is wrong with it, if anything is.
  std::optional<std::string> take(std::string_view line) {
    const Json json = Json::parse(line, nullptr, false);
    if (!json.is_object())
      return R"(not a JSON object like {"element":"192.0.2.1","for":"10m"})";
    Wanted made{.ttl_ns = defaults_.ttl_ns, .comment = defaults_.comment};
    std::string element;
    for (const auto& [name, value] : json.items()) {
      if (name != "element" && name != "for" && name != "comment")
        return fmt::format("`{}` is none of `element`, `for` and `comment`", name);
      if (name == "for" && value.is_null()) {
        made.ttl_ns.reset();
        continue;
      }
      if (!value.is_string())
        return fmt::format("`{}` is no string", name);
      if (name == "element")
        element = value;
      else if (name == "comment")
        made.comment = value;
      else if (const auto ttl = abi::parseDuration(value.get_ref<const std::string&>()); !ttl || *ttl == 0)
        return ttl ? kEndsAtOnce : ttl.error().message;
      else
        made.ttl_ns = *ttl;
    }
    if (!json.contains("element"))
      return "`element` is missing";
    if (auto wrong = wrongComment(made.comment))
      return wrong;
    return expand(element, made);
  }

  std::optional<std::string> expand(const std::string& text, const Wanted& like) {
    std::vector<abi::KeyValue> elements;
    if (const auto parsed = sets::parseElement(set_.key, text, elements); !parsed) {
      const abi::LiteralError& error = parsed.error();
      return error.fixit.empty() ? error.message : fmt::format("{}: write `{}`", error.message, error.fixit);
    }
    for (abi::KeyValue& element : elements) {
      out_.push_back(like);
      out_.back().element = std::move(element);
    }
    return {};
  }

  const abi::Set& set_;
  const Defaults& defaults_;
  Mistakes& mistakes_;
  std::vector<Wanted>& out_;
  size_t line_ = 0;
};

void takeAll(std::vector<abi::KeyValue> elements, const Defaults& defaults, std::vector<Wanted>& out) {
  out.reserve(out.size() + elements.size());
  for (abi::KeyValue& element : elements)
    out.push_back({std::move(element), defaults.ttl_ns, defaults.comment});
}

// False if it has been said what is wrong.
bool readFileOf(const SetOptions& options, const abi::Set& set, const Defaults& defaults, std::vector<Wanted>& out,
                int& code) {
  const std::string path = options.file.empty() ? "-" : options.file;
  const auto text = readFile(path, kMaxInput);
  if (!text) {
    code = fail(kUsage, text.error().message);
    return false;
  }
  Mistakes mistakes(path == "-" ? "<stdin>" : path);
  if (options.json_lines) {
    JsonLines(set, defaults, mistakes, out).run(*text);
  } else {
    auto list = sets::parseList(set.key, *text);
    for (const sets::ListMistake& mistake : list.mistakes)
      mistakes.add(mistake.line, mistake.error);
    mistakes.more(list.mistake_count - list.mistakes.size());
    takeAll(std::move(list.elements), defaults, out);
  }
  if (!mistakes.empty())
    code = mistakes.report();
  return mistakes.empty();
}

} // namespace

std::optional<std::vector<Wanted>> readWanted(const SetOptions& options, const abi::Set& set, int& code) {
  const auto defaults = defaultsOf(options, code);
  if (!defaults)
    return {};
  std::vector<Wanted> wanted;
  for (const std::string& text : options.elements) {
    std::vector<abi::KeyValue> elements;
    if (const auto parsed = sets::parseElement(set.key, text, elements); !parsed) {
      const abi::LiteralError& error = parsed.error();
      code =
          fail(kUsage, error.fixit.empty() ? error.message : fmt::format("{}: write `{}`", error.message, error.fixit));
      return {};
    }
    takeAll(std::move(elements), *defaults, wanted);
  }
  const bool from_file = !options.file.empty() || options.json_lines;
  if (from_file && !readFileOf(options, set, *defaults, wanted, code))
    return {};
  return wanted;
}

} // namespace xdpc::driver
