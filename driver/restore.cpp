// `xdpc restore`: puts saved policies back, with the contents of their sets. Tested by tests/live/save.py.
#include "driver/change_json.h"
#include "driver/commands.h"
#include "driver/kernel_errors.h"
#include "driver/object_of.h"
#include "driver/open_set.h"
#include "driver/saved.h"
#include "driver/target.h"
#include "driver/where.h"
#include "runtime/kernel/privilege.h"
#include "runtime/swap/attach.h"
#include "runtime/swap/comments.h"

#include <algorithm>
#include <ctime>
#include <filesystem>

namespace xdpc::driver {

namespace {

namespace fs = std::filesystem;

// What is to be put back on one device: a policy's text, a saved policy, or both.
struct Plan {
  swap::Target target;
  std::optional<Saved> saved;
  std::string policy; // path of its text, or empty: the saved object
};

int64_t unixNow() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

// From the saved wall-clock end to CLOCK_MONOTONIC. Nothing if it is past.
std::optional<uint64_t> endOf(const SavedElement& one, int64_t unix_ns, uint64_t now_ns) {
  if (!one.until_unix_ns)
    return abi::kNever;
  const int64_t left = *one.until_unix_ns - unix_ns;
  return left > 0 ? std::optional(now_ns + static_cast<uint64_t>(left)) : std::nullopt;
}

bool contains(const std::vector<std::string>& all, const std::string& one) {
  return std::ranges::find(all, one) != all.end();
}

// Contents of sets as they were saved, as far as the policy that is put back has these sets.
class Contents {
public:
  Contents(const Saved& saved, const abi::Manifest& before, const abi::Manifest& now)
      : saved_(saved), before_(before), now_(now), unix_ns_(unixNow()), now_ns_(monotonicNow()) {
    for (const std::string& name : saved.sets)
      if (const abi::Set* set = setNow(name))
        addSet(name, *set);
      else
        warn(fmt::format("the policy has no set `{}` any more: its elements are left out", name));
  }

  const std::vector<swap::SetContents>& sets() const { return sets_; }

  swap::Result<Done> comment(const swap::LivePolicy& live) const {
    for (const auto& [name, comments] : comments_)
      if (const abi::Set* set = sets::findSet(live.manifest, name)) {
        if (auto done = swap::forgetComments(live.folder, live.manifest, *set, now_ns_); !done)
          return done;
        if (auto done = swap::writeComments(live.folder, live.manifest, *set, comments, now_ns_); !done)
          return done;
      }
    return Done{};
  }

private:
  const abi::Set* setNow(const std::string& name) const {
    if (const abi::Set* set = sets::findSet(now_, name))
      return set;
    const auto renamed = std::ranges::find_if(now_.sets, [&](const abi::Set& set) { return set.was == name; });
    return renamed == now_.sets.end() ? nullptr : &*renamed;
  }

  void addSet(const std::string& name, const abi::Set& set) {
    swap::SetContents contents{set.name, {}};
    std::vector<swap::Comment> comments;
    size_t strange = 0;
    const abi::Set* old = sets::findSet(before_, name);
    for (const SavedElement& one : saved_.elements) {
      const auto end = one.set == name ? endOf(one, unix_ns_, now_ns_) : std::nullopt;
      const bool declared = old && !one.until_unix_ns && contains(old->initial, one.element);
      if (!end || (declared && !contains(set.initial, one.element)))
        continue;
      auto key = abi::parseKey(set.key, one.element);
      strange += !key;
      if (!key)
        continue;
      if (!one.comment.empty())
        comments.push_back({*key, one.comment, *end});
      contents.elements.push_back({std::move(*key), *end});
    }
    // What the text declares and did not when it was saved.
    for (const std::string& text : set.initial)
      if (!old || !contains(old->initial, text))
        if (auto key = abi::parseKey(set.key, text))
          contents.elements.push_back({std::move(*key), abi::kNever});
    if (strange != 0)
      warn(fmt::format("{} elements of `{}` are none of its type any more: they are left out", strange, name));
    keepCapacity(set, contents.elements);
    sets_.push_back(std::move(contents));
    comments_.emplace_back(set.name, std::move(comments));
  }

  // A smaller set than before: those that end last stay. Nothing protects less than no policy at all.
  static void keepCapacity(const abi::Set& set, std::vector<sets::Element>& elements) {
    if (elements.size() <= set.capacity)
      return;
    warn(fmt::format("`{}` holds {} elements, and had {}: those that end first are left out", set.name, set.capacity,
                     elements.size()));
    std::ranges::stable_sort(elements, std::ranges::greater(), &sets::Element::expires_ns);
    elements.resize(set.capacity);
  }

