// The journal: records one behind another, made valid by one store of how much is used. When it is full, what lasts
// still is written anew into a larger one that takes its name. Tested by tests/live/set_input.py.
#include "runtime/swap/comments.h"

#include "runtime/kernel/mapped_array.h"

#include <algorithm>
#include <atomic>
#include <bpf/bpf.h>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <unistd.h>

namespace xdpc::swap {
namespace {

using kernel::Fd;
using kernel::KernelError;
using kernel::MappedArray;

struct Head {
  uint64_t version; // kVersion
  uint64_t used;    // bytes, this head's among them
};
constexpr uint64_t kVersion = 1;
constexpr size_t kLeastBytes = 64 << 10, kMostBytes = 1 << 30;

enum class Kind : uint16_t { text = 1, element = 2, all = 3 };

// Then `bytes` of text or of a key (abi::encodeKey), and up to eight more. Offsets are of text records.
struct Record {
  Kind kind;
  uint16_t bytes;
  uint32_t set, text; // 0: none
  uint32_t reserved;
  uint64_t expires_ns;
};
static_assert(sizeof(Record) == 24);

constexpr size_t recordBytes(size_t bytes) {
  return (sizeof(Record) + bytes + 7) / 8 * 8;
}

struct Entry {
  std::string text;
  uint64_t expires_ns = 0;
};
using Entries = std::map<std::string, std::map<std::string, Entry>>; // by set and encoded key

std::filesystem::path pathOf(const Folder& folder) {
  return folder.path / "comments";
}

KernelError damaged(const Folder& folder) {
  return {.kind = kernel::ErrorKind::refused,
          .message = fmt::format("the comments in `{}` cannot be read", pathOf(folder).string()),
          .help = "remove that file to go on without them"};
}

// Nothing if there is none.
Result<std::optional<MappedArray>> openJournal(const Folder& folder) {
  Fd fd(bpf_obj_get(pathOf(folder).c_str()));
  if (!fd && (errno == EACCES || errno == EPERM)) {
    LIBBPF_OPTS(bpf_obj_get_opts, options, .file_flags = BPF_F_RDONLY);
    fd = Fd(bpf_obj_get_opts(pathOf(folder).c_str(), &options));
  }
  if (!fd && errno == ENOENT)
    return std::optional<MappedArray>();
  if (!fd)
    return kernel::systemError(fmt::format("cannot open the pin `{}`", pathOf(folder).string()), errno);
  auto map = MappedArray::over(std::move(fd));
  if (!map)
    return map.error();
  const auto& head = *reinterpret_cast<const Head*>(map->bytes().data());
  if (map->bytes().size() < sizeof(Head) || head.version != kVersion || head.used < sizeof(Head) ||
      head.used > map->bytes().size())
    return damaged(folder);
  return std::optional(std::move(*map));
}

// Reads a journal without trust in any of its numbers.
class Reader {
public:
  explicit Reader(std::span<const uint8_t> bytes) : bytes_(bytes) {}

  // False if it is damaged.
  bool run(Entries& out) {
    for (size_t at = sizeof(Head); at < bytes_.size();) {
      if (at + sizeof(Record) > bytes_.size())
        return false;
      Record record;
      std::memcpy(&record, bytes_.data() + at, sizeof record);
      if (at + recordBytes(record.bytes) > bytes_.size())
        return false;
      if (!take(at, record, {reinterpret_cast<const char*>(bytes_.data()) + at + sizeof record, record.bytes}, out))
        return false;
      at += recordBytes(record.bytes);
    }
    return true;
  }

private:
  bool take(size_t at, const Record& record, std::string_view bytes, Entries& out) {
    if (record.kind == Kind::text) {
      texts_.emplace(at, bytes);
      return true;
    }
    const auto set = texts_.find(record.set);
    if (set == texts_.end())
      return false;
    if (record.kind == Kind::all) {
      out.erase(set->second);
      return true;
    }
    const auto text = texts_.find(record.text);
    if (record.kind != Kind::element || (record.text != 0 && text == texts_.end()))
      return false;
    if (record.text == 0)
      out[set->second].erase(std::string(bytes));
    else
      out[set->second][std::string(bytes)] = {text->second, record.expires_ns};
    return true;
  }

  std::span<const uint8_t> bytes_;
  std::map<size_t, std::string> texts_;
};

Result<Entries> readAll(const Folder& folder) {
  Entries entries;
  const auto journal = openJournal(folder);
  if (!journal)
    return journal.error();
  if (!*journal)
    return entries;
  const auto bytes = (*journal)->bytes();
  if (!Reader(bytes.first(reinterpret_cast<const Head*>(bytes.data())->used)).run(entries))
    return damaged(folder);
  return entries;
}

// Records that are to go behind a journal's end.
class Writer {
public:
  explicit Writer(size_t begin) : begin_(begin) {}

  uint32_t text(const std::string& text) {
    const auto [known, fresh] = texts_.try_emplace(text, 0);
    if (fresh)
      known->second = put({.kind = Kind::text}, text);
    return known->second;
  }
  void element(const std::string& set, const std::string& key, const Entry& entry) {
    const uint32_t name = text(set), about = entry.text.empty() ? 0 : text(entry.text);
    put({.kind = Kind::element, .set = name, .text = about, .expires_ns = entry.expires_ns}, key);
  }
  void all(const std::string& set) {
    const uint32_t name = text(set);
    put({.kind = Kind::all, .set = name}, {});
  }
  const std::string& bytes() const { return bytes_; }

private:
  uint32_t put(Record record, std::string_view bytes) {
    const size_t at = bytes_.size();
    record.bytes = static_cast<uint16_t>(bytes.size());
    bytes_.append(reinterpret_cast<const char*>(&record), sizeof record).append(bytes);
    bytes_.resize(at + recordBytes(bytes.size()));
    return static_cast<uint32_t>(begin_ + at);
  }

