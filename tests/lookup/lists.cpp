// Random lists.
#include "tests/lookup/lists.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace xdpc::lookup {
namespace {

u128 maskOf(unsigned bits) {
  return bits >= 128 ? ~u128{0} : (u128{1} << bits) - 1;
}

u128 anywhere(KeyKind kind, Random& random) {
  return (u128{random.bits()} << 64 | random.bits()) & maskOf(bitsOf(kind));
}

std::string textOf(KeyKind kind, u128 key) {
  const auto byte = [&](unsigned from) { return static_cast<unsigned>(key >> from & 0xff); };
  const auto number = [&] { return std::to_string(static_cast<uint64_t>(key)); };
  switch (kind) {
  case KeyKind::v4:
    return fmt::format("{}.{}.{}.{}", byte(24), byte(16), byte(8), byte(0));
  case KeyKind::mac:
    return fmt::format("{:02x}:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}", byte(40), byte(32), byte(24), byte(16), byte(8),
                       byte(0));
  case KeyKind::v6: {
    std::string text;
    for (unsigned from = 128; from; from -= 16)
      text += fmt::format("{:x}{}", static_cast<unsigned>(key >> (from - 16) & 0xffff), from > 16 ? ":" : "");
    return text;
  }
  default:
    return number();
  }
}

class Maker {
public:
  Maker(KeyKind kind, Content content, Random& random)
      : list_{kind, {}}, content_(content), random_(random), bits_(bitsOf(kind)) {}

  List make(size_t count) {
    if (content_ == Content::ends)
      addEnds();
    for (size_t tries = 0; list_.lines.size() < count && tries < count * 4; ++tries)
      addOne();
    return std::move(list_);
  }

private:
  void addEnds() {
    addPrefix(0, bits_);
    addPrefix(maskOf(bits_), bits_);
    addPrefix(0, bits_ / 2);
    addPrefix(maskOf(bits_), bits_ / 2 + 1);
  }

  void addOne() {
    switch (content_) {
    case Content::prefixes:
    case Content::ends:
      return addPrefix(anywhere(list_.kind, random_),
                       bits_ / 4 + static_cast<unsigned>(random_.below(bits_ * 3 / 4 + 1)));
    case Content::nested:
      return addNested();
    case Content::hosts:
      return addPrefix(anywhere(list_.kind, random_), bits_);
    case Content::neighbors:
      return addPrefix((anywhere(list_.kind, random_) & 0xfff) | u128{0x2a} << (bits_ - 8), bits_);
    case Content::ranges: {
      const u128 low = anywhere(list_.kind, random_);
      const u128 high = low + (random_.bits() >> (64 - std::min(bits_, 63u) + random_.below(std::min(bits_, 64u) / 2)));
      list_.lines.push_back({low, std::min(high, maskOf(bits_)), 0, 0});
      return;
    }
    }
  }

  // Within a line that is there, mostly.
  void addNested() {
    if (list_.lines.empty() || random_.percent(10))
      return addPrefix(anywhere(list_.kind, random_), static_cast<unsigned>(random_.below(bits_ / 2)));
    const Line& outer = random_.pick(list_.lines);
    const auto more = static_cast<unsigned>(random_.below(std::min(12u, bits_ - outer.length) + 1));
    addPrefix(outer.low | (anywhere(list_.kind, random_) & (outer.high - outer.low)), outer.length + more);
  }

  void addPrefix(u128 key, unsigned length) {
    const u128 hosts = maskOf(bits_ - length);
    const Line line{key & ~hosts, key | hosts, length,
                    static_cast<uint32_t>(random_.below(random_.percent(50) ? 5 : 70'000))};
    if (known_.emplace(line.low, length).second)
      list_.lines.push_back(line);
  }

  List list_;
  const Content content_;
  Random& random_;
  const unsigned bits_;
  std::set<std::pair<u128, unsigned>> known_;
};

} // namespace

unsigned bitsOf(KeyKind kind) {
  switch (kind) {
  case KeyKind::v6:
    return 128;
  case KeyKind::port:
    return 16;
  case KeyKind::mac:
    return 48;
  default:
    return 32;
  }
}

bool List::has(u128 key) const {
  return std::ranges::any_of(lines, [&](const Line& line) { return line.low <= key && key <= line.high; });
}

std::optional<uint32_t> List::valueOf(u128 key) const {
  const Line* best = nullptr;
  for (const Line& line : lines)
    if (line.low <= key && key <= line.high && (!best || line.length > best->length))
      best = &line;
  return best ? std::optional(best->value) : std::nullopt;
}

std::string List::text(bool values) const {
  std::string out;
  for (const Line& line : lines) {
    out += textOf(kind, line.low);
    const bool address = kind == KeyKind::v4 || kind == KeyKind::v6;
    if (line.low != line.high)
      out += line.length || (address && line.high - line.low == maskOf(bitsOf(kind))) ? fmt::format("/{}", line.length)
                                                                                      : "-" + textOf(kind, line.high);
    out += values ? fmt::format(",{}\n", line.value) : "\n";
  }
  return out;
}

std::vector<u128> List::keys(Random& random, size_t count) const {
  const u128 mask = maskOf(bitsOf(kind));
  std::vector<u128> out = {0, mask};
  while (out.size() < count) {
    const Line& line = random.pick(lines);
    out.insert(out.end(), {line.low, line.high, (line.low - 1) & mask, (line.high + 1) & mask,
                           line.low + random.bits() % (std::min<u128>(line.high - line.low, ~uint64_t{0} - 1) + 1),
                           anywhere(kind, random), line.low ^ (u128{1} << random.below(bitsOf(kind)))});
  }
  return out;
}

List makeList(KeyKind kind, Content content, size_t count, Random& random) {
  return Maker(kind, content, random).make(count);
}

} // namespace xdpc::lookup
