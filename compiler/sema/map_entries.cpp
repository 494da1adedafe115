// Checks and sorts the entries of maps. Tested by tests/unit/sema/map_test.cpp.
#include "compiler/sema/map_entries.h"
#include "compiler/ir/intervals.h"
#include "compiler/sema/key.h"

#include <algorithm>
#include <fmt/format.h>
#include <tuple>

namespace xdpc::sema {

namespace {

using ir::u128;

// A key that is one interval, before prefixes are cut out of those that cover them.
struct Piece {
  ir::Interval key;
  const RawPart* value = nullptr;
  Span span;
};

// A key of several parts.
struct Tuple {
  Tuple(std::vector<ir::Interval> parts, const RawPair& written) : key(std::move(parts)), pair(&written) {
    for (const ir::Interval& part : key) {
      sizes.push_back(part.high - part.low);
      lows.emplace_back(part.domain, part.low);
    }
  }

  std::vector<ir::Interval> key;
  const RawPair* pair;
  std::vector<u128> sizes;
  std::vector<std::pair<ir::Domain, u128>> lows;
};

bool sameValue(const RawPart& a, const RawPart& b) {
  return a.interval.domain == b.interval.domain && a.interval.low == b.interval.low;
}

void addressTo(const RawPart& part, abi::Address& address) {
  address.family = part.interval.domain == ir::Domain::v4 ? abi::Family::v4 : abi::Family::v6;
  const unsigned bytes = part.interval.domain == ir::Domain::v4 ? 4 : 16;
  for (unsigned i = 0; i < bytes; ++i)
    address.bytes[i] = static_cast<uint8_t>(part.interval.low >> (8 * (bytes - 1 - i)));
}

ir::MapEntry entryOf(std::vector<ir::Interval> key, const RawPart& value) {
  ir::MapEntry entry{.key = std::move(key)};
  if (value.category == Category::address)
    addressTo(value, entry.address);
  else
    entry.number = static_cast<uint64_t>(value.interval.low);
  return entry;
}

class Filling {
public:
  Filling(Scope& scope, ir::Map& map) : scope_(scope), map_(map) {}

  void run(const std::vector<RawPair>& pairs) {
    const unsigned errors = scope_.emitter.errorCount();
    for (const RawPair& pair : pairs) {
      if (fitsValue(pair.value))
        add(pair);
      if (scope_.emitter.errorCount() - errors >= kMaxListErrors)
        return;
    }
    if (scope_.emitter.errorCount() > errors)
      return;
    if (map_.key.parts.size() == 1)
      flatten();
    else
      sortTuples();
  }

private:
  bool bad(Span span, std::string message) {
    scope_.emitter.report(diag::Id::bad_element, span, std::move(message));
    return false;
  }

  bool twice(Span second, Span first) {
    scope_.emitter.report(diag::Id::duplicate_key, second, fmt::format("{} has another value already", quoted(second)))
        .notes.push_back({first, "the first one is here"});
    return false;
  }

  abi::KeyKind valueKind() const {
    switch (map_.value.kind) {
    case ir::TypeKind::Ipv4:
      return abi::KeyKind::Ipv4;
    case ir::TypeKind::Ipv6:
      return abi::KeyKind::Ipv6;
    case ir::TypeKind::Mac:
      return abi::KeyKind::Mac;
    default:
      break;
    }
    if (map_.value.port)
      return abi::KeyKind::Port;
    switch (map_.value.bits) {
    case 8:
      return abi::KeyKind::U8;
    case 16:
      return abi::KeyKind::U16;
    default:
      return map_.value.bits == 32 ? abi::KeyKind::U32 : abi::KeyKind::U64;
    }
  }

  bool fitsValue(const RawPart& part) {
    if (!fitsKind(scope_, part, valueKind()))
      return false;
    return part.interval.low == part.interval.high ||
           bad(part.span, fmt::format("{} is no single value", quoted(part.span)));
  }

  bool add(const RawPair& pair) {
    const Span span = join(pair.key.front().span, pair.key.back().span);
    if (pair.key.size() != map_.key.parts.size())
      return bad(span, fmt::format("{} has {} part{}, a key of `{}` is {}", quoted(span), pair.key.size(),
                                   pair.key.size() == 1 ? "" : "s", map_.name, abi::keyTypeName(map_.key)));
    for (size_t i = 0; i < pair.key.size(); ++i)
      if (!fitsKind(scope_, pair.key[i], map_.key.parts[i]) || !fitsExact(pair.key[i], map_.key.parts[i]))
        return false;
    if (pair.key.size() == 1)
      addSingle(pair);
    else
      tuples_.push_back(&pair);
    return true;
  }

