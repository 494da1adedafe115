// Rates: how much counts grew between two looks at them. Names are what stays over a swap, so rates go by them. Entry
// points: ratesBetween, watchCounts. Tested by tests/live/watch.py.
#pragma once

#include "driver/commands.h"
#include "driver/counts.h"

#include <chrono>
#include <functional>
#include <map>

namespace xdpc::driver {

struct Rate {
  double packets = 0, bits = 0; // a second
};

// What a count is known by: its name, and of a keyed counter the key.
using CountName = std::pair<std::string, std::string>;

struct Look {
  std::chrono::steady_clock::time_point time;
  PolicyCounts counts;
  std::string policy, device;
  abi::Manifest manifest;
};

struct Rates {
  std::map<CountName, Rate> of; // of all in the later look
  double seconds = 0;           // between the two

  Rate find(const Count& count) const;
};

// A count that is smaller than before started afresh in between: all of it is new.
Rates ratesBetween(const Look& earlier, const Look& later);

// "1.23M", at most three digits before the prefix.
std::string siText(double value);

enum class Next { go_on, end };
struct Watch {
  std::chrono::nanoseconds interval;
  uint64_t count = 0;       // looks after the first; 0: without an end
  bool first_shown = false; // the first look is shown, too, with rates of zero
};
// Looks again after each interval, which `wait` sleeps through; it says when to end. Follows swaps. The exit code.
using ReadCounts = std::function<swap::Result<PolicyCounts>(const swap::LivePolicy&)>;
int watchCounts(const Target& target, const Watch& watch, const ReadCounts& read,
                const std::function<Next(std::chrono::steady_clock::time_point)>& wait,
                const std::function<void(const Look&, const Rates&)>& show);

} // namespace xdpc::driver
