// A policy in parts, and packets: what is compared, and what is made smaller where engines disagree. Entry point:
// judge.
#pragma once

#include "tests/differential/trace.h"

namespace xdpc::differential {

struct PolicyText {
  std::vector<std::string> declarations; // one each
  std::vector<std::string> rules;        // without the default
  std::string default_block = "default pass";
  std::string text() const;
};

struct Frame {
  std::string text; // how it was made
  oracle::Input input;
};

struct Case {
  std::string title;
  PolicyText policy;
  std::vector<Frame> frames;
  Around around = {};
};

// Runs the case on the oracle and all engines. What differs is made smaller and printed. True if all agree.
bool judge(const Case& one, const std::vector<std::string>& engines);

} // namespace xdpc::differential
