// Builds tries from runs of keys, depth first.
#include "compiler/plan/trie.h"

#include <algorithm>
#include <array>

namespace xdpc::plan {
namespace {

constexpr uint64_t kAll = ~uint64_t{0};
constexpr unsigned kSlots = Trie::kSlots, kWords = Trie::kWords;
// So much larger may a level without ranks be, which needs one load fewer.
constexpr uint64_t kSmallLevel = 256 << 10;

// From `from` on keys lead to the entry, up to the next step.
struct Step {
  uint64_t from = 0;
  uint32_t entry = 0;
};

uint64_t highOf(ir::u128 key) {
  return static_cast<uint64_t>(key >> 64);
}
uint64_t lowOf(ir::u128 key) {
  return static_cast<uint64_t>(key);
}

// Runs as steps of their upper 64 bits, and what lies within a /64 apart.
class Steps {
public:
  Steps(const Runs& runs, ir::Domain domain) {
    set(0, 0);
    for (const Run& run : runs)
      if (domain == ir::Domain::v4)
        addWhole(static_cast<uint64_t>(run.low) << 32, static_cast<uint64_t>(run.high) << 32 | 0xffffffff, run.number);
      else
        addLong(run);
  }

  std::vector<Step> steps;
  Runs below;

private:
  void addLong(const Run& run) {
    uint64_t first = highOf(run.low), last = highOf(run.high);
    const bool cut_first = lowOf(run.low) != 0, cut_last = lowOf(run.high) != kAll;
    if (first == last && (cut_first || cut_last))
      return addBelow(run);
    if (cut_first)
      addBelow({run.low, run.low | kAll, run.number});
    if (first + cut_first <= last - cut_last)
      addWhole(first + cut_first, last - cut_last, run.number);
    if (cut_last)
      addBelow({run.high & ~ir::u128{kAll}, run.high, run.number});
  }

  void addBelow(const Run& run) {
    if (below.empty() || highOf(below.back().low) != highOf(run.low))
      addEntry(highOf(run.low), highOf(run.low), Trie::below);
    below.push_back(run);
  }

  void addWhole(uint64_t low, uint64_t high, uint32_t number) { addEntry(low, high, number << Trie::kKindBits); }

  void addEntry(uint64_t low, uint64_t high, uint32_t entry) {
    set(low, entry);
    if (high != kAll)
      set(high + 1, 0);
  }

  void set(uint64_t from, uint32_t entry) {
    if (!steps.empty() && steps.back().from == from)
      steps.pop_back();
    if (steps.empty() || steps.back().entry != entry)
      steps.push_back({from, entry});
  }
};

// The least ones first. Those with short bounds are for what is left behind 16 bits of IPv4 and 32 of IPv6.
std::vector<Trie::ListForm> formsOf(ir::Domain domain, bool states) {
  using Form = Trie::ListForm;
  const unsigned shift = domain == ir::Domain::v4 ? 32 : 16;
  const Form wide = states ? Form{8, 8, 0, 56, 8, 64} : Form{6, 8, 0, 40, 0, 64};
  const std::vector<Form> narrow = states ? std::vector{Form{13, 2, shift, 24, 4, 32}}
                                          : std::vector{Form{5, 2, shift, 8, 0, 32}, Form{11, 2, shift, 20, 0, 64}};
  std::vector<Form> forms = narrow;
  if (domain == ir::Domain::v6)
    forms.push_back(wide);
  return forms;
}

class Building {
public:
  Building(const std::vector<Step>& steps, ir::Domain domain) : steps_(steps) {
    data_.root_bits = domain == ir::Domain::v4 ? 16 : 8;
    const bool states =
        std::ranges::all_of(steps, [](const Step& step) { return step.entry <= 1u << Trie::kKindBits; });
    for (const Trie::ListForm& form : formsOf(domain, states))
      data_.forms.push_back({form, {}});
  }

  TrieData run() {
    makeNode(0, 0, 0, steps_.size() - 1);
    for (TrieData::Level& level : data_.levels)
      chooseForm(level, &level == &data_.levels.front());
    return std::move(data_);
  }

private:
  TrieData::Level& level(size_t number) {
    if (data_.levels.size() <= number)
      data_.levels.resize(number + 1);
    return data_.levels[number];
  }

  unsigned bitsBefore(size_t number) const {
    return number == 0 ? 0 : data_.root_bits + 8 * static_cast<unsigned>(number - 1);
  }

  // Of keys from `low` to `high`, which the steps from `first` to `last` divide; `at` is the level of the node.
  uint32_t entryOf(size_t at, uint64_t low, uint64_t high, size_t first, size_t last) {
    const size_t runs = last - first + 1;
    if (runs == 1) {
      level(at).ends += steps_[first].from >= low;
      return steps_[first].entry;
    }
    const uint64_t span = high - low;
    for (size_t form = 0; form < data_.forms.size(); ++form)
      if (fits(data_.forms[form].form, span, first, last)) {
        level(at).lists += runs;
        return makeList(data_.forms[form], first, last, high) << Trie::kKindBits |
               static_cast<uint32_t>(Trie::lists + form);
      }
    return makeNode(at + 1, low, first, last) << Trie::kKindBits | Trie::node;
  }

  // All keys of the range begin alike in front of what the bounds hold, and nothing is decided behind it.
  bool fits(const Trie::ListForm& form, uint64_t span, size_t first, size_t last) const {
    if (last - first + 1 > form.runs)
      return false;
    if (form.bound_bytes == 8)
      return true;
    if (span >> form.shift >> 8 * form.bound_bytes)
      return false;
    for (size_t step = first + 1; step <= last; ++step)
      if (steps_[step].from & ((uint64_t{1} << form.shift) - 1))
        return false;
    return true;
  }

