// Literals of numbers and times. Tested by tests/unit/abi/number_test.cpp.
#include "runtime/abi/literal.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdint>

namespace xdpc::abi {
namespace {

struct Unit {
  std::string_view name;
  uint64_t factor;
};

constexpr Unit kSuffixes[] = {{"k", 1000},        {"M", 1000'000},    {"G", 1000'000'000},
                              {"Ki", 1ull << 10}, {"Mi", 1ull << 20}, {"Gi", 1ull << 30}};
constexpr Unit kTimes[] = {{"d", 86'400'000'000'000},
                           {"h", 3'600'000'000'000},
                           {"m", 60'000'000'000},
                           {"s", 1'000'000'000},
                           {"ms", 1'000'000},
                           {"us", 1'000},
                           {"ns", 1}};

template <size_t N> const Unit* find(const Unit (&units)[N], std::string_view name) {
  const auto* end = units + N;
  const auto* found = std::find_if(units, end, [&](const Unit& u) { return u.name == name; });
  return found == end ? nullptr : found;
}

LiteralError badNumber(std::string message, std::string fixit = {}) {
  return {std::move(message), std::move(fixit), "bad-number"};
}

LiteralError badTime(std::string message, std::string fixit = {}) {
  return {std::move(message), std::move(fixit), "bad-time"};
}

LiteralError tooLarge(std::string_view text, std::string_view unit) {
  return {fmt::format("`{}` is too large: the greatest {} is {}", text, unit, UINT64_MAX), {}, "number-too-large"};
}

std::string withoutUnderscores(std::string_view text) {
  std::string plain(text);
  std::erase(plain, '_');
  return plain;
}

// `_` stands between two digits only.
bool underscoresMisplaced(std::string_view digits) {
  return digits.starts_with('_') || digits.ends_with('_') || digits.find("__") != digits.npos;
}

int digitValue(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  const int letter = std::tolower(static_cast<unsigned char>(c));
  return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

// `digits` holds digits of the base and `_` alone.
Literal<uint64_t> digitsValue(std::string_view whole, std::string_view digits, unsigned base) {
  if (underscoresMisplaced(digits))
    return badNumber(fmt::format("`{}` has a `_` that is not between two digits", whole), withoutUnderscores(whole));
  uint64_t value = 0;
  for (char c : digits) {
    if (c == '_')
      continue;
    if (__builtin_mul_overflow(value, uint64_t{base}, &value) ||
        __builtin_add_overflow(value, static_cast<uint64_t>(digitValue(c)), &value))
      return tooLarge(whole, "number");
  }
  return value;
}

size_t decimalEnd(std::string_view text) {
  return std::min(text.find_first_not_of("0123456789_"), text.size());
}

Literal<uint64_t> parseHex(std::string_view text) {
  const std::string_view digits = text.substr(2);
  if (text[1] == 'X')
    return badNumber(fmt::format("`{}` has a capital `X`", text), "0x" + std::string(digits));
  const size_t end = std::min(digits.find_first_not_of("0123456789abcdefABCDEF_"), digits.size());
  if (end == 0)
    return badNumber(fmt::format("`{}` has no hexadecimal digit behind `0x`", text));
  const std::string_view rest = digits.substr(end);
  if (find(kSuffixes, rest))
    return badNumber(fmt::format("`{}` has the suffix `{}`, which only a decimal number takes", text, rest));
  if (!rest.empty())
    return badNumber(fmt::format("`{}` is not a number: `{}` does not belong to it", text, rest));
  return digitsValue(text, digits, 16);
}

std::string knownUnit(std::string_view wrong) {
  std::string lower(wrong);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  if (find(kTimes, lower))
    return lower;
  if (lower == "sec" || lower == "second" || lower == "seconds")
    return "s";
  if (lower == "min" || lower == "minute" || lower == "minutes")
    return "m";
  if (lower == "hour" || lower == "hours")
    return "h";
  return lower == "day" || lower == "days" ? "d" : "";
}

// `1h30m`: the sum in one unit as the fix-it.
LiteralError unknownTimeUnit(std::string_view text, std::string_view digits, std::string_view unit) {
  uint64_t sum = 0;
  std::string_view rest = text;
  unsigned parts = 0;
  while (!rest.empty()) {
    const size_t number_end = decimalEnd(rest);
    const size_t unit_end = std::min(rest.find_first_of("0123456789", number_end), rest.size());
    const auto part = number_end == 0 ? 0 : digitsValue(rest, rest.substr(0, number_end), 10);
    const Unit* factor = find(kTimes, rest.substr(number_end, unit_end - number_end));
    uint64_t value = 0;
    if (number_end == 0 || !part || !factor || __builtin_mul_overflow(*part, factor->factor, &value) ||
        __builtin_add_overflow(sum, value, &sum))
      break;
    rest.remove_prefix(unit_end);
    ++parts;
  }
  if (rest.empty() && parts > 1)
    return badTime(fmt::format("`{}` joins two units, a time has one", text), formatDuration(sum));
  const std::string known = knownUnit(unit);
  return badTime(fmt::format("`{}` has the unknown unit of time `{}`: there are ns us ms s m h d", text, unit),
                 known.empty() ? known : std::string(digits) + known);
}

} // namespace

Literal<uint64_t> parseNumber(std::string_view text) {
  if (text.size() > 1 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
    return parseHex(text);
  const size_t end = decimalEnd(text);
  const std::string_view digits = text.substr(0, end), suffix = text.substr(end);
  if (digits.find_first_of("0123456789") == digits.npos)
    return badNumber(fmt::format("`{}` is not a number", text));
  const auto value = digitsValue(text, digits, 10);
  if (!value || suffix.empty())
    return value;
  const Unit* unit = find(kSuffixes, suffix);
  if (!unit)
    return badNumber(fmt::format("`{}` has the unknown suffix `{}`: there are k M G Ki Mi Gi", text, suffix),
                     suffix == "K" ? std::string(digits) + "k" : "");
  uint64_t scaled = 0;
  if (__builtin_mul_overflow(*value, unit->factor, &scaled))
    return tooLarge(text, "number");
  return scaled;
}

Literal<uint64_t> parseDuration(std::string_view text) {
  const size_t end = decimalEnd(text);
  const std::string_view digits = text.substr(0, end), unit = text.substr(end);
  if (digits.find_first_of("0123456789") == digits.npos)
    return badTime(fmt::format("`{}` is not a time", text));
  if (unit.empty())
    return badTime(fmt::format("`{}` is a time without a unit: ns us ms s m h d", text));
  const Unit* factor = find(kTimes, unit);
  if (!factor)
    return unknownTimeUnit(text, digits, unit);
  const auto value = digitsValue(text, digits, 10);
  if (!value)
    return value;
  uint64_t nanoseconds = 0;
  if (__builtin_mul_overflow(*value, factor->factor, &nanoseconds))
    return LiteralError{fmt::format("`{}` is too long a time: at most {}ns", text, UINT64_MAX), {}, "number-too-large"};
  return nanoseconds;
}

std::string formatDuration(uint64_t nanoseconds) {
  if (nanoseconds == 0)
    return "0s";
  for (const Unit& unit : kTimes)
    if (nanoseconds % unit.factor == 0)
      return fmt::format("{}{}", nanoseconds / unit.factor, unit.name);
  return fmt::format("{}ns", nanoseconds);
}

} // namespace xdpc::abi
