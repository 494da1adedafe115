// One layout for all policies: `xdpc fmt`. Only blanks, line ends and `;` change: a statement stands on a line of its
// own but in a block that is written on one line; inside of a statement the lines stay as they are broken. Four blanks
// a level; the names of rules, the packets of expectations, constants, sets and comments behind lines stand in columns.
// Entry point: format. Tested by tests/unit/format and tests/check/format.py.
#pragma once

#include "compiler/basic/source.h"
#include "compiler/diag/diag.h"
#include "compiler/parse/parse.h"

#include <optional>
#include <string>

namespace xdpc::format {

// Nothing if the text has errors of syntax: they are in the emitter.
std::optional<std::string> format(const SourceFile& source, diag::Emitter& emitter, const parse::Limits& limits = {});

} // namespace xdpc::format
