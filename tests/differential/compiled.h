// Texts of policies through the compiler, and packets written as in `expect … for PACKET`.
#pragma once

#include "compiler/ast/ast.h"
#include "compiler/diag/diag.h"
#include "compiler/ir/ir.h"
#include "compiler/lower/lower.h"
#include "compiler/plan/plan.h"
#include "runtime/object/object.h"

#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace xdpc::differential {

struct Compiled {
  Sources sources;
  diag::Emitter emitter;
  ir::Policy policy;
  object::Object object;
};

// The program outgrows BPF's jumps or its stack: a stated bound, which generated policies meet now and then.
struct TooLarge : std::runtime_error {
  TooLarge() : std::runtime_error("the program is too large") {}
};

struct Around {
  std::map<std::string, std::string> lists = {}; // that the text loads
  plan::Options plan = {.source_sha256 = std::string(64, '0')};
  lower::Presence presence = lower::Presence::leaves;
};

// Throws std::runtime_error with the diagnostics if the text does not compile, TooLarge if only the program does not
// fit.
std::unique_ptr<Compiled> compile(const std::string& text, const Around& around = {});
std::unique_ptr<Compiled> check(const std::string& text, const Around& around = {}); // the policy alone

// Where the text has errors: offsets of the places that they point to.
std::vector<size_t> refusedAt(const std::string& text);

bool isPacket(const std::string& packet); // and nothing about it is refused

// The frames that the compiler builds for packets such as `ipv4(ttl = 3)/udp`; `declarations` may declare headers.
std::vector<std::vector<uint8_t>> buildFrames(const std::vector<std::string>& packets,
                                              const std::string& declarations = "");

} // namespace xdpc::differential
