// The code of an object as bytes, for a pinned map: what a later command needs to load it again over the maps that are
// there. The manifest and the tables' contents are pinned already, and left out. Entry points: packCode, unpackCode.
// Tested by tests/unit/object/pack_test.cpp.
#pragma once

#include "runtime/object/object.h"

namespace xdpc::object {

std::vector<uint8_t> packCode(const Object& object);

// An object without manifest, lines and tables. `maps`: how many maps its manifest has; whatever names another is an
// error, as is anything cut short.
Result<Object, ObjectError> unpackCode(std::span<const uint8_t> bytes, size_t maps);

} // namespace xdpc::object
