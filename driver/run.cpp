// `xdpc run`: a policy over a capture, frame by frame, on either engine. Tested by tests/lit/cli/run*.test and
// tests/packet/corpus.py.
#include "driver/capture.h"
#include "driver/commands.h"
#include "driver/engines.h"
#include "driver/file.h"
#include "driver/object_of.h"
#include "driver/output.h"
#include "runtime/abi/verdict.h"
#include "runtime/counters/counters.h"
#include "runtime/events/events.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>

namespace xdpc::driver {

namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kShortestFrame = 14,
                 kLongestFrame = 65535; // what an interface can deliver to XDP (docs/decisions/0004)

// Why the frame cannot be run; empty if it can.
std::string whySkipped(const CapturedFrame& frame) {
  if (frame.bytes.size() < kShortestFrame)
    return fmt::format("{} bytes, shorter than an Ethernet header", frame.bytes.size());
  if (frame.bytes.size() > kLongestFrame)
    return fmt::format("{} bytes, longer than {}", frame.bytes.size(), kLongestFrame);
  return {};
}

class Run {
public:
  Run(const RunOptions& options, engine::Engine& engine) : options_(options), engine_(engine) {}

  int openOutputs();
  int frames(CaptureReader& reader);
  int totals();
  int commitOutputs();

private:
  int frame(const CapturedFrame& frame);
  void say(const engine::Outcome& outcome);
  void skip(const std::string& reason);
  const std::string& ruleOf(uint32_t slot) const;

  const RunOptions& options_;
  engine::Engine& engine_;
  std::optional<CaptureWriter> drop_, pass_;
  uint64_t frames_ = 0, skipped_ = 0, cut_ = 0, now_ns_ = 0;
  std::map<std::string, uint64_t> verdicts_, events_;
};

int Run::openOutputs() {
  for (const auto& [path, writer] :
       {std::pair{&options_.write_drop, &drop_}, std::pair{&options_.write_pass, &pass_}}) {
    if (path->empty())
      continue;
    auto created = CaptureWriter::create(*path);
    if (!created)
      return fail(kRefused, created.error().message);
    writer->emplace(std::move(*created));
  }
  return kFine;
}

const std::string& Run::ruleOf(uint32_t slot) const {
  static const std::string none;
  const auto& slots = engine_.manifest().slots;
  return slot < slots.size() ? slots[slot].name : none;
}

void Run::skip(const std::string& reason) {
  ++skipped_;
  if (options_.json)
    printLine("{}", Json{{"frame", frames_}, {"skipped", reason}}.dump());
}

void Run::say(const engine::Outcome& outcome) {
  const char* verdict = abi::verdictName(outcome.verdict);
  ++verdicts_[verdict];
  if (options_.json)
    printLine("{}", Json{{"frame", frames_}, {"verdict", verdict}, {"rule", ruleOf(outcome.slot)}}.dump());
}

int Run::frame(const CapturedFrame& frame) {
  ++frames_;
  cut_ += frame.bytes.size() < frame.wire_length;
  now_ns_ = std::max(now_ns_, frame.time_ns);
  if (const std::string reason = whySkipped(frame); !reason.empty()) {
    skip(reason);
    return kFine;
  }
  const auto outcome = engine_.run({.bytes = frame.bytes, .now_ns = now_ns_});
  if (!outcome)
    return fail(kRefused, fmt::format("frame {}: {}", frames_, toText(outcome.error())));
  say(*outcome);
  if (drop_ && outcome->verdict == abi::kDrop)
    drop_->write(frame.bytes, frame.time_ns);
  if (pass_ && outcome->verdict == abi::kPass)
    pass_->write(outcome->frame, frame.time_ns);
  const auto drained = engine_.drainEvents([this](std::span<const uint8_t> record) {
    if (const auto event = events::decode(engine_.manifest(), record); event)
      ++events_[event->name];
  });
  return drained ? kFine : fail(kRefused, toText(drained.error()));
}

int Run::frames(CaptureReader& reader) {
  while (true) {
    const auto next = reader.next();
    if (!next)
      return fail(kWrong, next.error().message);
    if (!*next)
      return kFine;
    if (const int code = frame(**next); code != kFine)
      return code;
  }
}

int Run::totals() {
  const abi::Manifest& manifest = engine_.manifest();
  const auto cells = counters::readSlots(engine_.maps(), manifest);
  if (!cells)
    return fail(kRefused, cells.error().message);
  if (cut_ > 0)
    warn(fmt::format("{} frames are longer than what was captured of them", cut_));
  Json rules = Json::object();
  Table table({"rule", "packets", "bytes"});
  for (const abi::Rule& rule : manifest.rules) {
    const abi::Cell& cell = (*cells)[rule.slot];
    rules[rule.name] = {{"packets", cell.packets}, {"bytes", cell.bytes}};
    table.add({rule.name, std::to_string(cell.packets), std::to_string(cell.bytes)});
  }
  if (options_.json) {
    Json verdicts = Json::object(), events = Json::object();
    for (const auto& [name, count] : verdicts_)
      verdicts[name] = count;
    for (const abi::Event& event : manifest.events)
      events[event.name] = events_[event.name];
    printLine("{}", Json{{"schema", kSchema},
                         {"frames", frames_},
                         {"skipped", skipped_},
                         {"verdicts", verdicts},
                         {"rules", rules},
                         {"events", events}}
                        .dump());
    return kFine;
  }
  print(table.text());
  std::string line = fmt::format("{} frames", frames_);
  for (const auto& [name, count] : verdicts_)
    line += fmt::format(", {} {}", count, name);
  printLine("{}{}", line, skipped_ ? fmt::format(", {} skipped", skipped_) : "");
  return kFine;
}

int Run::commitOutputs() {
  for (auto* writer : {&drop_, &pass_})
    if (*writer)
      if (const auto committed = (*writer)->commit(); !committed)
        return fail(kRefused, committed.error().message);
  return kFine;
}

} // namespace

int runCommand(const RunOptions& options) {
  for (const std::string* output : {&options.write_drop, &options.write_pass})
    if (const auto kept = keepInputs(*output, {options.file, options.pcap}); !kept)
      return fail(kUsage, kept.error().message);
  if (!options.write_drop.empty() && options.write_drop == options.write_pass)
    return fail(kUsage, fmt::format("`{}` cannot hold both the dropped and the passed frames", options.write_drop));
  int code = kFine;
  const auto object = objectOfFile(
      options.file, {.warnings = options.warnings, .bounds = options.bounds, .tables = !options.no_tables}, code);
  if (!object)
    return code;
  auto reader = CaptureReader::open(options.pcap);
  if (!reader)
    return fail(reader.error().unreadable ? kUsage : kWrong, reader.error().message);
  auto engine = loadEngine(options.engine, *object);
  if (!engine)
    return fail(kRefused, toText(engine.error()));
  Run run(options, **engine);
  if (code = run.openOutputs(); code != kFine)
    return code;
  code = run.frames(*reader);
  return std::max({code, run.totals(), run.commitOutputs()});
}

} // namespace xdpc::driver
