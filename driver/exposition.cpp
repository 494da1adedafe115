// See exposition.h.
#include "driver/exposition.h"

#include <fmt/format.h>

#include <algorithm>

namespace xdpc::driver {

namespace {

enum class Quotes { escaped, plain }; // in label values, in help texts

std::string escaped(std::string_view text, Quotes quotes) {
  std::string out;
  for (const char c : text)
    if (c == '\n')
      out += "\\n";
    else if (c == '\\' || (c == '"' && quotes == Quotes::escaped))
      out += std::string("\\") + c;
    else
      out += c;
  return out;
}

std::string labelsText(const Labels& labels) {
  std::string text;
  for (const auto& [name, value] : labels)
    text += fmt::format("{}{}=\"{}\"", text.empty() ? "" : ",", name, escaped(value, Quotes::escaped));
  return text.empty() ? "" : "{" + text + "}";
}

} // namespace

std::string& Exposition::samplesOf(std::string_view name, MetricType type, std::string_view help) {
  const auto found = std::ranges::find(families_, name, &Family::name);
  if (found != families_.end())
    return found->samples;
  families_.push_back({std::string(name),
                       fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, escaped(help, Quotes::plain), name,
                                   type == MetricType::counter ? "counter" : "gauge"),
                       {}});
  return families_.back().samples;
}

void Exposition::add(std::string_view name, MetricType type, std::string_view help, const Labels& labels,
                     uint64_t value) {
  samplesOf(name, type, help) += fmt::format("{}{} {}\n", name, labelsText(labels), value);
}

void Exposition::add(std::string_view name, MetricType type, std::string_view help, const Labels& labels,
                     double value) {
  samplesOf(name, type, help) += fmt::format("{}{} {}\n", name, labelsText(labels), value);
}

std::string Exposition::text() const {
  std::string text;
  for (const Family& family : families_)
    text += family.head + family.samples;
  return text;
}

} // namespace xdpc::driver
