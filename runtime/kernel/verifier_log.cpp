// Reads verifier logs from their end. Tested in tests/unit/runtime/verifier_log_test.cpp.
#include "runtime/kernel/verifier_log.h"

#include "runtime/kernel/fd.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>
#include <stdlib.h>
#include <tuple>

namespace xdpc::kernel {
namespace {

// Calls `visit` for each line from the last to the first, until it returns true.
template <class Visit> void linesBackwards(std::string_view text, Visit visit) {
  while (!text.empty()) {
    const size_t newline = text.find_last_of('\n');
    const std::string_view line = newline == text.npos ? text : text.substr(newline + 1);
    if (visit(line))
      return;
    text = newline == text.npos ? std::string_view{} : text.substr(0, newline);
  }
}

bool isStatistics(std::string_view line) {
  static constexpr std::array<std::string_view, 7> kStarts{
      "processed ",  "verification time", "stack depth", "max_states_per_insn",
      "peak_states", "cur state:",        "old state:"}; // the states of a loop without an end
  return std::any_of(kStarts.begin(), kStarts.end(), [&](auto start) { return line.starts_with(start); });
}

std::optional<uint32_t> leadingInstruction(std::string_view line) {
  uint32_t number = 0;
  const auto [end, failure] = std::from_chars(line.data(), line.data() + line.size(), number);
  const size_t length = end - line.data();
  if (failure != std::errc{} || length + 1 >= line.size() || line.substr(length, 2) != ": ")
    return std::nullopt;
  return number;
}

// "; text @ web.xf:14": what the verifier prints since 6.7. Empty otherwise.
std::string commentPlace(std::string_view log) {
  std::string place;
  linesBackwards(log, [&](std::string_view line) {
    const size_t at = line.starts_with("; ") ? line.rfind(" @ ") : line.npos;
    if (at == line.npos)
      return false;
    place = line.substr(at + 3);
    return true;
  });
  return place;
}

// Path of the new file, or empty.
std::string writeLog(std::string_view log) {
  std::error_code failure;
  std::filesystem::path folder = std::filesystem::temp_directory_path(failure);
  if (failure)
    folder = "/tmp";
  std::string path = (folder / "xdpc-verifier-XXXXXX.log").string();
  const Fd file(mkstemps(path.data(), 4));
  if (!file)
    return {};
  while (!log.empty()) {
    const ssize_t written = write(file.get(), log.data(), log.size());
    if (written <= 0) {
      unlink(path.c_str());
      return {};
    }
    log.remove_prefix(written);
  }
  return path;
}

} // namespace

std::string lastSentence(std::string_view log) {
  std::string sentence;
  linesBackwards(log, [&](std::string_view line) {
    if (line.find_first_not_of(" \t\r") == line.npos || isStatistics(line))
      return false;
    sentence = line;
    return true;
  });
  return sentence;
}

std::optional<uint32_t> lastInstruction(std::string_view log) {
  std::optional<uint32_t> instruction;
  linesBackwards(log, [&](std::string_view line) { return (instruction = leadingInstruction(line)).has_value(); });
  return instruction;
}

static const object::Line* lineOf(const object::Object& object, uint32_t instruction) {
  const object::Line* found = nullptr;
  for (const auto& line : object.lines)
    if (line.instruction <= instruction && (!found || line.instruction >= found->instruction))
      found = &line;
  return found;
}

bool isInC(const object::Object& object, uint32_t instruction) {
  const object::Line* line = lineOf(object, instruction);
  return line && !line->file.empty() && line->file != object.manifest.file &&
         std::none_of(object.manifest.rules.begin(), object.manifest.rules.end(),
                      [&](const abi::Rule& rule) { return rule.file == line->file; });
}

std::string placeOf(const object::Object& object, uint32_t instruction) {
  const object::Line* found = lineOf(object, instruction);
  if (!found)
    return {};
  const std::string place = fmt::format("{}:{}", found->file.empty() ? object.manifest.file : found->file, found->line);
  // Rules follow one another in the text, so the one that began last before the place is the place's.
  const abi::Rule* owner = nullptr;
  for (const auto& rule : object.manifest.rules) {
    const auto start = std::tuple(rule.line, rule.column);
    if (rule.file.value_or("") == found->file && start <= std::tuple(found->line, std::max(found->column, 1u)) &&
        (!owner || start >= std::tuple(owner->line, owner->column)))
      owner = &rule;
  }
  return owner ? fmt::format("rule `{}` ({})", owner->name, place) : place;
}

KernelError refusal(const object::Object& object, std::string_view log, int code) {
  while (!log.empty() && log.back() == '\0')
    log.remove_suffix(1);
  KernelError error{.kind = ErrorKind::refused, .code = code};
  std::string place;
  const auto instruction = lastInstruction(log);
  if (instruction)
    place = placeOf(object, *instruction);
  if (place.empty())
    place = commentPlace(log);
  std::string sentence = lastSentence(log);
  if (sentence.empty())
    sentence = std::string(strerror(code));
  error.message = fmt::format("the kernel's verifier refused policy `{}`{}: {}", object.manifest.policy,
                              place.empty() ? "" : " at " + place, sentence);
  const std::string path = writeLog(log);
  error.details = path.empty() ? std::string(log) : fmt::format("the verifier's whole log: {}", path);
  error.help =
      instruction && isInC(object, *instruction)
          ? "this is a mistake of the C code: the verifier has to see that a loop ends and that an index stays "
            "within its table"
          : "this is a bug of xdpc: a policy that it accepts must load; please report it with the log";
  return error;
}

} // namespace xdpc::kernel
