// The entries of a map, put into canonical form. Private to sema/map.cpp.
#pragma once

#include "compiler/sema/list_file.h"

namespace xdpc::sema {

// Checks the pairs against the map's types and fills its entries. Of keys of one part: sorted, disjoint, every address
// with the value of the longest prefix that covers it. Of several parts the narrowest first.
void fillMap(Scope& scope, const std::vector<RawPair>& pairs, ir::Map& map);

} // namespace xdpc::sema
