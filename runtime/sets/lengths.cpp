// Tested by tests/unit/state/lengths_test.cpp.
#include "runtime/sets/lengths.h"

#include "runtime/sets/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <set>

namespace xdpc::sets {
namespace {

std::atomic_ref<uint64_t> word(uint64_t* at) {
  return std::atomic_ref(*at);
}

} // namespace

Result<LengthList, SetError> LengthList::open(const engine::Maps& maps, const abi::Set& set) {
  LengthList list(maps, set);
  list.layout_ = abi::lengthLayout(set.key);
  list.memory_ = maps.memory(*set.lengths_map);
  if (list.memory_.size() < list.layout_.bytes())
    return machineError(engine::MapError{EINVAL, "cannot map the lengths of the set `" + set.name + "` into memory"});
  const unsigned parts = abi::prefixParts(set.key);
  for (size_t at = 0; at + parts <= set.exact_lengths.size(); at += parts)
    list.own_.emplace_back(set.exact_lengths.begin() + static_cast<ptrdiff_t>(at),
                           set.exact_lengths.begin() + static_cast<ptrdiff_t>(at + parts));
  return list;
}

uint64_t* LengthList::entry(uint32_t number) const {
  return reinterpret_cast<uint64_t*>(memory_.data() + layout_.entryOffset(number));
}

// The word in front: the count, whose upper half is 0.
uint32_t LengthList::count() const {
  const uint64_t count = word(reinterpret_cast<uint64_t*>(memory_.data())).load(std::memory_order_acquire);
  return static_cast<uint32_t>(std::min<uint64_t>(count, abi::kMaxLengths));
}

bool LengthList::knows(const abi::LengthEntry& wanted) const {
  for (uint32_t number = 0; number < count(); ++number)
    if (word(entry(number)).load() == wanted.families && entry(number)[abi::kRankOffset / 8] == wanted.rank)
      return true;
  return false;
}

std::vector<std::vector<abi::PrefixLength>> LengthList::all() const {
  auto lengths = own_;
  for (uint32_t number = 0; number < count(); ++number)
    if (word(entry(number)).load() != abi::kUnused)
      lengths.push_back(abi::lengthsOf(set_->key, entry(number)[abi::kRankOffset / 8]));
  return lengths;
}

// One behind the others; else one that no element needs any more, which programs no longer look at.
Result<std::optional<uint32_t>, SetError> LengthList::freeEntry(const ExactPart& part) {
  if (count() < abi::kMaxLengths)
    return std::optional(count());
  std::set<uint64_t> used;
  for (const Element& element : part.elements())
    used.insert(abi::lengthEntry(set_->key, abi::lengthsOf(set_->key, element.key)).rank);
  std::optional<uint32_t> unused;
  for (uint32_t number = 0; number < abi::kMaxLengths; ++number)
    if (!used.contains(entry(number)[abi::kRankOffset / 8])) {
      word(entry(number)).store(abi::kUnused);
      unused = number;
    }
  if (const auto awaited = maps_->awaitReaders(); !awaited)
    return machineError(awaited.error());
  return unused;
}

Result<Done, SetError> LengthList::admit(const abi::KeyValue& key, const ExactPart& part) {
  const auto lengths = abi::lengthsOf(set_->key, key);
  const abi::LengthEntry wanted = abi::lengthEntry(set_->key, lengths);
  if (std::ranges::count(own_, lengths) > 0 || knows(wanted))
    return Done{};
  const auto number = freeEntry(part);
  if (!number)
    return number.error();
  if (!*number)
    return SetError{SetError::Kind::full,
                    fmt::format("the elements of the set `{}` have {} combinations of prefix lengths, its bound",
                                set_->name, abi::kMaxLengths),
                    "masks of fewer different lengths need fewer lookups, too", 0};
  uint64_t* at = entry(**number);
  at[abi::kRankOffset / 8] = wanted.rank;
  at[abi::kFormOffset / 8] = wanted.form;
  std::ranges::copy(wanted.masks, at + abi::kMasksOffset / 8);
  std::ranges::copy(wanted.forms, at + abi::kMasksOffset / 8 + layout_.words);
  word(at).store(wanted.families, std::memory_order_release);
  if (**number == count())
    word(reinterpret_cast<uint64_t*>(memory_.data())).store(count() + 1, std::memory_order_release);
  return Done{};
}

} // namespace xdpc::sets
