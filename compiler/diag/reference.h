// The reference of all diagnostics, docs/diagnostics.md, from the one table.
#pragma once

#include <string>

namespace xdpc::diag {

// Markdown, the diagnostics sorted by name.
std::string reference();

} // namespace xdpc::diag