  const Saved& saved_;
  const abi::Manifest& before_;
  const abi::Manifest& now_;
  int64_t unix_ns_;
  uint64_t now_ns_;
  std::vector<swap::SetContents> sets_;
  std::vector<std::pair<std::string, std::vector<swap::Comment>>> comments_;
};

std::optional<ObjectFile> savedObject(const Saved& saved, int& code) {
  auto object = object::readObject(saved.object);
  if (!object) {
    code = fail(kWrong, fmt::format("the saved policy cannot be read: {}", object.error().message));
    return {};
  }
  return ObjectFile{std::move(*object), saved.object};
}

// The text if it compiles, else what was saved: the last policy that worked is better than none.
std::optional<ObjectFile> choose(const Plan& plan, const std::optional<ObjectFile>& saved, int& code) {
  if (plan.policy.empty())
    return saved;
  const kernel::FilesOnly without;
  auto object = readObjectOf(plan.policy, {}, code);
  if (object || !saved)
    return object;
  warn(fmt::format("`{}` is wrong: the saved policy is put back instead", plan.policy));
  return saved;
}

int restoreOne(const Plan& plan, const RestoreOptions& asked) {
  int code = kFine;
  std::optional<ObjectFile> before;
  if (plan.saved)
    before = savedObject(*plan.saved, code);
  const auto chosen = choose(plan, before, code);
  if (!chosen)
    return code == kFine ? static_cast<int>(kNoObject) : code;
  swap::AttachOptions options;
  if (plan.saved && plan.saved->mode == "generic")
    options.mode = swap::Mode::generic;
  std::optional<Contents> contents;
  if (before)
    contents.emplace(*plan.saved, before->object.manifest, chosen->object.manifest);
  if (contents)
    options.contents = contents->sets();
  const auto attached = swap::attach({chosen->object, std::nullopt, chosen->elf}, plan.target, options);
  if (!attached)
    return fail(attached.error());
  for (const std::string& warning : attached->warnings)
    warn(warning);
  size_t elements = 0;
  for (const swap::SetContents& one : options.contents)
    elements += one.elements.size();
  const std::string& policy = chosen->object.manifest.policy;
  if (asked.json)
    print(attachedJson(*attached, {.name = policy, .elements = elements}));
  else
    printLine("{} on {}, {} element{}", policy, whereText(*attached), elements, elements == 1 ? "" : "s");
  if (!contents)
    return code;
  const auto live = swap::open(plan.target, swap::Access::change);
  if (!live)
    return fail(live.error());
  const auto commented = contents->comment(*live);
  return commented ? code : fail(commented.error());
}

std::string policyOf(const RestoreOptions& options, const std::string& device) {
  if (options.config.empty())
    return {};
  const std::string path = (fs::path(options.config) / (device + ".xf")).string();
  std::error_code failure;
  return fs::exists(path, failure) ? path : std::string();
}

// `path`: of the saved policy; that it is not there is no mistake where there is a text.
int restoreFrom(const RestoreOptions& options, const std::string& path) {
  Plan plan{.target = targetOf(options.target)};
  std::error_code failure;
  const bool exists = fs::exists(path, failure);
  if (!plan.target.device.empty())
    plan.policy = policyOf(options, plan.target.device);
  if (exists || plan.policy.empty()) {
    auto saved = readSaved(path);
    if (!saved && plan.policy.empty())
      return fail(exists ? kRefused : kNoObject, saved.error().message);
    if (saved)
      plan.saved = std::move(*saved);
    else
      warn(fmt::format("{}; the sets begin as `{}` declares them", saved.error().message, plan.policy));
  }
  if (plan.target.device.empty()) {
    plan.target.device = plan.saved->device;
    plan.policy = policyOf(options, plan.target.device);
  }
  if (!plan.target.netns && plan.saved && !plan.saved->netns.empty())
    plan.target.netns = plan.saved->netns;
  return restoreOne(plan, options);
}

int restoreAll(const RestoreOptions& options, const fs::path& folder) {
  std::vector<std::string> paths;
  std::error_code failure;
  for (const auto& entry : fs::directory_iterator(folder, failure))
    if (entry.path().extension() == kSavedSuffix)
      paths.push_back(entry.path());
  if (paths.empty())
    return fail(kNoObject, fmt::format("no saved policy is in `{}`", folder.string()));
  std::ranges::sort(paths);
  int code = kFine;
  for (const std::string& path : paths)
    code = std::max(code, restoreFrom(options, path));
  return code;
}

} // namespace

int restoreCommand(const RestoreOptions& options) {
  const fs::path source = options.source.empty() ? kStateFolder : options.source;
  std::error_code failure;
  if (!options.source.empty() && !fs::is_directory(source, failure))
    return restoreFrom(options, source);
  if (options.target.device.empty())
    return restoreAll(options, source);
  return restoreFrom(options, source / savedName(options.target.device, options.target.netns));
}

} // namespace xdpc::driver