  size_t begin_;
  std::string bytes_;
  std::map<std::string, uint32_t> texts_;
};

void append(const MappedArray& journal, const std::string& bytes) {
  auto& head = *reinterpret_cast<Head*>(journal.bytes().data());
  std::memcpy(journal.bytes().data() + head.used, bytes.data(), bytes.size());
  std::atomic_ref<uint64_t>(head.used).store(head.used + bytes.size());
}

template <class Write> std::string recordsFrom(size_t begin, const Write& write) {
  Writer writer(begin);
  write(writer);
  return writer.bytes();
}

// What lasts, and room for as much again.
template <class Write> Result<Done> writeAnew(const Folder& folder, const Write& write, uint64_t now_ns) {
  auto entries = readAll(folder);
  if (!entries)
    return entries.error();
  const std::string bytes = recordsFrom(sizeof(Head), [&](Writer& writer) {
    for (const auto& [set, elements] : *entries)
      for (const auto& [key, entry] : elements)
        if (entry.expires_ns > now_ns)
          writer.element(set, key, entry);
    write(writer);
  });
  const size_t size = std::max(kLeastBytes, 2 * (sizeof(Head) + bytes.size()));
  if (size > kMostBytes)
    return KernelError{.kind = kernel::ErrorKind::refused, .message = "there is no room for so many comments"};
  auto journal = MappedArray::create("xdpc_comments", static_cast<uint32_t>(size));
  if (!journal)
    return journal.error();
  *reinterpret_cast<Head*>(journal->bytes().data()) = {kVersion, sizeof(Head)};
  append(*journal, bytes);
  const auto path = pathOf(folder), fresh = folder.path / "comments-new";
  unlink(fresh.c_str());
  if (bpf_obj_pin(journal->fd().get(), fresh.c_str()) != 0 || rename(fresh.c_str(), path.c_str()) != 0)
    return kernel::systemError(fmt::format("cannot pin `{}`", path.string()), errno);
  shareAsFolder(folder, path);
  return Done{};
}

template <class Write> Result<Done> add(const Folder& folder, const Write& write, uint64_t now_ns) {
  const auto journal = openJournal(folder);
  if (!journal)
    return journal.error();
  if (!*journal)
    return writeAnew(folder, write, now_ns);
  const auto bytes = (*journal)->bytes();
  const size_t used = reinterpret_cast<const Head*>(bytes.data())->used;
  const std::string records = recordsFrom(used, write);
  if (records.size() > bytes.size() - used)
    return writeAnew(folder, write, now_ns);
  append(**journal, records);
  return Done{};
}

std::string encoded(const abi::Set& set, const abi::KeyValue& element) {
  const abi::Bytes bytes = abi::encodeKey(set.key, element);
  return {bytes.begin(), bytes.end()};
}

// Under which the set's comments may stand: its former name, unless another set bears it now, and its own.
std::vector<std::string> namesOf(const abi::Manifest& manifest, const abi::Set& set) {
  const auto bears = [&](const abi::Set& other) { return other.name == set.was; };
  if (set.was && std::ranges::none_of(manifest.sets, bears))
    return {*set.was, set.name};
  return {set.name};
}

} // namespace

Result<CommentsOf> readComments(const Folder& folder, const abi::Manifest& manifest, const abi::Set& set,
                                uint64_t now_ns) {
  auto entries = readAll(folder);
  if (!entries)
    return entries.error();
  CommentsOf comments;
  for (const std::string& name : namesOf(manifest, set))
    for (const auto& [key, entry] : (*entries)[name])
      if (entry.expires_ns > now_ns && key.size() == abi::keySize(set.key))
        comments[abi::decodeKey(set.key, {reinterpret_cast<const uint8_t*>(key.data()), key.size()})] = entry.text;
  return comments;
}

Result<Done> writeComments(const Folder& folder, const abi::Manifest& manifest, const abi::Set& set,
                           std::span<const Comment> comments, uint64_t now_ns) {
  if (comments.empty())
    return Done{};
  const auto write = [&](Writer& writer) {
    for (const Comment& comment : comments)
      for (const std::string& name : namesOf(manifest, set))
        if (comment.text.empty() || name == set.name)
          writer.element(name, encoded(set, comment.element), {comment.text, comment.expires_ns});
  };
  return add(folder, write, now_ns);
}

Result<Done> forgetComments(const Folder& folder, const abi::Manifest& manifest, const abi::Set& set, uint64_t now_ns) {
  if (!hasComments(folder))
    return Done{};
  const auto write = [&](Writer& writer) {
    for (const std::string& name : namesOf(manifest, set))
      writer.all(name);
  };
  return add(folder, write, now_ns);
}

bool hasComments(const Folder& folder) {
  return access(pathOf(folder).c_str(), F_OK) == 0;
}

void removeComments(const Folder& folder) {
  unlink(pathOf(folder).c_str());
  unlink((folder.path / "comments-new").c_str());
}

} // namespace xdpc::swap
