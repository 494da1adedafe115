// differential SUITE [--engines vm,kernel] [--seed N] [--rounds N] [--packets N] [--notes]: oracle and engines over
// the same policies and packets. Suites: fields (every field with every operator), cuts (frames cut at every length),
// random (generated policies and packets; the numbers below make it larger). Exit code 77 where an engine cannot run
// here.
#include "tests/differential/cuts.h"
#include "tests/differential/fields.h"
#include "tests/differential/random_packet.h"
#include "tests/differential/random_policy.h"

#include <CLI/CLI.hpp>

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace xdpc::differential;

namespace {

struct Options {
  std::string suite;
  std::vector<std::string> engines = {"vm", "vm-copied"};
  uint64_t seed = 1, policies = 20, packets = 60;
  bool notes = false; // of headers, where the random policies otherwise take turns
};

std::vector<Case> randomCases(const Vocabulary& words, const Options& options) {
  std::vector<Case> cases;
  for (uint64_t i = 0; i < options.policies; ++i) {
    Random random(options.seed + i);
    Case one{fmt::format("seed {}", options.seed + i), randomPolicy(words, random), {}};
    one.frames = randomFrames(words, random, options.packets);
    one.around.plan.tables = i % 2 == 0;
    one.around.presence = i % 4 < 2 ? xdpc::lower::Presence::leaves : xdpc::lower::Presence::notes;
    cases.push_back(std::move(one));
  }
  return cases;
}

std::vector<Case> casesOf(const Options& options) {
  const Vocabulary words;
  if (options.suite == "fields")
    return fieldCases(words);
  if (options.suite == "cuts")
    return cutCases(words);
  return randomCases(words, options);
}

// In a process of its own: one that crashes is a difference, too, and the others go on.
bool judgeApart(const Case& one, const std::vector<std::string>& engines) {
  const pid_t child = ::fork();
  if (child == 0) {
    const bool same = judge(one, engines);
    std::fflush(stdout);
    ::_exit(same ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  if (WIFSIGNALED(status))
    fmt::print("--- {}: ended by signal {}\n{}\n", one.title, WTERMSIG(status), one.policy.text());
  std::fflush(stdout);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int run(const Options& options) {
  for (const std::string& engine : options.engines)
    if (engine.starts_with("kernel") && !kernelRuns()) {
      fmt::print("skip kernel: XDP programs cannot be loaded here\n");
      return 77;
    }
  size_t failed = 0, packets = 0, rules = 0;
  std::vector<Case> cases = casesOf(options);
  for (Case& one : cases)
    if (options.notes)
      one.around.presence = xdpc::lower::Presence::notes;
  for (const Case& one : cases) {
    failed += !judgeApart(one, options.engines);
    failed += options.suite == "cuts" && !paddingIsIgnored(one);
    packets += one.frames.size();
    rules += one.policy.rules.size();
  }
  fmt::print("{}: {} policies with {} rules, {} packets, {} policies differ\n", options.suite, cases.size(), rules,
             packets, failed);
  return failed == 0 && packets > 0 ? 0 : 1;
}

} // namespace

int main(int argc, char** argv) {
  CLI::App app("oracle and engines over the same policies and packets");
  Options options;
  app.add_option("suite", options.suite)->required()->check(CLI::IsMember({"fields", "cuts", "random"}));
  app.add_option("--engines", options.engines)->delimiter(',');
  app.add_option("--seed", options.seed);
  app.add_option("--rounds,--policies", options.policies);
  app.add_option("--packets", options.packets);
  app.add_flag("--notes", options.notes);
  CLI11_PARSE(app, argc, argv);
  return run(options);
}
