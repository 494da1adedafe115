// Judging a case, and making one that fails smaller.
#include "tests/differential/case.h"

#include <chrono>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <functional>

namespace xdpc::differential {

namespace {

constexpr unsigned kShrinkRuns = 150;
constexpr std::chrono::seconds kShrinkTime{15};

// What is wrong, and where; nothing if all agree.
struct Disagreement {
  std::string engine, text;
  std::optional<size_t> packet;
};

Inputs inputsOf(const Case& one) {
  Inputs inputs;
  for (const Frame& frame : one.frames)
    inputs.push_back(frame.input);
  return inputs;
}

std::optional<Disagreement> disagreement(const Case& one, const std::vector<std::string>& engines) {
  std::string engine = "compiler";
  try {
    const auto compiled = compile(one.policy.text(), one.around);
    const Inputs inputs = inputsOf(one);
    engine = "oracle";
    const Trace expected = traceOracle(compiled->policy, inputs);
    for (const std::string& name : engines) {
      engine = name;
      if (const auto found = firstDifference(expected, traceEngine(name, *compiled, inputs)))
        return Disagreement{name, found->text, found->packet};
    }
  } catch (const TooLarge& error) {
    fmt::print("--- {}: left out, {}\n", one.title, error.what());
  } catch (const std::runtime_error& error) {
    return Disagreement{engine, fmt::format("    {}", error.what()), std::nullopt};
  }
  return std::nullopt;
}

class Shrinking {
public:
  Shrinking(Case one, Disagreement found) : case_(std::move(one)), found_(std::move(found)) {}

  void run() {
    if (found_.engine == "compiler") { // what is smaller would not compile for other reasons
      case_.frames.clear();
      return;
    }
    if (found_.packet)
      keepIf([&](Case& one) { one.frames = {one.frames[*found_.packet]}; }) ||
          keepIf([&](Case& one) { one.frames.resize(*found_.packet + 1); });
    for (bool smaller = true; smaller && !over();)
      smaller = dropEach(&Case::frames) | dropEach(&PolicyText::rules) | dropEach(&PolicyText::declarations);
  }

  const Case& shrunk() const { return case_; }
  const Disagreement& found() const { return found_; }

private:
  bool over() const { return runs_ >= kShrinkRuns || std::chrono::steady_clock::now() - start_ > kShrinkTime; }

  // The smaller case stays if the same engine still disagrees in the same way.
  bool keepIf(const std::function<void(Case&)>& change) {
    if (over())
      return false;
    ++runs_;
    Case smaller = case_;
    change(smaller);
    auto found = disagreement(smaller, {found_.engine});
    if (!found || found->engine != found_.engine)
      return false;
    case_ = std::move(smaller);
    found_ = std::move(*found);
    return true;
  }

  template <class T> bool dropEach(T member) {
    bool any = false;
    for (size_t i = list(case_, member).size(); i-- > 0;)
      any |= keepIf([&](Case& one) { list(one, member).erase(list(one, member).begin() + static_cast<ptrdiff_t>(i)); });
    return any;
  }

  static std::vector<Frame>& list(Case& one, std::vector<Frame> Case::* member) { return one.*member; }
  static std::vector<std::string>& list(Case& one, std::vector<std::string> PolicyText::* member) {
    return one.policy.*member;
  }

  Case case_;
  Disagreement found_;
  unsigned runs_ = 0;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

void print(const Case& one, const Disagreement& found) {
  fmt::print("--- {}: {} disagrees\n{}", one.title, found.engine, one.policy.text());
  for (size_t i = 0; i < one.frames.size(); ++i) {
    const oracle::Input& input = one.frames[i].input;
    fmt::print("{} packet {} at {} ns, interface {}, queue {}: {}\n    {:02x}\n", found.packet == i ? ">" : " ", i,
               input.now_ns, input.ifindex, input.rx_queue, one.frames[i].text, fmt::join(input.frame, ""));
  }
  fmt::print("{}\n\n", found.text);
  std::fflush(stdout);
}

} // namespace

std::string PolicyText::text() const {
  return fmt::format("{}\npolicy generated {{\n    {}\n    {}\n}}\n", fmt::join(declarations, "\n"),
                     fmt::join(rules, "\n    "), default_block);
}

bool judge(const Case& one, const std::vector<std::string>& engines) {
  auto found = disagreement(one, engines);
  if (!found)
    return true;
  Shrinking shrinking(one, std::move(*found));
  shrinking.run();
  print(shrinking.shrunk(), shrinking.found());
  return false;
}

} // namespace xdpc::differential
