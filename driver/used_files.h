// The files that a policy names: those that it uses, and the lists that it loads. Paths are relative to the file that
// names them. Private to driver/compile.cpp. Tested by tests/lit/diag/use.test and load.test.
#pragma once

#include "driver/compile.h"

namespace xdpc::driver {

// Reads and parses what the file uses, and what that uses, each file once. What cannot be read is an error at its
// `use`.
void readUsedFiles(Compilation& compilation);

// The text of a list, read once; nothing if it cannot be read, which is then an error at `place`.
const SourceFile* readList(Compilation& compilation, std::string_view path, Span place, diag::Emitter& emitter);

} // namespace xdpc::driver
