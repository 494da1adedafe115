// Columns of user text. Every character is taken as one column wide; a tab takes four.
#include "compiler/diag/display.h"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace xdpc::diag {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd"; // U+FFFD
constexpr std::string_view kEllipsis = "\xe2\x80\xa6";
constexpr unsigned kTab = 4;

// Length of the well-formed UTF-8 sequence (RFC 3629, section 4) at the start of `text`, 0 if there is none.
size_t sequenceLength(std::string_view text) {
  const auto byte = [&](size_t i) { return i < text.size() ? static_cast<uint8_t>(text[i]) : 0; };
  const unsigned lead = byte(0);
  const size_t length = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
  for (size_t i = 1; i < length; ++i)
    if ((byte(i) & 0xc0) != 0x80)
      return 0;
  const bool overlong = (lead == 0xe0 && byte(1) < 0xa0) || (lead == 0xf0 && byte(1) < 0x90);
  const bool out_of_range = (lead == 0xed && byte(1) >= 0xa0) || (lead == 0xf4 && byte(1) >= 0x90);
  return overlong || out_of_range ? 0 : length;
}

bool isControl(std::string_view sequence) {
  const auto first = static_cast<uint8_t>(sequence[0]);
  return first < 0x20 || first == 0x7f || (first == 0xc2 && static_cast<uint8_t>(sequence[1]) < 0xa0);
}

struct Glyph {
  size_t offset; // of its bytes in the line
  std::string_view text;
};

// One glyph a column: a tab gives four.
std::vector<Glyph> glyphs(std::string_view line) {
  std::vector<Glyph> result;
  for (size_t i = 0; i < line.size();) {
    const size_t length = sequenceLength(line.substr(i));
    const std::string_view sequence = line.substr(i, std::max<size_t>(1, length));
    if (sequence == "\t")
      result.insert(result.end(), kTab, {i, " "});
    else
      result.push_back({i, length == 0 || isControl(sequence) ? kReplacement : sequence});
    i += sequence.size();
  }
  return result;
}

size_t columnOf(const std::vector<Glyph>& glyphs, size_t offset) {
  const auto at = std::lower_bound(glyphs.begin(), glyphs.end(), offset,
                                   [](const Glyph& glyph, size_t wanted) { return glyph.offset < wanted; });
  return static_cast<size_t>(at - glyphs.begin());
}

} // namespace

std::string printable(std::string_view text) {
  std::string result;
  for (const Glyph& glyph : glyphs(text))
    result += glyph.text;
  return result;
}

Excerpt cut(std::string_view line, size_t begin, size_t length, unsigned window) {
  // A line of 100 MB need not be decoded as a whole: four bytes a column are enough on both sides, and a column may be
  // one byte.
  const size_t margin = 4 * size_t{window};
  const size_t skipped = begin > margin ? begin - margin : 0;
  const bool more_behind = line.size() > begin + 2 * margin;
  const auto all = glyphs(line.substr(std::min(skipped, line.size()), begin - skipped + 2 * margin));
  const size_t first = columnOf(all, begin - skipped);
  const size_t last = std::max(first + 1, columnOf(all, begin - skipped + length));
  size_t from = 0, to = all.size();
  if (to > window || skipped) {
    const size_t lead = std::min<size_t>(last - first, window / 2) < window / 4 ? window / 2 : window / 4;
    from = first > lead ? first - lead : 0;
    to = std::min(all.size(), from + window);
    if (to - from < window && to == all.size() && !more_behind)
      from = to > window ? to - window : 0;
  }
  Excerpt excerpt;
  const bool cut_front = from > 0 || skipped > 0, cut_back = to < all.size() || more_behind;
  if (cut_front)
    excerpt.text += kEllipsis;
  for (size_t i = from; i < to; ++i)
    excerpt.text += all[i].text;
  if (cut_back)
    excerpt.text += kEllipsis;
  excerpt.caret = static_cast<unsigned>(first - from + cut_front);
  excerpt.width = static_cast<unsigned>(std::max<size_t>(1, std::min(last, std::max(to, first + 1)) - first));
  return excerpt;
}

} // namespace xdpc::diag
