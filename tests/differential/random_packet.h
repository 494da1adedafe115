// Random packets, written as tests write them, and then damaged now and then.
#pragma once

#include "tests/differential/case.h"
#include "tests/differential/vocabulary.h"

namespace xdpc::differential {

std::string randomPacketText(const Vocabulary& words, Random& random);

// `count` packets; the clock moves between them.
std::vector<Frame> randomFrames(const Vocabulary& words, Random& random, size_t count);

// Cuts the frame, turns bits over, puts bytes behind it. What was done is added to the text.
void damage(Frame& frame, Random& random);

} // namespace xdpc::differential
