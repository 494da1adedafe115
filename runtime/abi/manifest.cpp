// The manifest as JSON. Each structure lists its members once, in describe(); a Writer and a Reader walk the same list.
// What is read is checked (manifest_check.cpp), so that nobody else has to distrust an index. Tested by
// tests/unit/abi/manifest_test.cpp.
#include "runtime/abi/manifest.h"

#include "runtime/abi/manifest_check.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <iterator>
#include <limits>
#include <type_traits>

namespace xdpc::abi {
namespace {

using Json = nlohmann::ordered_json;

template <class E> struct EnumNames;
template <> struct EnumNames<SlotKind> {
  static constexpr std::string_view names[] = {"rule", "counter", "system", "sample"};
};
template <> struct EnumNames<MapRole> {
  static constexpr std::string_view names[] = {"counters", "base",    "control", "test",    "config", "scratch",
                                               "events",   "exact",   "trie",    "meter",   "meters", "keyed",
                                               "table",    "devices", "cpus",    "sockets", "lengths"};
};
template <> struct EnumNames<TargetKind> {
  static constexpr std::string_view names[] = {"device", "cpu", "socket"};
};
template <> struct EnumNames<WhenFull> {
  static constexpr std::string_view names[] = {"evict", "refuse", "drop", "pass"};
};

template <class A> void describe(A& a, Slot& v) {
  a("name", v.name);
  a("kind", v.kind);
}

template <class A> void describe(A& a, Map& v) {
  a("name", v.name);
  a("role", v.role);
  a("type", v.type);
  a("key_size", v.key_size);
  a("value_size", v.value_size);
  a("max_entries", v.max_entries);
  a("flags", v.flags);
  a("row_bytes", v.row_bytes);
  a("spare_per_cpu", v.spare_per_cpu);
}

template <class A> void describe(A& a, Rule& v) {
  a("name", v.name);
  a("slot", v.slot);
  a("line", v.line);
  a("column", v.column);
  a("verdict", v.verdict);
  a("was", v.was);
  a("file", v.file);
}

template <class A> void describe(A& a, Counter& v) {
  a("name", v.name);
  a("slot", v.slot);
  a("map", v.map);
  a("key", v.key);
  a("capacity", v.capacity);
  a("other", v.other);
  a("was", v.was);
}

template <class A> void describe(A& a, PrefixLength& v) {
  a("family", v.family);
  a("length", v.length);
}

template <class A> void describe(A& a, Set& v) {
  a("name", v.name);
  a("index", v.index);
  a("key", v.key);
  a("capacity", v.capacity);
  a("timeout_ns", v.timeout_ns);
  a("when_full", v.when_full);
  a("exact_map", v.exact_map);
  a("trie_map", v.trie_map);
  a("lengths_map", v.lengths_map);
  a("exact_lengths", v.exact_lengths);
  a("full", v.full);
  a("evicted", v.evicted);
  a("count", v.count);
  a("initial", v.initial);
  a("was", v.was);
}

template <class A> void describe(A& a, Meter& v) {
  a("name", v.name);
  a("bits", v.bits);
  a("rate", v.rate);
  a("burst", v.burst);
  a("key", v.key);
  a("capacity", v.capacity);
  a("when_full", v.when_full);
  a("map", v.map);
  a("cell", v.cell);
  a("contended", v.contended);
  a("full", v.full);
  a("evicted", v.evicted);
  a("was", v.was);
}

template <class A> void describe(A& a, EventField& v) {
  a("name", v.name);
  a("kind", v.kind);
  a("offset", v.offset);
}

template <class A> void describe(A& a, Event& v) {
  a("name", v.name);
  a("fields", v.fields);
  a("size", v.size);
  a("lost", v.lost);
  a("unread", v.unread);
}

template <class A> void describe(A& a, Target& v) {
  a("kind", v.kind);
  a("name", v.name);
  a("key", v.key);
  a("map", v.map);
}

template <class A> void describe(A& a, Manifest& v) {
  a("abi", v.abi);
  a("policy", v.policy);
  a("file", v.file);
  a("source_sha256", v.source_sha256);
  a("compiler", v.compiler);
  a("slots", v.slots);
  a("rules", v.rules);
  a("counters", v.counters);
  a("sets", v.sets);
  a("meters", v.meters);
  a("events", v.events);
  a("targets", v.targets);
  a("maps", v.maps);
}

// Writes the text at once: values of a library in between took a tenth of the memory of a large policy.
class Writer {
public:
  explicit Writer(std::string& out) : out_(out) {}

