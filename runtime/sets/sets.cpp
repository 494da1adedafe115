// The operations on sets, over their two parts. Tested by tests/unit/state/sets_test.cpp.
#include "runtime/sets/sets.h"

#include "runtime/sets/error.h"
#include "runtime/sets/exact.h"
#include "runtime/sets/lengths.h"
#include "runtime/sets/part.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace xdpc::sets {
namespace {

uint64_t expiryOf(const Lifetime& lifetime) {
  uint64_t end = abi::kNever;
  if (!lifetime.ttl_ns || __builtin_add_overflow(lifetime.now_ns, *lifetime.ttl_ns, &end))
    return abi::kNever;
  return end;
}

// Both parts of one set, opened for changes.
class Writer {
public:
  static Result<Writer, SetError> open(engine::Maps& maps, const abi::Manifest& manifest, const abi::Set& set) {
    Writer writer(maps, manifest, set);
    if (set.exact_map) {
      auto exact = ExactPart::open(maps, manifest, set);
      if (!exact)
        return exact.error();
      writer.exact_.emplace(std::move(*exact));
    }
    if (set.lengths_map) {
      auto lengths = LengthList::open(maps, set);
      if (!lengths)
        return lengths.error();
      writer.lengths_.emplace(std::move(*lengths));
    }
    if (!set.trie_map)
      return writer;
    auto trie = openPrefixes(maps, manifest, set);
    if (!trie)
      return trie.error();
    writer.trie_ = std::move(*trie);
    return writer;
  }

  Result<Done, SetError> add(Element element, uint64_t now_ns, bool replace) {
    const auto before = expiry(element.key);
    if (!before)
      return before.error();
    if (!*before)
      if (auto room = makeRoom(now_ns); !room)
        return room;
    if (*before && !replace)
      element.expires_ns = std::max(**before, element.expires_ns);
    if (*before && **before == element.expires_ns && element.hits.packets == 0 && element.hits.bytes == 0)
      return Done{};
    // A program may have prolonged it since.
    const auto done = write(element, replace ? tables::Merge::replace : tables::Merge::later, now_ns);
    if (done && !*before && count_)
      ++*count_;
    return done;
  }

  // False if no live element was there.
  Result<bool, SetError> erase(const abi::KeyValue& key, uint64_t now_ns) {
    const auto before = expiry(key);
    if (!before)
      return before.error();
    const auto erased = eraseFromPart(key);
    if (!erased)
      return erased.error();
    return *erased && *before && **before > now_ns;
  }

  uint64_t evicted() const { return evicted_; }

private:
  Writer(const engine::Maps& maps, const abi::Manifest& manifest, const abi::Set& set)
      : maps_(maps), manifest_(manifest), set_(set) {}

  // False if it was not there.
  Result<bool, SetError> eraseFromPart(const abi::KeyValue& key) {
    return ExactPart::takes(set_, key) ? Result<bool, SetError>(exact_->erase(key)) : trie_->erase(key);
  }

  Result<std::optional<uint64_t>, SetError> expiry(const abi::KeyValue& key) const {
    if (ExactPart::takes(set_, key))
      return exact_->expiry(key);
    return trie_->ownExpiry(key);
  }

  Result<Done, SetError> write(const Element& element, tables::Merge how, uint64_t now_ns) {
    if (!ExactPart::takes(set_, element.key))
      return trie_->put(element.key, element.expires_ns);
    if (lengths_)
      if (auto admitted = lengths_->admit(element.key, *exact_); !admitted)
        return admitted;
    while (!exact_->put(element, how, now_ns)) {
      if (set_.when_full != abi::WhenFull::evict || !exact_->evictFor(element.key, now_ns))
        return full();
      ++evicted_;
      count_.reset();
    }
    return Done{};
  }

  // Room for one more element within the capacity. Dead elements go first, then, where the set says so, the live one
  // that ends first.
  Result<Done, SetError> makeRoom(uint64_t now_ns) {
    if (!count_)
      recount();
    if (*count_ < set_.capacity)
      return Done{};
    if (auto erased = eraseDead(now_ns); !erased)
      return erased.error();
    recount();
    if (*count_ < set_.capacity)
      return Done{};
    return set_.when_full == abi::WhenFull::evict ? evict() : full();
  }

