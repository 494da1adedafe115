// Which headers have a checksum, and over what. Private to sema/.
#pragma once

#include "compiler/ir/ir.h"

namespace xdpc::sema {

// Fills Header::checksum and Header::pseudo of the headers that the table knows by name.
void setChecksumRules(ir::Policy& policy);

} // namespace xdpc::sema
