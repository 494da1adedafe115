// The lines of a formatted file before and after alignment. Private to format/.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace xdpc::format {

// What a line has in common with its neighbours, and is put into one column.
enum class Align : uint8_t { none, rule_name, expectation, constant, set };

struct Line {
  unsigned indent = 0;
  std::string text;
  std::string comment; // behind the text, or alone
  bool blank_before = false;
  bool continued = false; // its statement goes on below
  Align align = Align::none;
  size_t column = 0;  // where in `text` blanks are inserted
  unsigned block = 0; // number of the block that it stands in
};

// Rules' names and expectations over their whole block; constants and sets from line to line; comments behind the text
// of adjacent lines.
void alignLines(std::vector<Line>& lines);

} // namespace xdpc::format