  // Those without an end somebody meant to stay: they are not given up for another one.
  Result<Done, SetError> evict() {
    if (ending_.empty())
      if (auto listed = listEnding(); !listed)
        return listed;
    while (!ending_.empty()) {
      const Element element = std::move(ending_.back());
      ending_.pop_back();
      const auto now = expiry(element.key);
      if (!now)
        return now.error();
      if (*now != std::optional(element.expires_ns)) // it is gone, or was prolonged
        continue;
      const auto erased = eraseFromPart(element.key);
      if (!erased)
        return erased.error();
      --*count_;
      ++evicted_;
      return Done{};
    }
    return full();
  }

  Result<Done, SetError> listEnding() {
    if (trie_) {
      auto prefixes = prefixElements(maps_, manifest_, set_);
      if (!prefixes)
        return prefixes.error();
      ending_ = std::move(*prefixes);
    }
    if (exact_)
      std::ranges::move(exact_->elements(), std::back_inserter(ending_));
    std::erase_if(ending_, [](const Element& element) { return element.expires_ns == abi::kNever; });
    std::ranges::sort(ending_, std::greater(), &Element::expires_ns);
    return Done{};
  }

  Result<size_t, SetError> eraseDead(uint64_t now_ns) {
    size_t erased = 0;
    if (exact_)
      erased += exact_->eraseDead(now_ns);
    if (trie_) {
      const auto part = trie_->eraseDead(now_ns);
      if (!part)
        return part.error();
      erased += *part;
    }
    return erased;
  }

  void recount() { count_ = (trie_ ? trie_->count() : 0) + (exact_ ? exact_->count() : 0); }

  SetError full() const {
    return {SetError::Kind::full,
            fmt::format("the set `{}` is full: it has {} live element{}, its capacity", set_.name, set_.capacity,
                        set_.capacity == 1 ? "" : "s"),
            {},
            0};
  }

  const engine::Maps& maps_;
  const abi::Manifest& manifest_;
  const abi::Set& set_;
  std::optional<ExactPart> exact_;
  std::optional<LengthList> lengths_;
  std::unique_ptr<PrefixPart> trie_;
  std::optional<size_t> count_; // of elements, dead ones too; programs change it meanwhile
  std::vector<Element> ending_; // that have an end, the first one last
  uint64_t evicted_ = 0;
};

template <class Live>
Result<bool, SetError> hasOfAnyLength(const engine::Maps& maps, const abi::Set& set, const abi::KeyValue& key,
                                      const Live& live) {
  const auto lengths = LengthList::open(maps, set);
  if (!lengths)
    return lengths.error();
  return std::ranges::any_of(lengths->all(), [&](const std::vector<abi::PrefixLength>& one) {
    const auto probe = abi::cutTo(set.key, key, one);
    return probe && live(*probe);
  });
}

} // namespace

const abi::Set* findSet(const abi::Manifest& manifest, std::string_view name) {
  const auto& all = manifest.sets;
  const auto found = std::find_if(all.begin(), all.end(), [&](const abi::Set& set) { return set.name == name; });
  return found == all.end() ? nullptr : &*found;
}

Result<std::vector<abi::KeyValue>, SetError> parseElements(const abi::Set& set, std::span<const std::string> texts) {
  std::vector<abi::KeyValue> elements;
  for (const std::string& text : texts) {
    auto element = abi::parseKey(set.key, text);
    if (!element)
      return SetError{SetError::Kind::bad_element, element.error().message, element.error().fixit, 0};
    elements.push_back(std::move(*element));
  }
  return elements;
}

Result<Done, SetError> add(engine::Maps& maps, const abi::Manifest& manifest, const abi::Set& set,
                           std::span<const abi::KeyValue> elements, const Lifetime& lifetime) {
  auto writer = Writer::open(maps, manifest, set);
  if (!writer)
    return writer.error();
  for (const abi::KeyValue& key : elements)
    if (auto done = writer->add({key, expiryOf(lifetime)}, lifetime.now_ns, lifetime.replace); !done)
      return done;
  return Done{};
}

Addition addAll(engine::Maps& maps, const abi::Manifest& manifest, const abi::Set& set,
                std::span<const Element> elements, uint64_t now_ns) {
  auto writer = Writer::open(maps, manifest, set);
  if (!writer)
    return {writer.error()};
  for (const Element& element : elements)
    if (auto done = writer->add(element, now_ns, false); !done)
      return {done.error(), writer->evicted()};
  return {Done{}, writer->evicted()};
}

