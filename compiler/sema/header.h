// Builds the headers of the policy from their declarations in the standard library and in the file. Entry point:
// buildHeaders. Private to sema/.
#pragma once

#include "compiler/sema/scope.h"

namespace xdpc::sema {

// Declares the headers of all files and fills Policy::headers; `eth` is the first.
void buildHeaders(Scope& scope, const std::vector<const ast::File*>& files);

// The field with the name, or nothing.
std::optional<ir::FieldId> findField(const ir::Header& header, std::string_view name);
// Makes sure that the field's type is known; false if it is defined by itself (an error was reported).
bool prepareField(Scope& scope, ir::HeaderId header, ir::FieldId field);
// `port`, `u13`, `ipv4` …; nothing if the name is no type.
std::optional<ir::Type> typeByName(std::string_view name);
uint32_t typeBits(const ir::Type& type); // on the wire

} // namespace xdpc::sema
