// Combinations of lengths as masks over the words of a key.
#include "runtime/abi/length_list.h"

#include <algorithm>

namespace xdpc::abi {
namespace {

uint64_t highBits(unsigned count) {
  return count == 0 ? 0 : ~uint64_t{0} << (64 - std::min(count, 64u));
}

// The words of a key in the order of packKey.
class EntryMaker {
public:
  explicit EntryMaker(const KeyType& type) : layout_(tableLayout(type, 1)) {}

  void whole(KeyKind kind) {
    if (hasForm(kind) && !layout_.form)
      narrow_.push_back({UINT32_MAX, 0});
    for (unsigned word = 0; word < wideWords(kind); ++word)
      wide_.push_back({~uint64_t{0}, 0});
    if (wideWords(kind) == 0)
      narrow_.push_back({UINT32_MAX, 0});
  }

  void prefix(KeyKind kind, const PrefixLength& length) {
    const uint8_t form = keyForm(length.family, length.length);
    if (layout_.form)
      made_.form = form;
    else
      narrow_.push_back({0, form});
    const bool v4 = length.family == Family::v4;
    const uint64_t address = highBits(length.length) >> 32;
    if (wideWords(kind) == 0)
      return narrow_.push_back({static_cast<uint32_t>(address), 0});
    wide_.push_back({v4 ? address : highBits(length.length), 0});
    wide_.push_back({v4 ? 0 : highBits(length.length - std::min<unsigned>(length.length, 64)), 0});
  }

  LengthEntry finish() {
    for (const auto& [mask, form] : wide_)
      put(mask, form);
    for (size_t i = 0; i < narrow_.size(); i += 2) {
      const Half low = narrow_[i], high = i + 1 < narrow_.size() ? narrow_[i + 1] : Half{0, 0};
      put(low.mask | uint64_t{high.mask} << 32, low.form | uint64_t{high.form} << 32);
    }
    return std::move(made_);
  }

private:
  struct Half {
    uint32_t mask, form;
  };
  void put(uint64_t mask, uint64_t form) {
    made_.masks.push_back(mask);
    made_.forms.push_back(form);
  }

  TableLayout layout_;
  LengthEntry made_;
  std::vector<std::pair<uint64_t, uint64_t>> wide_;
  std::vector<Half> narrow_;
};

unsigned rankShift(unsigned part) {
  return 56 - 8 * part;
}

} // namespace

LengthLayout lengthLayout(const KeyType& type) {
  return {tableLayout(type, 1).key_words};
}

unsigned prefixParts(const KeyType& type) {
  return static_cast<unsigned>(std::ranges::count_if(type.parts, isPrefix));
}

std::vector<PrefixLength> lengthsOf(const KeyType& type, const KeyValue& value) {
  std::vector<PrefixLength> lengths;
  for (size_t i = 0; i < type.parts.size(); ++i)
    if (isPrefix(type.parts[i])) {
      const auto& prefix = std::get<Prefix>(value[i]);
      lengths.push_back({prefix.address.family, prefix.length});
    }
  return lengths;
}

LengthEntry lengthEntry(const KeyType& type, const std::vector<PrefixLength>& lengths) {
  EntryMaker maker(type);
  unsigned part = 0;
  uint64_t families = 0, rank = 1;
  for (KeyKind kind : type.parts) {
    if (!isPrefix(kind)) {
      maker.whole(kind);
      continue;
    }
    const PrefixLength& length = lengths[part];
    maker.prefix(kind, length);
    families |= uint64_t{length.family == Family::v6} << part;
    rank |= uint64_t{keyForm(length.family, length.length)} << rankShift(part);
    ++part;
  }
  LengthEntry entry = maker.finish();
  entry.families = families;
  entry.rank = rank;
  return entry;
}

std::vector<PrefixLength> lengthsOf(const KeyType& type, uint64_t rank) {
  std::vector<PrefixLength> lengths;
  for (unsigned part = 0; part < prefixParts(type); ++part) {
    const uint8_t form = rank >> rankShift(part) & 0xff;
    lengths.push_back(form < 64 ? PrefixLength{Family::v4, form}
                                : PrefixLength{Family::v6, static_cast<uint8_t>(form - 64)});
  }
  return lengths;
}

std::optional<KeyValue> cutTo(const KeyType& type, const KeyValue& key, const std::vector<PrefixLength>& lengths) {
  KeyValue cut = key;
  unsigned part = 0;
  for (size_t i = 0; i < type.parts.size(); ++i) {
    if (!isPrefix(type.parts[i]))
      continue;
    const PrefixLength& length = lengths[part++];
    auto& prefix = std::get<Prefix>(cut[i]);
    if (prefix.address.family != length.family || prefix.length < length.length)
      return std::nullopt;
    prefix = {maskAddress(prefix.address, length.length), length.length};
  }
  return cut;
}

} // namespace xdpc::abi