Result<Done, SetError> remove(engine::Maps& maps, const abi::Manifest& manifest, const abi::Set& set,
                              std::span<const abi::KeyValue> elements, uint64_t now_ns) {
  auto writer = Writer::open(maps, manifest, set);
  if (!writer)
    return writer.error();
  std::vector<const abi::KeyValue*> missing;
  for (const abi::KeyValue& key : elements) {
    const auto erased = writer->erase(key, now_ns);
    if (!erased)
      return erased.error();
    if (!*erased)
      missing.push_back(&key);
  }
  if (missing.empty())
    return Done{};
  std::string message = fmt::format("`{}` is not in the set `{}`", abi::formatKey(set.key, *missing[0]), set.name);
  if (missing.size() > 1)
    message += missing.size() == 2 ? ", nor is another one" : fmt::format(", nor are {} others", missing.size() - 1);
  return SetError{SetError::Kind::not_found, std::move(message), {}, 0};
}

Result<Done, SetError> clear(engine::Maps& maps, const abi::Manifest& manifest, const abi::Set& set) {
  if (set.exact_map) {
    auto exact = ExactPart::open(maps, manifest, set);
    if (!exact)
      return exact.error();
    exact->clear();
  }
  if (!set.trie_map)
    return Done{};
  auto trie = openPrefixes(maps, manifest, set);
  return trie ? (*trie)->clear() : trie.error();
}

Result<std::vector<Element>, SetError> list(const engine::Maps& maps, const abi::Manifest& manifest,
                                            const abi::Set& set, uint64_t now_ns) {
  std::vector<Element> elements;
  if (set.exact_map) {
    const auto exact = ExactPart::open(maps, manifest, set);
    if (!exact)
      return exact.error();
    elements = exact->elements();
  }
  if (set.trie_map) {
    const auto in_trie = prefixElements(maps, manifest, set);
    if (!in_trie)
      return in_trie.error();
    elements.insert(elements.end(), in_trie->begin(), in_trie->end());
  }
  std::erase_if(elements, [&](const Element& element) { return element.expires_ns <= now_ns; });
  std::sort(elements.begin(), elements.end(), [](const Element& a, const Element& b) { return a.key < b.key; });
  return elements;
}

Result<size_t, SetError> count(const engine::Maps& maps, const abi::Manifest& manifest, const abi::Set& set,
                               uint64_t now_ns) {
  size_t live = 0;
  if (set.exact_map) {
    const auto exact = ExactPart::open(maps, manifest, set);
    if (!exact)
      return exact.error();
    live = exact->countLive(now_ns);
  }
  if (!set.trie_map)
    return live;
  const auto prefixes = countLivePrefixes(maps, manifest, set, now_ns);
  return prefixes ? Result<size_t, SetError>(live + *prefixes) : prefixes;
}

Result<bool, SetError> has(const engine::Maps& maps, const abi::Manifest& manifest, const abi::Set& set,
                           const abi::KeyValue& key, uint64_t now_ns) {
  if (set.exact_map) {
    const auto exact = ExactPart::open(maps, manifest, set);
    if (!exact)
      return exact.error();
    const auto live = [&](const abi::KeyValue& probe) { return exact->expiry(probe).value_or(0) > now_ns; };
    if (set.lengths_map)
      return hasOfAnyLength(maps, set, key, live);
    if (!set.trie_map)
      return live(key);
    for (const abi::PrefixLength& length : set.exact_lengths)
      if (const auto probe = abi::cutTo(set.key, key, {length}); probe && live(*probe))
        return true;
  }
  return hasPrefix(maps, manifest, set, key, now_ns);
}

Result<Done, SetError> addInitial(engine::Maps& maps, const abi::Manifest& manifest, const abi::Set& set) {
  if (set.initial.empty())
    return Done{};
  const auto elements = parseElements(set, set.initial);
  if (!elements)
    return elements.error();
  return add(maps, manifest, set, *elements, {});
}

Result<Done, SetError> addInitial(engine::Maps& maps, const abi::Manifest& manifest) {
  for (const abi::Set& set : manifest.sets)
    if (auto done = addInitial(maps, manifest, set); !done)
      return done;
  return Done{};
}

} // namespace xdpc::sets