  template <class T> void operator()(const char* key, T& value) {
    out_ += empty_ ? "\"" : ",\"";
    empty_ = false;
    out_ += key;
    out_ += "\":";
    write(value);
  }
  // An absent optional has no key.
  template <class T> void operator()(const char* key, std::optional<T>& value) {
    if (value)
      (*this)(key, *value);
  }

  template <class T> void write(T& value) {
    if constexpr (std::is_same_v<T, std::string>)
      writeText(value);
    else if constexpr (std::is_same_v<T, KeyType>)
      write(value.parts);
    else if constexpr (std::is_same_v<T, KeyKind>)
      writeText(keyKindName(value));
    else if constexpr (std::is_same_v<T, bool>)
      out_ += value ? "true" : "false";
    else if constexpr (std::is_arithmetic_v<T> || std::is_same_v<T, Family>)
      fmt::format_to(std::back_inserter(out_), "{}", static_cast<uint64_t>(value));
    else if constexpr (std::is_enum_v<T>)
      writeText(EnumNames<T>::names[static_cast<size_t>(value)]);
    else
      writeObject(value);
  }

private:
  template <class T> void write(std::vector<T>& values) {
    out_ += '[';
    for (size_t i = 0; i < values.size(); ++i) {
      out_ += i ? "," : "";
      write(values[i]);
    }
    out_ += ']';
  }
  template <class T> void writeObject(T& value) {
    out_ += '{';
    Writer writer(out_);
    describe(writer, value);
    out_ += '}';
  }
  // A file's name need not be UTF-8; JSON is.
  void writeText(std::string_view text) {
    const auto plain = [](char c) { return c >= ' ' && c < 0x7f && c != '"' && c != '\\'; };
    if (std::ranges::all_of(text, plain))
      fmt::format_to(std::back_inserter(out_), "\"{}\"", text);
    else
      out_ += Json(std::string(text)).dump(-1, ' ', false, Json::error_handler_t::replace);
  }

  std::string& out_;
  bool empty_ = true;
};

// Keeps the first problem, with the path to it: "sets[0].capacity is missing".
class Reader {
public:
  Reader(const Json& object, std::string path, std::string& problem)
      : object_(object), path_(path), problem_(problem) {}

  template <class T> void operator()(const char* key, T& value) {
    if (const auto found = object_.find(key); found != object_.end())
      read(*found, path_ + key, value);
    else
      fail(path_ + key, "is missing");
  }
  template <class T> void operator()(const char* key, std::optional<T>& value) {
    if (const auto found = object_.find(key); found != object_.end() && !found->is_null())
      read(*found, path_ + key, value.emplace());
  }

private:
  void fail(const std::string& path, std::string_view what) {
    if (problem_.empty())
      problem_ = fmt::format("`{}` {}", path, what);
  }

