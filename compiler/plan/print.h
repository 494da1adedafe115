// The plan in words, for --emit=plan.
#pragma once

#include "compiler/plan/program.h"

#include <string>

namespace xdpc::plan {
std::string toText(const Program& program);
}
