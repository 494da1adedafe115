// runtime/events: records as values, text and JSON.
#include "runtime/events/events.h"

#include "tests/support/fake_maps.h"
#include "tests/support/set_policy.h"

namespace xdpc::test {
namespace {

abi::Manifest policy() {
  abi::Manifest m;
  m.slots = {{"listed", abi::SlotKind::rule}, {"syn_flood", abi::SlotKind::rule}};
  m.rules = {{"listed", 0, 1, 1, "drop"}, {"syn_flood", 1, 2, 1, "drop"}};
  m.events = {
      {"flood",
       {{"ip.src", abi::KeyKind::Ip, 24}, {"tcp.dport", abi::KeyKind::Port, 44}, {"tcp.syn", abi::KeyKind::Bool, 48}},
       56,
       {},
       {}}};
  m.maps = {{"control", abi::MapRole::control, 2, 4, sizeof(abi::Control), 1}};
  return m;
}

abi::Bytes record(uint64_t nulls, uint8_t verdict = abi::kDrop) {
  const abi::EventHeader header{12'000'000'345, 1, 0, verdict, 56, nulls};
  abi::Bytes bytes(56);
  std::memcpy(bytes.data(), &header, sizeof header);
  const uint8_t address[] = {4, 32, 0, 0, 198, 51, 100, 7};
  std::memcpy(bytes.data() + 24, address, sizeof address);
  bytes[44] = 0xbb, bytes[45] = 0x01;
  bytes[48] = 1;
  return bytes;
}

std::string formatted(events::Form form, const abi::Bytes& record) {
  std::string text;
  unwrap(events::Formatter(policy(), form).append(text, record));
  return text;
}

TEST(Events, AreALineOfText) {
  EXPECT_EQ(formatted(events::Form::line, record(0)),
            "12.000000345 flood by syn_flood drop: ip.src=198.51.100.7 tcp.dport=443 tcp.syn=true\n");
  EXPECT_EQ(formatted(events::Form::line, record(6, abi::kNoVerdict)),
            "12.000000345 flood by syn_flood: ip.src=198.51.100.7 tcp.dport=- tcp.syn=-\n");
}

TEST(Events, AreJsonWithAStableSchema) {
  EXPECT_EQ(formatted(events::Form::json, record(2)),
            R"({"schema":1,"time_ns":12000000345,"event":"flood","rule":"syn_flood","verdict":"drop",)"
            R"("fields":{"ip.src":"198.51.100.7","tcp.dport":null,"tcp.syn":true}})"
            "\n");
  EXPECT_EQ(formatted(events::Form::json, record(7, abi::kNoVerdict)),
            R"({"schema":1,"time_ns":12000000345,"event":"flood","rule":"syn_flood","verdict":null,)"
            R"("fields":{"ip.src":null,"tcp.dport":null,"tcp.syn":null}})"
            "\n");
}

TEST(Events, StandBehindEachOther) {
  const events::Formatter formatter(policy(), events::Form::line);
  std::string text;
  unwrap(formatter.append(text, record(7)));
  abi::Bytes later = record(0);
  later[0] += 1;                               // a nanosecond later
  later[offsetof(abi::EventHeader, slot)] = 0; // another rule
  unwrap(formatter.append(text, later));
  EXPECT_EQ(text, "12.000000345 flood by syn_flood drop: ip.src=- tcp.dport=- tcp.syn=-\n"
                  "12.000000346 flood by listed drop: ip.src=198.51.100.7 tcp.dport=443 tcp.syn=true\n");
}

TEST(Events, NamesAreQuotedInJson) {
  abi::Manifest manifest = policy();
  manifest.rules[1].name = "a \"b\"";
  std::string text;
  unwrap(events::Formatter(manifest, events::Form::json).append(text, record(7)));
  EXPECT_NE(text.find(R"("rule":"a \"b\"",)"), text.npos) << text;
  abi::Bytes unknown = record(7);
  unknown[offsetof(abi::EventHeader, slot)] = 9;
  unwrap(events::Formatter(manifest, events::Form::json).append(text, unknown));
  EXPECT_NE(text.find(R"("rule":"slot 9",)"), text.npos) << text;
}

TEST(Events, RefuseRecordsThatCannotBe) {
  const auto message = [](abi::Bytes bytes) {
    const auto event = events::decode(policy(), bytes);
    std::string text = "before";
    const auto formatted = events::Formatter(policy(), events::Form::line).append(text, bytes);
    EXPECT_EQ(text, "before");
    EXPECT_EQ(formatted.ok() ? "" : formatted.error().message, event.ok() ? "" : event.error().message);
    return event.ok() ? "" : event.error().message;
  };
  EXPECT_EQ(message(abi::Bytes(7)), "a record of 7 bytes is shorter than its header");
  abi::Bytes cut = record(0);
  cut.resize(55);
  EXPECT_EQ(message(cut), "a record of `flood` has 55 of 56 bytes");
  abi::Bytes other = record(0);
  other[offsetof(abi::EventHeader, event)] = 1;
  EXPECT_EQ(message(other), "a record names event 1 of 1");
}

TEST(Events, AreWrittenUnderALease) {
  const abi::Manifest manifest = policy();
  FakeMaps maps(manifest);
  unwrap(events::setLease(maps, manifest, 0x0102030405060708));
  uint8_t bytes[8];
  unwrap(maps.read(0, 0, bytes));
  EXPECT_EQ(bytes[0], 8);
  EXPECT_EQ(bytes[7], 1);
}

} // namespace
} // namespace xdpc::test
