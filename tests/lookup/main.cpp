// Every lookup of compiler/plan/lookup.h against a plain search: random lists are compiled with each of them, and the
// lowered program is asked for keys at the ends of lines, beside them, and anywhere.
//
//   lookup [--engine vm|kernel] [--rounds N] [--seed N]
#include "driver/engines.h"
#include "tests/differential/compiled.h"
#include "tests/lookup/lists.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <utility>

namespace {

using namespace xdpc;
using namespace xdpc::lookup;

struct Setting {
  std::string engine = "vm";
  unsigned rounds = 2;
  uint64_t seed = 1;
};

void put(std::vector<uint8_t>& frame, size_t at, unsigned bytes, u128 number) {
  for (unsigned i = 0; i < bytes; ++i)
    frame[at + i] = static_cast<uint8_t>(number >> 8 * (bytes - 1 - i));
}

// The key where the policy looks for it, and the value in the sequence number.
std::vector<uint8_t> frameOf(KeyKind kind, u128 key, uint32_t value) {
  const bool v6 = kind == KeyKind::v6;
  const size_t tcp = v6 ? 54 : 34;
  std::vector<uint8_t> frame(tcp + 20);
  put(frame, 12, 2, v6 ? 0x86dd : 0x0800);
  put(frame, 14, 1, v6 ? 0x60 : 0x45);
  put(frame, v6 ? 18 : 16, 2, v6 ? 20 : 40);
  put(frame, v6 ? 20 : 23, 1, 6);
  put(frame, tcp + 4, 4, value);
  put(frame, tcp + 12, 1, 0x50);
  const auto [at, bytes] = kind == KeyKind::v4         ? std::pair(size_t{26}, 4u)
                           : v6                        ? std::pair(size_t{22}, 16u)
                           : kind == KeyKind::port     ? std::pair(tcp + 2, 2u)
                           : kind == KeyKind::sequence ? std::pair(tcp + 4, 4u)
                                                       : std::pair(size_t{6}, 6u);
  put(frame, at, bytes, key);
  return frame;
}

const char* fieldOf(KeyKind kind) {
  switch (kind) {
  case KeyKind::port:
    return "tcp.dport";
  case KeyKind::sequence:
    return "tcp.seq";
  case KeyKind::mac:
    return "eth.src";
  default:
    return "ip.src";
  }
}

std::string policyOf(KeyKind kind, bool values) {
  if (values)
    return "map m of ip.prefix -> u32 = load \"list\"\npolicy p {\n  hit: drop when m[ip.src] == tcp.seq\n"
           "  other: tx when ip.src in m\n  default pass\n}\n";
  return fmt::format("const s = load \"list\"\npolicy p {{\n  hit: drop when {} in s\n  default pass\n}}\n",
                     fieldOf(kind));
}

class Trial {
public:
  Trial(const Setting& setting, std::string title) : setting_(setting), title_(std::move(title)) {}

  bool run(const List& list, bool values, plan::LookupKind kind, Random& random) {
    differential::Around around;
    around.lists["list"] = list.text(values);
    around.plan.lookup = kind;
    const auto compiled = differential::compile(policyOf(list.kind, values), around);
    auto engine = driver::loadEngine(setting_.engine, compiled->object);
    if (!engine)
      throw std::runtime_error(title_ + ": " + driver::toText(engine.error()));
    for (u128 key : list.keys(random, 300))
      if (!ask(**engine, list, key, values))
        return false;
    return true;
  }

private:
  bool ask(engine::Engine& engine, const List& list, u128 key, bool values) {
    const auto value = values ? list.valueOf(key) : std::nullopt;
    const auto frame = frameOf(list.kind, key, value.value_or(0));
    const auto outcome = engine.run({.bytes = frame});
    if (!outcome)
      throw std::runtime_error(title_ + ": " + driver::toText(outcome.error()));
    const abi::Verdict expected = (values ? value.has_value() : list.has(key)) ? abi::kDrop : abi::kPass;
    if (outcome->verdict == expected)
      return true;
    fmt::print("{}: key {:016x}{:016x}: verdict {} instead of {}\n", title_, static_cast<uint64_t>(key >> 64),
               static_cast<uint64_t>(key), int{outcome->verdict}, int{expected});
    return false;
  }

  const Setting& setting_;
  const std::string title_;
};

const std::vector<std::pair<plan::LookupKind, const char*>> kKinds = {
    {plan::LookupKind::sorted, "sorted"},           {plan::LookupKind::bitmap, "bitmap"},
    {plan::LookupKind::bitmap_trie, "bitmap trie"}, {plan::LookupKind::hash, "hash"},
    {plan::LookupKind::quotient, "quotient"},       {plan::LookupKind::trie, "trie"}};

const std::vector<std::pair<Content, const char*>> kContents = {
    {Content::prefixes, "prefixes"},   {Content::nested, "nested"}, {Content::hosts, "hosts"},
    {Content::neighbors, "neighbors"}, {Content::ends, "ends"},     {Content::ranges, "ranges"}};

// What lists of the key hold, and whether the lookup can be made for it.
bool fits(KeyKind key, Content content, bool values, plan::LookupKind kind) {
  const bool address = key == KeyKind::v4 || key == KeyKind::v6;
  const bool single = content == Content::hosts || content == Content::neighbors;
  if (!address && !single && content != Content::ranges)
    return false;
  if (key == KeyKind::mac && !single)
    return false;
  if (values && (!address || content == Content::ranges))
    return false;
  switch (kind) {
  case plan::LookupKind::sorted:
    return true;
  case plan::LookupKind::bitmap:
    return key == KeyKind::port;
  case plan::LookupKind::bitmap_trie:
    return !values && (key == KeyKind::v4 || key == KeyKind::sequence);
  case plan::LookupKind::hash:
    return single;
  case plan::LookupKind::quotient:
    return single && !values && (key == KeyKind::v4 || key == KeyKind::sequence);
  case plan::LookupKind::trie:
    return address;
  }
  return false;
}

unsigned failures(const Setting& setting) {
  const std::vector<size_t> sizes = {20, 300, 4000};
  unsigned failed = 0, run = 0;
  for (unsigned round = 0; round < setting.rounds; ++round)
    for (KeyKind key : {KeyKind::v4, KeyKind::v6, KeyKind::port, KeyKind::sequence, KeyKind::mac})
      for (const auto& [content, content_name] : kContents)
        for (bool values : {false, true})
          for (const auto& [kind, kind_name] : kKinds) {
            if (!fits(key, content, values, kind))
              continue;
            Random random(setting.seed + run++);
            const size_t count = sizes[random.below(sizes.size())];
            const List list = makeList(key, content, count, random);
            Trial trial(setting, fmt::format("round {}, {} bits, {} {} as {}{}", round, bitsOf(key), list.lines.size(),
                                             content_name, kind_name, values ? ", with values" : ""));
            failed += !trial.run(list, values, kind, random);
          }
  fmt::print("{} lists, {} failed\n", run, failed);
  return failed;
}

} // namespace

int main(int argc, char** argv) {
  Setting setting;
  CLI::App app("lookups against a plain search");
  app.add_option("--engine", setting.engine);
  app.add_option("--rounds", setting.rounds);
  app.add_option("--seed", setting.seed);
  CLI11_PARSE(app, argc, argv);
  return failures(setting) ? 1 : 0;
}
