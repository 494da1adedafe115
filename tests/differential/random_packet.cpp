// Random packets.
#include "tests/differential/random_packet.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace xdpc::differential {

namespace {

constexpr uint64_t kStart = 1'000'000'000'000'000;
constexpr size_t kShortest = 14;

// A header and some of its fields. Those that say what follows, or how long something is, are left to the compiler
// most of the time: damage() takes care of impossible ones.
std::string layer(const Vocabulary& words, ir::HeaderId id, Random& random) {
  const ir::Header& header = words.header(id);
  std::vector<std::string> given;
  for (const FieldName& field : words.fieldsOf(id)) {
    if ((!field.on_wire && !field.optional) || field.has_parts)
      continue;
    const bool address = field.type.kind != ir::TypeKind::Int && field.type.kind != ir::TypeKind::Bool;
    const unsigned chance = address || field.type.port ? 60 : !field.assignable && !field.is_flag ? 4 : 20;
    if (random.percent(chance))
      given.push_back(
          fmt::format("{} = {}", field.name, field.is_flag ? "1" : words.literal(field.type, field.bits, random)));
  }
  return given.empty() ? header.name : fmt::format("{}({})", header.name, fmt::join(given, ", "));
}

bool isFamily(const std::string& name) {
  return name == "ipv4" || name == "ipv6";
}

// IP more often than the rest, which other tests look at.
ir::HeaderId choose(const Vocabulary& words, const std::vector<ir::HeaderId>& followers, Random& random) {
  std::vector<ir::HeaderId> tunnels;
  std::ranges::copy_if(followers, std::back_inserter(tunnels),
                       [&](ir::HeaderId id) { return words.header(id).kind == ir::HeaderKind::tunnel; });
  if (!tunnels.empty() && random.percent(25))
    return random.pick(tunnels);
  std::vector<ir::HeaderId> families;
  std::ranges::copy_if(followers, std::back_inserter(families),
                       [&](ir::HeaderId id) { return isFamily(words.header(id).name); });
  return families.empty() || random.percent(35) ? random.pick(followers) : random.pick(families);
}

} // namespace

std::string randomPacketText(const Vocabulary& words, Random& random) {
  std::vector<std::string> layers;
  ir::HeaderId id = 0;
  if (random.percent(40))
    layers.push_back(layer(words, 0, random));
  for (unsigned depth = 0; depth < 9; ++depth) {
    const auto followers = words.followers(id);
    if (followers.empty() || (depth > 0 && random.percent(6)))
      break;
    id = choose(words, followers, random);
    layers.push_back(layer(words, id, random));
  }
  if (layers.empty())
    layers.push_back("eth");
  const std::vector<std::string> payloads = {"\"GET /index.html\"", "\"xaaab GET /in\"", "x\"16 03 01 00 ff 00\"", "7",
                                             std::to_string(random.below(60))};
  if (random.percent(60))
    layers.push_back(fmt::format("payload({})", random.pick(payloads)));
  return fmt::format("{}", fmt::join(layers, "/"));
}

void damage(Frame& frame, Random& random) {
  std::vector<uint8_t>& bytes = frame.input.frame;
  if (random.percent(15))
    for (uint64_t left = 1 + random.below(3); left > 0; --left) {
      const uint64_t bit = random.below(std::min<size_t>(bytes.size(), 90) * 8);
      bytes[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
      frame.text += fmt::format(", byte {} changed", bit / 8);
    }
  if (random.percent(20) && bytes.size() > kShortest) {
    bytes.resize(kShortest + random.below(bytes.size() - kShortest));
    frame.text += fmt::format(", cut to {} bytes", bytes.size());
  } else if (random.percent(15)) {
    const size_t before = bytes.size();
    bytes.resize(before + random.below(40), static_cast<uint8_t>(random.bits()));
    frame.text += fmt::format(", {} bytes behind it", bytes.size() - before);
  }
}

std::vector<Frame> randomFrames(const Vocabulary& words, Random& random, size_t count) {
  std::vector<std::string> texts;
  while (texts.size() < count) {
    std::string text = randomPacketText(words, random);
    if (isPacket(text)) // fields may contradict each other
      texts.push_back(std::move(text));
  }
  auto frames = buildFrames(texts);
  std::vector<Frame> out;
  uint64_t now_ns = kStart;
  const std::vector<uint64_t> steps = {0, 0, 0, 1, 1'000'000, 50'000'000, 1'000'000'000, 2'500'000'000, 6'000'000'000};
  for (size_t i = 0; i < count; ++i) {
    now_ns += random.pick(steps);
    Frame frame{texts[i], {std::move(frames[i]), now_ns}};
    frame.input.ifindex = 1 + static_cast<uint32_t>(random.below(3));
    frame.input.rx_queue = static_cast<uint32_t>(random.below(3));
    damage(frame, random);
    out.push_back(std::move(frame));
    if (i > 0 && random.percent(20)) { // the same again, as what is remembered wants
      out.push_back(random.pick(out));
      out.back().input.now_ns = now_ns;
    }
  }
  return out;
}

} // namespace xdpc::differential
