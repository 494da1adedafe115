// Builds the automata and decides which pattern sets share one.
#include "compiler/plan/scan.h"
#include "compiler/plan/visit.h"

#include <linux/bpf.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <fmt/format.h>

namespace xdpc::plan {
namespace {

constexpr uint32_t kMaxWords = 1u << 20; // 4 MiB: more does not stay in a cache, and the kernel's maps have bounds

struct State {
  std::vector<uint32_t> next; // by class
  uint64_t found = 0;         // a bit a pattern set
};

class Automaton {
public:
  explicit Automaton(std::span<const ir::PatternSet* const> sets) : sets_(sets) {}

  // False if it has more than kMaxWords transitions.
  bool build() {
    findClasses();
    states_.push_back({std::vector<uint32_t>(classes_), 0});
    for (size_t bit = 0; bit < sets_.size(); ++bit)
      for (const std::string& pattern : sets_[bit]->patterns)
        if (!insert(pattern, uint64_t{1} << bit))
          return false;
    link();
    return true;
  }

  std::optional<ScanTable> table() const {
    std::vector<uint64_t> masks = {0};
    std::vector<uint32_t> numbers; // of the states' masks
    for (const State& state : states_) {
      const auto at = std::ranges::find(masks, state.found);
      numbers.push_back(static_cast<uint32_t>(at - masks.begin()));
      if (at == masks.end())
        masks.push_back(state.found);
    }
    if (masks.size() > kScanMasks)
      return std::nullopt;
    ScanTable table{.states = static_cast<uint32_t>(states_.size()), .classes = classes_};
    const auto words = scanWords(static_cast<unsigned>(sets_.size()));
    table.bytes.resize(words + sizeof(uint32_t) * std::bit_ceil(states_.size() * classes_));
    std::ranges::copy(class_of_, table.bytes.begin());
    if (sets_.size() > 1)
      std::memcpy(table.bytes.data() + kScanClasses, masks.data(), masks.size() * sizeof(uint64_t));
    size_t at = words;
    for (const State& state : states_)
      for (const uint32_t next : state.next) {
        const uint32_t word = next * classes_ | numbers[next] << kScanRowBits;
        std::memcpy(table.bytes.data() + at, &word, sizeof(word));
        at += sizeof(word);
      }
    return table;
  }

private:
  // Bytes that no pattern has are one class, 0.
  void findClasses() {
    for (const ir::PatternSet* set : sets_)
      for (const std::string& pattern : set->patterns)
        for (const char byte : pattern)
          class_of_[static_cast<uint8_t>(byte)] = 1;
    uint32_t used = 0;
    for (uint8_t& of : class_of_)
      used += of;
    classes_ = used == kScanClasses ? used : used + 1;
    uint32_t next = used == kScanClasses ? 0 : 1;
    for (uint8_t& of : class_of_)
      if (of)
        of = static_cast<uint8_t>(next++);
  }

  // Along the trie; 0 is no child, as the first state is nobody's.
  bool insert(const std::string& pattern, uint64_t found) {
    uint32_t state = 0;
    for (const char byte : pattern) {
      const uint8_t of = class_of_[static_cast<uint8_t>(byte)];
      if (!states_[state].next[of]) {
        if ((states_.size() + 1) * classes_ > kMaxWords)
          return false;
        states_[state].next[of] = static_cast<uint32_t>(states_.size());
        states_.push_back({std::vector<uint32_t>(classes_), 0});
      }
      state = states_[state].next[of];
    }
    states_[state].found |= found;
    return true;
  }

  // Level by level: where a state has no child, it goes where its longest proper suffix goes.
  void link() {
    std::vector<uint32_t> suffix(states_.size()), order;
    for (const uint32_t child : states_[0].next)
      if (child)
        order.push_back(child);
    for (size_t i = 0; i < order.size(); ++i) {
      State& state = states_[order[i]];
      const State& shorter = states_[suffix[order[i]]];
      state.found |= shorter.found;
      for (uint32_t of = 0; of < classes_; ++of) {
        if (!state.next[of]) {
          state.next[of] = shorter.next[of];
          continue;
        }
        suffix[state.next[of]] = shorter.next[of];
        order.push_back(state.next[of]);
      }
    }
  }

