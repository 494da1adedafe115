// The files that a policy names: those that it uses, the lists that it loads, its C. Paths are relative to the file
// that names them. Private to driver/compile.cpp. Tested by tests/lit/diag/use.test and load.test.
#pragma once

#include "driver/compile.h"

namespace xdpc::driver {

// Reads and parses what the file uses, and what that uses, each file once. What cannot be read is an error at its
// `use`.
void readUsedFiles(Compilation& compilation);

// Compiles the C files of the policy's functions, each once. What cannot be read is an error at its `extern`.
void compileC(Compilation& compilation, diag::Emitter& emitter);

// The text of a list, read once; nothing if it cannot be read, which is then an error at `place`.
const SourceFile* readList(Compilation& compilation, std::string_view path, Span place, diag::Emitter& emitter);

} // namespace xdpc::driver
