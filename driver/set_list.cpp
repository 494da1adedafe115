// `xdpc set list`: the elements of a live policy's set. Tested by tests/live/sets.py and set_input.py.
#include "driver/commands.h"
#include "driver/kernel_errors.h"
#include "driver/open_set.h"
#include "runtime/kernel/privilege.h"
#include "runtime/sets/sets.h"
#include "runtime/swap/comments.h"

#include <nlohmann/json.hpp>

namespace xdpc::driver {

namespace {

using Json = nlohmann::ordered_json;

// An element with what is known of it.
struct Listed {
  const sets::Element& element;
  std::string text, comment;
};

// The remaining time as people say it: whole seconds, at least one.
std::string remaining(const sets::Element& element, uint64_t now_ns) {
  if (element.expires_ns == abi::kNever)
    return "-";
  const uint64_t seconds = (element.expires_ns - now_ns + 999'999'999) / 1'000'000'000;
  if (seconds < 60)
    return fmt::format("{}s", seconds);
  if (seconds < 3600)
    return fmt::format("{}m{:02}s", seconds / 60, seconds % 60);
  return fmt::format("{}h{:02}m", seconds / 3600, seconds / 60 % 60);
}

void printJson(const abi::Set& set, const std::vector<Listed>& all, uint64_t now_ns) {
  Json elements = Json::array();
  for (const Listed& one : all) {
    const sets::Element& element = one.element;
    Json json{{"element", one.text},
              {"remaining_ns", element.expires_ns == abi::kNever ? Json() : Json(element.expires_ns - now_ns)}};
    if (!one.comment.empty())
      json["comment"] = one.comment;
    if (set.count)
      json.update({{"packets", element.hits.packets}, {"bytes", element.hits.bytes}});
    elements.push_back(std::move(json));
  }
  printLine("{}", Json{{"schema", kSchema}, {"set", set.name}, {"elements", elements}}.dump());
}

// As `add`, `replace` and `load` read them.
void printJsonLines(const std::vector<Listed>& all, uint64_t now_ns) {
  for (const Listed& one : all) {
    Json json{{"element", one.text}};
    if (one.element.expires_ns != abi::kNever)
      json["for"] = fmt::format("{}ns", one.element.expires_ns - now_ns);
    if (!one.comment.empty())
      json["comment"] = one.comment;
    printLine("{}", json.dump());
  }
}

void printTable(const abi::Set& set, const std::vector<Listed>& all, uint64_t now_ns) {
  bool comments = false;
  for (const Listed& one : all)
    comments |= !one.comment.empty();
  std::vector<std::string> titles = {"element", "remaining"};
  if (set.count)
    titles.insert(titles.end(), {"packets", "bytes"});
  if (comments)
    titles.emplace_back("comment");
  Table table(titles);
  for (const Listed& one : all) {
    std::vector<std::string> row = {one.text, remaining(one.element, now_ns)};
    if (set.count)
      row.insert(row.end(), {std::to_string(one.element.hits.packets), std::to_string(one.element.hits.bytes)});
    if (comments)
      row.push_back(one.comment);
    table.add(std::move(row));
  }
  if (!table.empty())
    print(table.text());
}

} // namespace

int setListCommand(const SetOptions& options) {
  int code = kFine;
  const auto opened = openSet(options, swap::Access::read, code);
  if (!opened)
    return code;
  const abi::Set& set = opened->description();
  const uint64_t now_ns = monotonicNow();
  const auto elements = sets::list(*opened->live.maps, opened->live.manifest, set, now_ns);
  if (!elements)
    return fail(elements.error());
  const auto comments = swap::readComments(opened->live.folder, opened->live.manifest, set, now_ns);
  kernel::dropAll();
  if (!comments)
    return fail(comments.error());
  std::vector<Listed> all;
  for (const sets::Element& element : *elements) {
    const auto comment = comments->find(element.key);
    all.push_back(
        {element, abi::formatKey(set.key, element.key), comment == comments->end() ? std::string() : comment->second});
  }
  if (options.json)
    printJson(set, all, now_ns);
  else if (options.json_lines)
    printJsonLines(all, now_ns);
  else
    printTable(set, all, now_ns);
  return kFine;
}

} // namespace xdpc::driver
