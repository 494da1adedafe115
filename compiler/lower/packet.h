// What is known of the packet at a place in the program: which headers are there, and where.
#pragma once

#include "compiler/lower/builder.h"

#include <map>
#include <optional>

namespace xdpc::lower {

struct HeaderValue {
  llvm::Value* base = nullptr;    // pointer to its first byte, checked against data_end for `size` bytes
  llvm::Value* offset = nullptr;  // i64, from the frame's start
  llvm::Value* size = nullptr;    // i64, bytes
  llvm::Value* present = nullptr; // i1 where only the running program knows (extension headers); else it is there
  std::optional<unsigned> note{}; // nothing of the above: where it lies is in this note, see notes.h

  bool isCertain() const { return !present && !note; } // it is there
};

struct Packet {
  std::map<ir::HeaderId, HeaderValue> headers; // of those that the plan calls asked; a header not in it is absent
  llvm::Value* malformed = nullptr;            // i64, 0 or 1
  llvm::Value* unparsed = nullptr;             // i64, 0 or 1
  llvm::Value* ip_end = nullptr;               // i64: where the IP packet ends by its own length; 0 without
  llvm::Value* last_protocol = nullptr;        // i64: behind the extension headers
  // The same for packets in tunnels, by number, where the plan says that a rule asks for it.
  std::map<uint32_t, llvm::Value*> inner_ip_ends, inner_last_protocols;

  // The header itself, or the one of a union's alternatives that is there. `field` is translated along.
  struct Found {
    ir::HeaderId id;
    const HeaderValue* value;
    ir::FieldId field;
  };
  std::optional<Found> find(const ir::Policy& policy, ir::HeaderId id, ir::FieldId field = 0) const;

  // Of the packet with the number. Set: nothing happens where no rule asks.
  llvm::Value* ipEnd(uint32_t number) const { return number ? inner_ip_ends.at(number) : ip_end; }
  llvm::Value* lastProtocol(uint32_t number) const { return number ? inner_last_protocols.at(number) : last_protocol; }
  void setIpEnd(uint32_t number, llvm::Value* end);
  void setLastProtocol(uint32_t number, llvm::Value* protocol);
};

} // namespace xdpc::lower
