// `xdpc top`: the rates of rules, the busiest first, painted over and over in a terminal, else block by block. Tested
// by tests/live/watch.py.
#include "driver/commands.h"
#include "driver/kernel_errors.h"
#include "driver/rates.h"
#include "driver/stop.h"
#include "driver/terminal.h"
#include "runtime/abi/literal.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace xdpc::driver {

namespace {

using Json = nlohmann::ordered_json;

enum class Order { packets, bits, name };

struct Row {
  std::string rule, verdict;
  Rate rate;
  abi::Cell cell{};
};

std::vector<Row> rowsOf(const Look& look, const Rates& rates, Order order) {
  std::vector<Row> rows;
  for (size_t i = 0; i < look.counts.rules.size(); ++i) {
    const Count& count = look.counts.rules[i];
    const std::string& verdict = look.manifest.rules[i].verdict;
    rows.push_back({count.name, verdict.empty() ? "-" : verdict, rates.find(count), count.cell});
  }
  std::ranges::stable_sort(rows, [&](const Row& a, const Row& b) {
    if (order == Order::name)
      return a.rule < b.rule;
    const double Rate::* first = order == Order::bits ? &Rate::bits : &Rate::packets;
    if (a.rate.*first != b.rate.*first)
      return a.rate.*first > b.rate.*first;
    return a.cell.packets > b.cell.packets;
  });
  return rows;
}

// Packets of rules that end none count at another rule, too: the sum is over those with a verdict.
Rate totalOf(const std::vector<Row>& rows) {
  Rate total;
  for (const Row& row : rows)
    if (row.verdict != "-") {
      total.packets += row.rate.packets;
      total.bits += row.rate.bits;
    }
  return total;
}

std::string title(const Look& look, const std::vector<Row>& rows) {
  const Rate total = totalOf(rows);
  return fmt::format("{} on {}: {} packets/s, {}bit/s", look.policy, look.device, siText(total.packets),
                     siText(total.bits));
}

std::string rowText(const Row& row, size_t width) {
  return fmt::format("{:<{}}  {:<8}  {:>9}  {:>8}  {:>8}  {:>8}", row.rule.substr(0, width), width, row.verdict,
                     siText(row.rate.packets), siText(row.rate.bits), siText(static_cast<double>(row.cell.packets)),
                     siText(static_cast<double>(row.cell.bytes)));
}

size_t nameWidth(const std::vector<Row>& rows, size_t most) {
  size_t width = 4;
  for (const Row& row : rows)
    width = std::max(width, row.rule.size());
  return std::min(width, most);
}

std::string head(size_t width) {
  return fmt::format("{:<{}}  {:<8}  {:>9}  {:>8}  {:>8}  {:>8}", "rule", width, "verdict", "packets/s", "bits/s",
                     "packets", "bytes");
}

constexpr size_t kOtherColumns = 51;

// As many lines as fit, none longer than the screen is wide.
std::string screenText(const Look& look, const Rates& rates, Order order, ScreenSize size) {
  const auto rows = rowsOf(look, rates, order);
  const size_t columns = size.columns;
  const size_t width = nameWidth(rows, std::max<size_t>(8, columns > kOtherColumns ? columns - kOtherColumns : 0));
  const auto fit = [&](std::string line) { return line.substr(0, columns); };
  const bool color = colorOnStdout();
  std::string text = fit(title(look, rows)) + "\n\n" + (color ? "\x1b[7m" : "") +
                     fit(fmt::format("{:<{}}", head(width), columns)) + (color ? "\x1b[0m" : "");
  const size_t room = size.rows > 5 ? size.rows - 5 : 0;
  for (size_t i = 0; i < rows.size() && i < room; ++i)
    text += "\n" + fit(rowText(rows[i], width));
  if (rows.size() > room)
    text += "\n" + fit(fmt::format("… {} more", rows.size() - room));
  return text + "\n" + fit("p: by packets  b: by bits  n: by name  q: quit");
}

std::string blockText(const Look& look, const Rates& rates) {
  const auto rows = rowsOf(look, rates, Order::packets);
  const size_t width = nameWidth(rows, 60);
  std::string text = title(look, rows) + "\n" + head(width) + "\n";
  for (const Row& row : rows)
    text += rowText(row, width) + "\n";
  return text;
}

Json jsonOf(const Look& look, const Rates& rates) {
  const auto rows = rowsOf(look, rates, Order::packets);
  const Rate total = totalOf(rows);
  Json rules = Json::array();
  for (const Row& row : rows)
    rules.push_back({{"rule", row.rule},
                     {"verdict", row.verdict == "-" ? Json(nullptr) : Json(row.verdict)},
                     {"packets_per_second", row.rate.packets},
                     {"bits_per_second", row.rate.bits},
                     {"packets", row.cell.packets},
                     {"bytes", row.cell.bytes}});
  return {{"schema", kSchema},
          {"device", look.device},
          {"policy", look.policy},
          {"seconds", rates.seconds},
          {"packets_per_second", total.packets},
          {"bits_per_second", total.bits},
          {"rules", rules}};
}

std::optional<Order> orderOf(char key) {
  switch (key) {
  case 'p':
    return Order::packets;
  case 'b':
    return Order::bits;
  case 'n':
    return Order::name;
  default:
    return std::nullopt;
  }
}

int interactive(const TopOptions& options, const Watch& watch) {
  const Screen screen;
  Order order = Order::packets;
  std::optional<std::pair<Look, Rates>> shown;
  const auto repaint = [&] {
    if (shown)
      screen.paint(screenText(shown->first, shown->second, order, screen.size()));
  };
  const auto wait = [&](std::chrono::steady_clock::time_point end) {
    while (!stopOnSignals() && std::chrono::steady_clock::now() < end) {
      const auto key = screen.key(end);
      if (key == 'q')
        return Next::end;
      if (const auto chosen = key ? orderOf(*key) : std::nullopt)
        order = *chosen;
      repaint(); // the size may be another now, too
    }
    return stopOnSignals() ? Next::end : Next::go_on;
  };
  return watchCounts(options.target, watch, readRuleCounts, wait, [&](const Look& look, const Rates& rates) {
    shown.emplace(look, rates);
    repaint();
  });
}

} // namespace

int topCommand(const TopOptions& options) {
  const auto interval = abi::parseDuration(options.interval);
  if (!interval || *interval == 0)
    return fail(kUsage, fmt::format("`--interval {}`: {}", options.interval,
                                    interval ? "an interval is longer than that" : interval.error().message));
  Watch watch{.interval = std::chrono::nanoseconds(*interval), .count = options.count};
  stopOnSignals();
  if (!options.json && isScreen() && options.count == 0) {
    watch.first_shown = true;
    return interactive(options, watch);
  }
  bool first = true;
  return watchCounts(
      options.target, watch, readRuleCounts, [](auto until) { return sleepUntil(until) ? Next::end : Next::go_on; },
      [&](const Look& look, const Rates& rates) {
        if (options.json)
          printLine("{}", jsonOf(look, rates).dump());
        else
          print((std::exchange(first, false) ? "" : "\n") + blockText(look, rates));
        if (std::fflush(stdout) != 0)
          stopOnSignals() = true; // nobody reads it any more
      });
}

} // namespace xdpc::driver
