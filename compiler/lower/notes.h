// Headers that the code does not tell apart: where they lie stands in notes on the stack, two bytes each, and rules ask
// there. For policies that ask for so many headers that a leaf for each set of them outgrows BPF's jumps
// (docs/decisions/0180-headers-in-notes.md). The functions here take headers with and without a note. Tested by
// tests/packet/headers/every*.xf and tests/differential.
#pragma once

#include "compiler/lower/packet.h"

namespace xdpc::lower {

// Headers that need no leaf of their own, with their numbers.
std::map<ir::HeaderId, unsigned> notableHeaders(const plan::Program& program);

// Where the walk starts: all of builder.noted are absent, and the packet knows them by their notes.
void startNotes(Builder& builder, Packet& packet);

// i64, 1 where the note is still empty, else 0.
llvm::Value* isEmptyNote(Builder& builder, unsigned note);

// The header lies at value.offset where value.present, if set, and `unless_known` (i64, 0 or 1) say so.
void takeNote(Builder& builder, unsigned note, const HeaderValue& value, llvm::Value* unless_known);

llvm::Value* presentOf(Builder& builder, const HeaderValue& value); // null where it is certain
llvm::Value* offsetOf(Builder& builder, const HeaderValue& value);
// Of headers that are there; the first two may go on in a new block.
llvm::Value* baseOf(Builder& builder, const Packet::Found& found);
llvm::Value* endOf(Builder& builder, const Packet& packet, const Packet::Found& found); // where its payload starts

} // namespace xdpc::lower
