// The format of saved policies, and whom to trust with one. Tested by tests/live/save.py.
#include "driver/saved.h"
#include "driver/base64.h"
#include "driver/file.h"
#include "driver/output.h"
#include "driver/sha256.h"

#include <nlohmann/json.hpp>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

namespace xdpc::driver {

namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kMaxSaved = size_t{2} << 30;

SavedError damaged(std::string_view how) {
  return {fmt::format("it is damaged: {}", how)};
}

template <class T> std::optional<T> get(const Json& json, const char* name) {
  const auto found = json.find(name);
  if (found == json.end())
    return {};
  if constexpr (std::is_same_v<T, std::string>)
    return found->is_string() ? std::optional<T>(found->get<std::string>()) : std::nullopt;
  else
    return found->is_number_integer() ? std::optional<T>(found->get<T>()) : std::nullopt;
}

std::string_view takeLine(std::string_view& text) {
  const size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

std::optional<SavedError> readHead(std::string_view line, Saved& saved) {
  const Json json = Json::parse(line, nullptr, false);
  if (!json.is_object() || !json.contains("schema") || !json.contains("object"))
    return SavedError{"it is no policy that xdpc saved"};
  if (json["schema"] != kSchema)
    return SavedError{
        fmt::format("a newer xdpc saved it (schema {}, this one reads {})", json["schema"].dump(), kSchema)};
  const auto device = get<std::string>(json, "device"), netns = get<std::string>(json, "netns"),
             mode = get<std::string>(json, "mode"), policy = get<std::string>(json, "policy"),
             object = get<std::string>(json, "object");
  const auto time = get<int64_t>(json, "saved_unix_ns");
  const auto bytes = object ? fromBase64(*object) : std::nullopt;
  const auto sets = json.find("sets");
  if (!device || !netns || !mode || !policy || !bytes || !time || sets == json.end() || !sets->is_array())
    return damaged("its first line");
  saved = {
      .device = *device, .netns = *netns, .mode = *mode, .policy = *policy, .saved_unix_ns = *time, .object = *bytes};
  for (const Json& set : *sets)
    if (set.is_string())
      saved.sets.push_back(set);
  return {};
}

bool readElement(std::string_view line, Saved& saved) {
  const Json json = Json::parse(line, nullptr, false);
  if (!json.is_object())
    return false;
  const auto set = get<std::string>(json, "set"), element = get<std::string>(json, "element");
  if (!set || !element)
    return false;
  saved.elements.push_back(
      {*set, *element, get<std::string>(json, "comment").value_or(""), get<int64_t>(json, "until_unix_ns")});
  return true;
}

// Whose it is, and who else could have changed it.
std::optional<SavedError> distrust(const std::string& path, const char* what) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0)
    return SavedError{std::strerror(errno)};
  if (status.st_uid != 0 && status.st_uid != ::geteuid())
    return SavedError{
        fmt::format("{} belongs to user {}, neither root nor the caller: it is not trusted", what, status.st_uid)};
  const bool sticky = S_ISDIR(status.st_mode) && (status.st_mode & S_ISVTX) != 0;
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0 && !sticky)
    return SavedError{fmt::format("others than its owner may write {} (mode {:04o}): it is not trusted", what,
                                  status.st_mode & 07777)};
  return {};
}

} // namespace

std::string toText(const Saved& saved) {
  std::string text =
      Json{{"schema", kSchema},  {"device", saved.device},          {"netns", saved.netns},
           {"mode", saved.mode}, {"policy", saved.policy},          {"saved_unix_ns", saved.saved_unix_ns},
           {"sets", saved.sets}, {"object", toBase64(saved.object)}}
          .dump() +
      "\n";
  for (const SavedElement& one : saved.elements) {
    Json json{{"set", one.set}, {"element", one.element}};
    if (one.until_unix_ns)
      json["until_unix_ns"] = *one.until_unix_ns;
    if (!one.comment.empty())
      json["comment"] = one.comment;
    text += json.dump() + "\n";
  }
  return text + Json{{"sha256", sha256(text)}}.dump() + "\n";
}

Result<Saved, SavedError> savedFromText(std::string_view text) {
  std::string_view rest = text;
  Saved saved;
  if (auto wrong = readHead(takeLine(rest), saved))
    return *wrong;
  while (!rest.empty()) {
    const std::string_view before = text.substr(0, text.size() - rest.size());
    const std::string_view line = takeLine(rest);
    if (!line.starts_with("{\"sha256\"")) {
      if (!readElement(line, saved))
        return damaged("a line that is no element");
      continue;
    }
    const auto sum = get<std::string>(Json::parse(line, nullptr, false), "sha256");
    if (!rest.empty() || !sum || *sum != sha256(before))
      return damaged("its checksum is another one");
    return saved;
  }
  return damaged("it breaks off");
}

Result<Saved, SavedError> readSaved(const std::string& path) {
  const auto named = [&](const SavedError& error) {
    return SavedError{fmt::format("cannot use `{}`: {}", path, error.message)};
  };
  if (auto wrong = distrust(path, "the file"))
    return named(*wrong);
  std::filesystem::path folder = std::filesystem::path(path).parent_path();
  if (auto wrong = distrust(folder.empty() ? "." : folder.string(), "its folder"))
    return named(*wrong);
  const auto text = readFile(path, kMaxSaved);
  if (!text)
    return SavedError{text.error().message};
  auto saved = savedFromText(*text);
  if (!saved)
    return named(saved.error());
  return saved;
}

std::string savedName(const std::string& device, const std::string& netns) {
  return device + (netns.empty() ? "" : "@" + netns) + kSavedSuffix;
}

} // namespace xdpc::driver