  uint32_t makeNode(size_t number, uint64_t low, size_t first, size_t last) {
    const unsigned before = bitsBefore(number), bits = number == 0 ? data_.root_bits : 8;
    const uint64_t width_less_one = before + bits == 64 ? 0 : kAll >> (before + bits);
    std::vector<uint32_t> entries(size_t{1} << bits);
    level(number);
    size_t step = first;
    for (size_t slot = 0; slot < entries.size(); ++slot) {
      const uint64_t from = low + slot * (width_less_one + 1), to = from + width_less_one;
      size_t end = step;
      while (end < last && steps_[end + 1].from <= to)
        ++end;
      entries[slot] = entryOf(number, from, to, step, end);
      step = end < last && steps_[end + 1].from == to + 1 ? end + 1 : end;
    }
    TrieData::Level& mine = level(number);
    if (number == 0)
      for (uint32_t entry : entries)
        append(mine.entries, entry, 4);
    else
      writeRanked(mine, entries);
    return mine.nodes++;
  }

  static void writeRanked(TrieData::Level& level, const std::vector<uint32_t>& entries) {
    std::array<uint64_t, kWords> marks{};
    std::array<uint32_t, kWords> before{};
    for (size_t slot = 0; slot < kSlots; ++slot) {
      if (slot % 64 == 0)
        before[slot / 64] = static_cast<uint32_t>(level.entries.size() / 4);
      if (slot > 0 && entries[slot] == entries[slot - 1])
        continue;
      marks[slot / 64] |= uint64_t{1} << slot % 64;
      append(level.entries, entries[slot], 4);
    }
    for (uint64_t word : marks)
      append(level.marks, word, 8);
    for (uint32_t count : before)
      append(level.marks, count, 4);
  }

  uint32_t makeList(TrieData::Lists& lists, size_t first, size_t last, uint64_t high) {
    const Trie::ListForm& form = lists.form;
    const size_t start = lists.bytes.size();
    for (size_t i = 1; i < form.runs; ++i)
      append(lists.bytes, (first + i <= last ? steps_[first + i].from : high) >> form.shift, form.bound_bytes);
    lists.bytes.resize(start + form.entries_at);
    uint64_t states = 0;
    for (size_t i = 0; i < form.runs; ++i) {
      const uint32_t entry = steps_[std::min(first + i, last)].entry;
      if (!form.state_bits)
        append(lists.bytes, entry, 4);
      else
        states |= uint64_t{entry == Trie::below ? 2u : entry ? 1u : 0u} << form.state_bits * i;
    }
    if (form.state_bits)
      append(lists.bytes, states, 8);
    lists.bytes.resize(start + form.bytes);
    return static_cast<uint32_t>(start / form.bytes);
  }

  // Ranked where that saves much.
  static void chooseForm(TrieData::Level& level, bool root) {
    const uint64_t plain = uint64_t{level.nodes} * kSlots * 4;
    level.ranked = !root && plain > kSmallLevel && plain > level.bytes();
    if (root || level.ranked)
      return;
    Bytes entries;
    const auto word = [](const Bytes& bytes, size_t at, unsigned count) {
      uint64_t value = 0;
      for (unsigned i = 0; i < count; ++i)
        value |= uint64_t{bytes[at + i]} << 8 * i;
      return value;
    };
    size_t entry = 0; // behind the one of the slot
    for (size_t slot = 0; slot < size_t{level.nodes} * kSlots; ++slot) {
      const size_t node = slot / kSlots * Trie::kNodeBytes;
      entry += word(level.marks, node + slot % kSlots / 64 * 8, 8) >> slot % 64 & 1;
      append(entries, word(level.entries, (entry - 1) * 4, 4), 4);
    }
    level.entries = std::move(entries);
    level.marks.clear();
  }

  const std::vector<Step>& steps_;
  TrieData data_;
};

} // namespace

uint64_t TrieData::bytes() const {
  uint64_t bytes = low_numbers.size() + (low ? low->bytes() : 0);
  for (const Lists& one : forms)
    bytes += one.bytes.size();
  for (const Level& level : levels)
    bytes += level.bytes();
  return bytes;
}

TrieData makeTrie(const Runs& runs, ir::Domain domain) {
  const Steps steps(runs, domain);
  TrieData data = Building(steps.steps, domain).run();
  if (steps.below.empty())
    return data;
  data.low = makeSorted(steps.below, 2, 8);
  for (const Run& run : steps.below)
    append(data.low_numbers, run.number, 4);
  return data;
}

Trie layOut(const TrieData& data, TableLayout& layout) {
  Trie trie{.root_bits = data.root_bits};
  for (const TrieData::Level& level : data.levels) {
    Trie::Level& made = trie.levels.emplace_back();
    made.ranked = level.ranked;
    if (level.ranked)
      made.nodes = layout.place(level.marks, Trie::kNodeBytes);
    made.entries = layout.place(level.entries, 4);
  }
  for (const TrieData::Lists& lists : data.forms)
    trie.forms.push_back({lists.form, lists.bytes.empty() ? Array{} : layout.place(lists.bytes, lists.form.bytes)});
  if (!data.low)
    return trie;
  trie.low = layOut(*data.low, layout);
  trie.low_numbers = layout.place(data.low_numbers, 4);
  return trie;
}

} // namespace xdpc::plan
