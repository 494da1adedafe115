// See policy_metrics.h. Names end in their unit, and counters in _total (prometheus.io/docs/practices/naming). The
// policy is no label of counts: they live on over a swap to a policy of another name.
#include "driver/policy_metrics.h"

#include "driver/counts.h"
#include "driver/exposition.h"
#include "runtime/sets/sets.h"
#include "runtime/swap/list.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <ctime>
#include <set>

namespace xdpc::driver {

namespace {

using enum MetricType;

uint64_t monotonicNow() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return uint64_t(now.tv_sec) * 1'000'000'000 + uint64_t(now.tv_nsec);
}

std::string netnsOf(const swap::Attached& attached) {
  if (attached.own_netns)
    return "";
  return attached.netns_name.empty() ? std::to_string(attached.netns) : attached.netns_name;
}

// Devices of one instance have one state, and one series of each metric.
std::string deviceOf(const swap::Attached& attached) {
  if (attached.devices.size() > 1)
    return fmt::format("{}", fmt::join(attached.devices, ","));
  return attached.device.empty() ? "#" + std::to_string(attached.ifindex) : attached.device;
}

class PolicyMetrics {
public:
  PolicyMetrics(Exposition& out, const swap::Attached& attached) : out_(out), attached_(attached) {
    place_ = {{"device", deviceOf(attached)}, {"netns", netnsOf(attached)}};
  }

  void describe() {
    out_.add("xdpc_policy_info", gauge, "What is attached where; always 1.",
             with({{"policy", attached_.manifest.policy},
                   {"file", attached_.manifest.file},
                   {"mode", attached_.mode ? kernel::modeName(*attached_.mode) : ""},
                   {"source_sha256", attached_.manifest.source_sha256}}),
             uint64_t{1});
    out_.add("xdpc_policy_generation", gauge, "Number of the generation that judges packets.", place_,
             uint64_t{attached_.generation});
    out_.add("xdpc_policy_loaded_timestamp_seconds", gauge, "When its program was loaded, since 1970.", place_,
             static_cast<double>(attached_.since_unix_ns / 1'000'000) / 1000);
    const bool running = attached_.trial == swap::TrialState::running;
    out_.add("xdpc_trial_running", gauge, "1 while a trial waits to be confirmed.", place_, uint64_t{running});
    out_.add("xdpc_trial_returned", gauge, "1 if a trial was not confirmed and the policy before it is back.", place_,
             uint64_t{attached_.trial == swap::TrialState::returned});
    out_.add("xdpc_trial_remaining_seconds", gauge, "Until the trial ends, 0 without one.", place_,
             running ? attached_.trial_seconds : uint64_t{0});
  }

  void readable(bool yes) {
    out_.add("xdpc_policy_readable", gauge, "0 if the policy's state could not be read.", place_, uint64_t{yes});
  }

  void counts(const swap::LivePolicy& live, const PolicyCounts& counts, uint64_t keys) {
    for (size_t i = 0; i < counts.rules.size(); ++i)
      cell("xdpc_rule", "that a rule's condition held for",
           with({{"rule", counts.rules[i].name}, {"verdict", live.manifest.rules[i].verdict}}), counts.rules[i].cell);
    cell("xdpc_retired", "that rules of earlier policies had counted", place_, counts.retired);
    counters(live.manifest, counts, keys);
    for (const Count& count : counts.system)
      system(live.manifest, count);
  }

  void sets(const swap::LivePolicy& live) {
    for (const abi::Set& set : live.manifest.sets) {
      const Labels labels = with({{"set", set.name}});
      if (const auto elements = sets::count(*live.maps, live.manifest, set, monotonicNow()))
        out_.add("xdpc_set_elements", gauge, "Live elements of a set.", labels, uint64_t{*elements});
      out_.add("xdpc_set_capacity", gauge, "Elements that a set is declared to hold.", labels, uint64_t{set.capacity});
    }
  }

private:
  Labels with(const Labels& more) const {
    Labels labels = place_;
    labels.insert(labels.end(), more.begin(), more.end());
    return labels;
  }

