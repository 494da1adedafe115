// Weighs the lookups that fit the keys against each other.
#include "compiler/plan/choose_lookup.h"
#include "compiler/plan/bitmap_trie.h"
#include "compiler/plan/lookup_cost.h"

#include <algorithm>
#include <set>

namespace xdpc::plan {
namespace {

constexpr uint64_t kOnePart = 4u << 20; // a sorted table is not in parts

struct Candidate {
  LookupKind kind = LookupKind::sorted;
  double ns = 0;
  uint64_t bytes = 0;
  std::function<Lookup()> lay_out;
  std::function<Bytes()> values; // of a map: by the number that the lookup gives
  bool plain_values = false;     // the numbers are the values plus 1
};

class Choice {
public:
  Choice(const Runs& runs, KeyShape key, const MapValues* values, std::optional<LookupKind> wanted, TableLayout& layout)
      : runs_(runs), key_(key), values_(values), wanted_(wanted), layout_(layout) {}

  std::optional<Table> run() {
    considerSorted();
    considerSingles();
    if (narrow() && !values_)
      considerBitmapTrie();
    if (key_.domain != ir::Domain::number)
      considerTrie();
    return best_ ? std::optional(finish(*best_)) : std::nullopt;
  }

private:
  // 32 bits or fewer.
  bool narrow() const {
    return key_.domain == ir::Domain::v4 || (key_.domain == ir::Domain::number && key_.bits != 0 && key_.bits <= 32);
  }
  uint32_t words() const { return key_.domain == ir::Domain::v6 ? 2 : 1; }
  uint32_t wordBytes() const { return narrow() ? 4 : 8; }

  void consider(Candidate candidate) {
    if (best_ && wanted_ == best_->kind)
      return;
    if (!best_ || wanted_ == candidate.kind || score(candidate.ns, candidate.bytes) < score(best_->ns, best_->bytes))
      best_ = std::move(candidate);
  }

  Table finish(const Candidate& candidate) const {
    Table table{.lookup = candidate.lay_out(), .count = static_cast<uint32_t>(runs_.size()), .values = {}};
    table.bytes = candidate.bytes;
    table.ns = candidate.ns;
    if (values_) {
      table.value_bytes = values_->bytes();
      table.plain_values = candidate.plain_values;
    }
    if (values_ && !candidate.plain_values) {
      table.values = layout_.placeRounded(candidate.values(), table.value_bytes);
      table.bytes += table.values.bytes();
    }
    return table;
  }

  // The values of numbered rows, whose runs or keys have these numbers; 0: none.
  Bytes valuesOf(const std::vector<uint32_t>& numbers) const {
    Bytes out;
    for (uint32_t number : numbers) {
      out.resize(out.size() + values_->bytes());
      if (number)
        std::ranges::copy(values_->of(number), out.end() - values_->bytes());
    }
    return out;
  }

  void considerSorted() {
    auto data = std::make_shared<SortedData>(makeSorted(runs_, words(), wordBytes()));
    if (data->keys.size() > kOnePart)
      return;
    consider({LookupKind::sorted, costOf(*data), data->bytes(), [=, this] { return layOut(*data, layout_); },
              [this] {
                std::vector<uint32_t> numbers;
                for (const Run& run : runs_)
                  numbers.push_back(run.number);
                return valuesOf(numbers);
              }});
  }

  // Hashes hold single keys: short runs are so many of them.
  void considerSingles() {
    if (key_.bits != 0 && key_.bits <= 16 && key_.domain == ir::Domain::number && !values_)
      return considerBitmap();
    const ir::u128 most = runs_.size() * 2;
    ir::u128 total = 0;
    for (const Run& run : runs_) {
      if (run.high - run.low >= most)
        return;
      total += run.high - run.low + 1;
      if (total > most)
        return;
    }
    if (narrow() && !values_)
      considerQuotient(static_cast<size_t>(total));
    considerHash(static_cast<size_t>(total));
  }

  void considerBitmap() {
    consider({LookupKind::bitmap,
              costOfBitmap(),
              8192,
              [this]() -> Lookup {
                std::vector<uint64_t> bits(runs_.back().high / 64 + 1);
                for (const Run& run : runs_)
                  for (auto key = static_cast<size_t>(run.low); key <= run.high; ++key)
                    bits[key / 64] |= uint64_t{1} << key % 64;
                Bytes bytes;
                for (uint64_t word : bits)
                  append(bytes, word, 8);
                return Bitmap{layout_.place(bytes, 8)};
              },
              {}});
  }