  void read(const Json& json, const std::string& path, std::string& value) {
    if (json.is_string())
      value = json.get<std::string>();
    else
      fail(path, "is not a string");
  }
  void read(const Json& json, const std::string& path, bool& value) {
    if (json.is_boolean())
      value = json.get<bool>();
    else
      fail(path, "is not true or false");
  }
  void read(const Json& json, const std::string& path, KeyType& value) { read(json, path, value.parts); }
  void read(const Json& json, const std::string& path, KeyKind& value) {
    const auto kind = json.is_string() ? keyKindByName(json.get_ref<const std::string&>()) : std::nullopt;
    if (kind)
      value = *kind;
    else
      fail(path, "is not the name of a type");
  }
  void read(const Json& json, const std::string& path, Family& value) {
    if (json == 4 || json == 6)
      value = json == 4 ? Family::v4 : Family::v6;
    else
      fail(path, "is neither 4 nor 6");
  }
  template <class T> void read(const Json& json, const std::string& path, std::vector<T>& values) {
    if (!json.is_array())
      return fail(path, "is not a list");
    for (size_t i = 0; i < json.size() && problem_.empty(); ++i)
      read(json[i], fmt::format("{}[{}]", path, i), values.emplace_back());
  }
  template <class T> void read(const Json& json, const std::string& path, T& value) {
    if constexpr (std::is_enum_v<T>)
      readEnum(json, path, value);
    else if constexpr (std::is_integral_v<T>)
      readInteger(json, path, value);
    else if (json.is_object())
      describeInto(json, path, value);
    else
      fail(path, "is not an object");
  }
  template <class T> void describeInto(const Json& json, const std::string& path, T& value) {
    Reader reader(json, path + ".", problem_);
    describe(reader, value);
  }
  template <class T> void readEnum(const Json& json, const std::string& path, T& value) {
    const auto& names = EnumNames<T>::names;
    const auto* found = json.is_string()
                            ? std::find(std::begin(names), std::end(names), json.get_ref<const std::string&>())
                            : std::end(names);
    if (found == std::end(names))
      return fail(path, "has an unknown value");
    value = static_cast<T>(found - std::begin(names));
  }
  template <class T> void readInteger(const Json& json, const std::string& path, T& value) {
    if (!json.is_number_unsigned() || json.get<uint64_t>() > std::numeric_limits<T>::max())
      return fail(path, fmt::format("is not a number of {} bits", 8 * sizeof(T)));
    value = json.get<T>();
  }

  const Json& object_;
  std::string path_;
  std::string& problem_;
};

ManifestError bad(std::string_view what) {
  return {fmt::format("the manifest is not usable: {}", what)};
}

} // namespace

std::optional<uint32_t> mapWithRole(const Manifest& manifest, MapRole role) {
  for (size_t i = 0; i < manifest.maps.size(); ++i)
    if (manifest.maps[i].role == role)
      return static_cast<uint32_t>(i);
  return std::nullopt;
}

uint64_t costOf(const Meter& meter) {
  using u128 = unsigned __int128;
  const u128 second = u128{1'000'000'000} << kMeterShift;
  return static_cast<uint64_t>(meter.bits ? second * 8 / meter.rate : second / meter.rate);
}

uint64_t windowOf(const Meter& meter) {
  return costOf(meter) * meter.burst;
}

std::string toJson(const Manifest& manifest) {
  std::string text;
  Writer(text).write(const_cast<Manifest&>(manifest)); // describe() serves the reader too, which changes its values
  return text;
}

Result<Manifest, ManifestError> manifestFromJson(std::string_view text) {
  const Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded() || !json.is_object())
    return bad("it is not a JSON object");
  std::string problem;
  Manifest manifest;
  // Before all else: a newer layout may lack any other key.
  if (const auto abi = json.find("abi"); abi != json.end() && abi->is_number_unsigned() && *abi > kAbi)
    return ManifestError{fmt::format("made by a newer xdpc (ABI {}, this one reads {})", abi->get<uint64_t>(), kAbi)};
  if (const auto abi = json.find("abi"); abi != json.end() && abi->is_number_unsigned() && *abi < kAbi)
    return ManifestError{fmt::format("made by an older xdpc (ABI {}, this one reads {})", abi->get<uint64_t>(), kAbi)};
  Reader reader(json, "", problem);
  describe(reader, manifest);
  if (problem.empty())
    problem = inconsistency(manifest);
  if (!problem.empty())
    return bad(problem);
  return manifest;
}

} // namespace xdpc::abi
