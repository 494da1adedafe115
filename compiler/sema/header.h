// Builds the headers of the policy from their declarations in the standard library and in the file. Entry point:
// buildHeaders. Private to sema/.
#pragma once

#include "compiler/sema/scope.h"

namespace xdpc::sema {

// Declares the headers of all files and fills Policy::headers; `eth` is the first.
void buildHeaders(Scope& scope, const std::vector<const ast::File*>& files);

// The fields that all alternatives of a union have, as fields of the union.
void mergeFields(Scope& scope, ir::HeaderId id);

// Pieces that header_part.cpp shares: whether the header has no field of the name yet (else an error); a field with
// what is known of its values; a field with its parts at `offset`, which gives the bits that it takes.
bool newName(Scope& scope, const ir::Header& header, const ast::Name& name);
void addField(Scope& scope, ir::HeaderId id, ir::Field field, const ast::HeaderField& source);
uint32_t addWireField(Scope& scope, ir::HeaderId id, const ast::HeaderField& source, uint32_t offset,
                      std::optional<ir::FieldId> whole);

// The field with the name, or nothing.
std::optional<ir::FieldId> findField(const ir::Header& header, std::string_view name);
// Makes sure that the field's type is known; false if it is defined by itself (an error was reported).
bool prepareField(Scope& scope, ir::HeaderId header, ir::FieldId field);
// `port`, `u13`, `ipv4` …; nothing if the name is no type.
std::optional<ir::Type> typeByName(std::string_view name);
uint32_t typeBits(const ir::Type& type); // on the wire

} // namespace xdpc::sema