  void considerQuotient(size_t keys) {
    const QuotientShape shape = quotientShape(keys);
    consider({LookupKind::quotient,
              costOf(shape),
              shape.bytes(),
              [this] {
                std::vector<uint32_t> all;
                for (const Run& run : runs_)
                  for (ir::u128 key = run.low; key <= run.high; ++key)
                    all.push_back(static_cast<uint32_t>(key));
                return layOut(makeQuotient(all), layout_);
              },
              {}});
  }

  void considerHash(size_t keys) {
    const HashShape shape = hashShape(keys, words(), wordBytes());
    auto slot_numbers = std::make_shared<std::vector<uint32_t>>();
    consider({LookupKind::hash, costOf(shape), shape.bytes(),
              [=, this]() -> Lookup {
                std::vector<uint64_t> all;
                std::vector<uint32_t> numbers;
                for (const Run& run : runs_)
                  for (ir::u128 key = run.low;; ++key) {
                    if (words() == 2)
                      all.push_back(static_cast<uint64_t>(key >> 64));
                    all.push_back(static_cast<uint64_t>(key));
                    numbers.push_back(run.number);
                    if (key == run.high)
                      break;
                  }
                const HashData data = makeHash(all, words(), wordBytes());
                slot_numbers->resize(size_t{2} * data.shape.buckets * data.shape.slots);
                for (size_t i = 0; i < numbers.size(); ++i)
                  (*slot_numbers)[data.slot_of[i]] = numbers[i];
                return layOut(data, layout_);
              },
              [=, this] { return valuesOf(*slot_numbers); }});
  }

  void considerBitmapTrie() {
    auto data = std::make_shared<BitmapTrieData>(makeBitmapTrie(runs_));
    consider({LookupKind::bitmap_trie, costOf(*data), data->bytes(), [=, this] { return layOut(*data, layout_); }, {}});
  }

  // Its entries have small values themselves, or the numbers of values, each value once.
  void considerTrie() {
    Runs runs = runs_;
    const bool plain = values_ && values_->largest() + 1 < Trie::kMostNumbers;
    for (Run& run : runs)
      run.number = plain ? values_->number(run.number) + 1 : values_ ? values_->distinct(run.number) : 1;
    auto data = std::make_shared<TrieData>(makeTrie(runs, key_.domain));
    consider({LookupKind::trie, costOf(*data), data->bytes(), [=, this] { return layOut(*data, layout_); },
              [this] { return values_->distinctValues(); }, plain});
  }

  const Runs& runs_;
  const KeyShape key_;
  const MapValues* const values_;
  const std::optional<LookupKind> wanted_;
  TableLayout& layout_;
  std::optional<Candidate> best_;
};

} // namespace

std::optional<Table> chooseLookup(const Runs& runs, KeyShape key, const MapValues* values,
                                  std::optional<LookupKind> wanted, TableLayout& layout) {
  return Choice(runs, key, values, wanted, layout).run();
}

Table layOutTuples(const TupleRows& rows, const MapValues* values, TableLayout& layout) {
  const auto words = static_cast<uint32_t>(rows.words.size() / rows.count);
  std::vector<uint64_t> keys;
  std::vector<uint32_t> numbers;
  std::set<std::vector<uint64_t>> known; // a set may have doubles
  for (uint32_t row = 0; row < rows.count; ++row) {
    const auto* first = &rows.words[size_t{row} * words];
    if (!known.emplace(first, first + words).second)
      continue;
    keys.insert(keys.end(), first, first + words);
    numbers.push_back(row + 1);
  }
  const HashData data = makeHash(keys, words, 8);
  Table table{.lookup = layOut(data, layout), .count = static_cast<uint32_t>(numbers.size()), .values = {}};
  table.bytes = data.shape.bytes();
  table.ns = costOf(data.shape);
  if (!values)
    return table;
  table.value_bytes = values->bytes();
  Bytes slots(size_t{2} * data.shape.buckets * data.shape.slots * table.value_bytes);
  for (size_t i = 0; i < numbers.size(); ++i)
    std::ranges::copy(values->of(numbers[i]), slots.begin() + std::ptrdiff_t{data.slot_of[i]} * table.value_bytes);
  table.values = layout.placeRounded(std::move(slots), table.value_bytes);
  table.bytes += table.values.bytes();
  return table;
}

} // namespace xdpc::plan
