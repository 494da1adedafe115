// Words for tables of rules.
#include "compiler/plan/classifier_text.h"
#include "compiler/plan/print.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace xdpc::plan {
namespace {

std::string thousands(uint64_t number) {
  std::string text = std::to_string(number);
  for (size_t at = text.size(); at > 3;)
    text.insert(at -= 3, ",");
  return text;
}

std::string sizeText(uint64_t bytes) {
  if (bytes >= 10'000'000)
    return fmt::format("{} MB", thousands((bytes + 500'000) / 1'000'000));
  return bytes >= 1000 ? fmt::format("{} KB", thousands((bytes + 500) / 1000)) : fmt::format("{} bytes", bytes);
}

size_t fieldsOf(const Classifier& classifier) {
  std::set<uint32_t> values;
  for (const ClassifierView& view : classifier.views)
    for (const ClassifierLane& lane : view.lanes)
      values.insert(lane.value);
  return values.size();
}

} // namespace

std::string rulesOf(const Program& program, const Classifier& classifier) {
  const ir::RuleList& list = program.policy->lists[classifier.list];
  return fmt::format("rules {}{}-{}", classifier.list == 0 ? "" : fmt::format("of {}: ", list.name),
                     thousands(classifier.first + 1), thousands(classifier.first + classifier.count));
}

std::string describe(const Classifier& classifier) {
  unsigned trees = 0;
  double nanoseconds = 0;
  bool hash = false;
  for (const ClassifierView& view : classifier.views) {
    trees = std::max(trees, static_cast<unsigned>(view.walks.size()));
    hash = hash || view.hash;
    nanoseconds = std::max(nanoseconds, view.nanoseconds);
  }
  const size_t fields = fieldsOf(classifier);
  std::string structure = hash ? "hash" : "";
  if (trees > 0)
    structure += (hash ? ", " : "") + (trees > 1 ? fmt::format("{} cut trees", trees) : "cut tree");
  return fmt::format("{}, {} field{}, {}, about {:.0f} ns", structure, fields, fields == 1 ? "" : "s",
                     sizeText(classifier.bytes), nanoseconds);
}

std::string classifiersText(const Program& program) {
  std::string text;
  for (const Classifier& classifier : program.classifiers)
    text += fmt::format("{}: {}\n", rulesOf(program, classifier), describe(classifier));
  return text;
}

} // namespace xdpc::plan
