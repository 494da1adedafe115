// The functions that were compiled when xdpc was built, from the policies of this folder: shapes of sets, meters,
// counters and maps that many policies have. What is not among them is compiled as ever.
#pragma once

#include "compiler/lower/prepared.h"

namespace xdpc {

lower::PreparedFunctions preparedFunctions();

} // namespace xdpc