  bool fitsExact(const RawPart& part, abi::KeyKind kind) {
    const bool single = part.interval.low == part.interval.high;
    if (!abi::isPrefix(kind) && part.prefix_length && !single)
      return bad(part.span, fmt::format("{} is a prefix, a key is an address", quoted(part.span)));
    return true;
  }

  void addSingle(const RawPair& pair) {
    const RawPart& key = pair.key[0];
    if (!abi::isPrefix(map_.key.parts[0])) {
      pieces_.push_back({key.interval, &pair.value, key.span});
      return;
    }
    for (const abi::Prefix& prefix : prefixesOf(key.interval))
      pieces_.push_back({ir::intervalOf(prefix), &pair.value, key.span});
  }

  void emit(ir::Domain domain, u128 low, u128 high, const Piece& piece) {
    map_.entries.push_back(entryOf({{domain, low, high}}, *piece.value));
  }

  // A prefix lies within another or apart from it: those that are open at a place are a stack.
  void flatten() {
    std::ranges::sort(pieces_, {}, [](const Piece& piece) {
      return std::tuple(piece.key.domain, piece.key.low, ~piece.key.high, piece.span.begin);
    });
    std::vector<const Piece*> open;
    u128 next = 0; // the first address that is not in an entry yet
    const auto close = [&](const Piece& piece) {
      if (next <= piece.key.high)
        emit(piece.key.domain, next, piece.key.high, piece);
      next = piece.key.high + 1;
      ended_ |= piece.key.high == ~u128{0};
    };
    const auto close_before = [&](const ir::Interval* key) {
      while (!open.empty() && (!key || open.back()->key.domain != key->domain || open.back()->key.high < key->low)) {
        if (!ended_)
          close(*open.back());
        open.pop_back();
      }
    };
    for (const Piece& piece : pieces_) {
      close_before(&piece.key);
      if (!open.empty() && !nests(*open.back(), piece))
        return;
      if (!open.empty() && next < piece.key.low)
        emit(piece.key.domain, next, piece.key.low - 1, *open.back());
      next = piece.key.low;
      open.push_back(&piece);
    }
    close_before(nullptr);
  }

  bool nests(const Piece& outer, const Piece& inner) {
    const bool same = outer.key.low == inner.key.low && outer.key.high == inner.key.high;
    if (same)
      return sameValue(*outer.value, *inner.value) || twice(inner.span, outer.span);
    return abi::isPrefix(map_.key.parts[0]) || twice(inner.span, outer.span);
  }

  // The narrowest first, part by part: the first one that holds a key is then the one that the key has. Of ranges of
  // one size the one that was written first.
  void sortTuples() {
    std::vector<Tuple> sorted;
    for (const RawPair* pair : tuples_)
      addTuples(*pair, {}, sorted);
    std::ranges::stable_sort(sorted, {}, [](const Tuple& one) { return std::tie(one.sizes, one.lows); });
    for (size_t i = 0; i < sorted.size(); ++i) {
      const RawPair &pair = *sorted[i].pair, *before = i > 0 ? sorted[i - 1].pair : nullptr;
      if (before && sorted[i].lows == sorted[i - 1].lows && sorted[i].sizes == sorted[i - 1].sizes) {
        if (!sameValue(pair.value, before->value))
          twice(join(pair.key.front().span, pair.key.back().span), before->key.front().span);
        continue;
      }
      map_.entries.push_back(entryOf(std::move(sorted[i].key), pair.value));
    }
  }

  // A range of prefixes is as many as it takes.
  void addTuples(const RawPair& pair, const std::vector<ir::Interval>& begun, std::vector<Tuple>& out) {
    const size_t part = begun.size();
    if (part == pair.key.size())
      return out.push_back(Tuple(begun, pair));
    const auto go_on = [&](const ir::Interval& interval) {
      std::vector<ir::Interval> longer = begun;
      longer.push_back(interval);
      addTuples(pair, longer, out);
    };
    const RawPart& next = pair.key[part];
    if (!abi::isPrefix(map_.key.parts[part]) || next.prefix_length)
      return go_on(next.interval);
    for (const abi::Prefix& prefix : prefixesOf(next.interval))
      go_on(ir::intervalOf(prefix));
  }

  Scope& scope_;
  ir::Map& map_;
  std::vector<Piece> pieces_;
  std::vector<const RawPair*> tuples_;
  bool ended_ = false; // the last IPv6 address is in an entry
};

} // namespace

void fillMap(Scope& scope, const std::vector<RawPair>& pairs, ir::Map& map) {
  Filling(scope, map).run(pairs);
}

} // namespace xdpc::sema