  void cell(const std::string& name, const std::string& what, const Labels& labels, const abi::Cell& cell) {
    out_.add(name + "_packets_total", counter, fmt::format("Packets {}.", what), labels, cell.packets);
    out_.add(name + "_bytes_total", counter, fmt::format("Bytes of packets {}.", what), labels, cell.bytes);
  }

  // The keys come with the largest first.
  void counters(const abi::Manifest& manifest, const PolicyCounts& counts, uint64_t keys) {
    for (const abi::Counter& counter : manifest.counters) {
      abi::Cell sum{0, 0};
      uint64_t number = 0;
      for (const Count& count : counts.counters) {
        if (count.name != counter.name)
          continue;
        sum.packets += count.cell.packets;
        sum.bytes += count.cell.bytes;
        if (counter.map && number++ < keys)
          cell("xdpc_count_key", "under a key of a counter, of the largest keys",
               with({{"counter", counter.name}, {"key", count.key}}), count.cell);
      }
      cell("xdpc_count", "counted by a counter, over all its keys", with({{"counter", counter.name}}), sum);
      if (counter.map)
        out_.add("xdpc_count_keys", gauge, "Keys of a counter.", with({{"counter", counter.name}}), number);
    }
  }

  struct Meaning {
    std::string_view suffix, name, label, help;
  };

  void system(const abi::Manifest& manifest, const Count& count) {
    static constexpr Meaning kMeanings[] = {
        {".lost", "xdpc_event_lost_total", "event", "Events that found no room in the ring buffer."},
        {".unread", "xdpc_event_unread_total", "event", "Events that nobody read."},
        {".contended", "xdpc_meter_contended_total", "meter",
         "Packets that a meter gave up on, changed by other CPUs."},
        {".other", "xdpc_count_other_packets_total", "counter", "Packets whose key found no place in a counter."},
    };
    for (const Meaning& meaning : kMeanings)
      if (count.name.ends_with(meaning.suffix))
        return out_.add(meaning.name, counter, meaning.help,
                        with({{meaning.label, count.name.substr(0, count.name.size() - meaning.suffix.size())}}),
                        count.cell.packets);
    const size_t dot = count.name.rfind('.');
    const std::string owner = count.name.substr(0, dot), what = dot == owner.npos ? "" : count.name.substr(dot);
    const bool set = sets::findSet(manifest, owner) != nullptr;
    const Labels labels = with({{set ? "set" : "meter", owner}});
    if (what == ".full" && set)
      out_.add("xdpc_set_full_total", counter, "Additions to a set that found only live elements in their place.",
               labels, count.cell.packets);
    else if (what == ".full")
      out_.add("xdpc_meter_full_total", counter, "Packets whose key found no place in a meter.", labels,
               count.cell.packets);
    else if (what == ".evicted" && set)
      out_.add("xdpc_set_evicted_total", counter, "Live elements of a set that gave their place to another one.",
               labels, count.cell.packets);
    else if (what == ".evicted")
      out_.add("xdpc_meter_evicted_total", counter, "Keys of a meter that gave their place to another one.", labels,
               count.cell.packets);
  }

  Exposition& out_;
  const swap::Attached& attached_;
  Labels place_;
};

} // namespace

swap::Result<std::string> policyMetrics(const MetricsScope& scope) {
  const auto all = swap::list(scope.bpffs);
  if (!all)
    return all.error();
  Exposition out;
  out.add("xdpc_build_info", gauge, "The version of xdpc that tells this; always 1.", {{"version", XDPC_VERSION}},
          uint64_t{1});
  std::set<std::filesystem::path> told;
  for (const swap::Attached& attached : *all) {
    if (!told.insert(attached.folder.path).second)
      continue;
    PolicyMetrics metrics(out, attached);
    metrics.describe();
    const auto live = swap::open(attached.folder, {attached.device, attached.ifindex});
    const auto counts = live ? readPolicyCounts(*live) : swap::Result<PolicyCounts>(live.error());
    metrics.readable(counts.ok());
    if (!counts)
      continue;
    metrics.counts(*live, *counts, scope.keys);
    metrics.sets(*live);
  }
  return out.text();
}

} // namespace xdpc::driver