  std::span<const ir::PatternSet* const> sets_;
  std::array<uint8_t, kScanClasses> class_of_{};
  uint32_t classes_ = 0;
  std::vector<State> states_;
};

class Scans {
public:
  Scans(Program& program, diag::Emitter& emitter)
      : program_(program), policy_(*program.policy), emitter_(emitter), uses_(policy_.patterns.size()) {}

  void run() {
    program_.patterns.resize(policy_.patterns.size());
    if (policy_.patterns.empty())
      return;
    visitRules(
        policy_,
        [&](const ir::Expr& expr) {
          if (expr.kind == ir::ExprKind::Contains)
            ++uses_[expr.id];
        },
        [](const ir::Action&) {});
    std::vector<uint32_t> limits;
    for (const ir::PatternSet& set : policy_.patterns)
      if (!std::ranges::count(limits, set.within))
        limits.push_back(set.within);
    for (const uint32_t limit : limits)
      shareScans(limit);
  }

private:
  // As many sets of the limit as fit go through the payload together.
  void shareScans(uint32_t limit) {
    std::vector<ir::PatternSetId> together;
    std::optional<ScanTable> table;
    for (ir::PatternSetId id = 0; id < policy_.patterns.size(); ++id) {
      if (policy_.patterns[id].within != limit || !uses_[id])
        continue;
      together.push_back(id);
      auto larger = together.size() <= kScanSets ? tableOf(together) : std::nullopt;
      if (!larger && together.size() > 1) {
        together.pop_back();
        finish(together, *table);
        together = {id};
        larger = tableOf(together);
      }
      table = std::move(larger);
      if (!table) {
        emitter_.report(diag::Id::too_many, policy_.patterns[id].span,
                        fmt::format("these patterns need a table of more than {} transitions", kMaxWords));
        return;
      }
    }
    if (table)
      finish(together, *table);
  }

  std::optional<ScanTable> tableOf(const std::vector<ir::PatternSetId>& ids) const {
    std::vector<const ir::PatternSet*> sets;
    for (const ir::PatternSetId id : ids)
      sets.push_back(&policy_.patterns[id]);
    return makeScanTable(sets);
  }

  void finish(const std::vector<ir::PatternSetId>& ids, const ScanTable& table) {
    const auto number = static_cast<uint32_t>(program_.scans.size());
    ScanPlan scan{.within = policy_.patterns[ids[0]].within,
                  .shortest = ir::kMaxPayloadBytes,
                  .sets = static_cast<uint32_t>(ids.size()),
                  .states = table.states,
                  .classes = table.classes};
    for (unsigned bit = 0; bit < ids.size(); ++bit) {
      program_.patterns[ids[bit]] = {number, bit};
      scan.uses += uses_[ids[bit]];
      for (const std::string& pattern : policy_.patterns[ids[bit]].patterns)
        scan.shortest = std::min(scan.shortest, static_cast<uint32_t>(pattern.size()));
    }
    scan.map = static_cast<uint32_t>(program_.manifest.maps.size());
    program_.manifest.maps.push_back({.name = fmt::format(".rodata.scan_{}", number),
                                      .role = abi::MapRole::table,
                                      .type = BPF_MAP_TYPE_ARRAY,
                                      .key_size = 4,
                                      .value_size = static_cast<uint32_t>(table.bytes.size()),
                                      .max_entries = 1,
                                      .flags = BPF_F_RDONLY_PROG});
    program_.tables[scan.map] = table.bytes;
    program_.scans.push_back(scan);
  }

  Program& program_;
  const ir::Policy& policy_;
  diag::Emitter& emitter_;
  std::vector<unsigned> uses_; // by PatternSetId: expressions of rules that ask
};

} // namespace

std::optional<ScanTable> makeScanTable(std::span<const ir::PatternSet* const> sets) {
  Automaton automaton(sets);
  return automaton.build() ? automaton.table() : std::nullopt;
}

void planScans(Program& program, diag::Emitter& emitter) {
  Scans(program, emitter).run();
}

} // namespace xdpc::plan
