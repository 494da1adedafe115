// `xdpc save`: policies and the contents of their sets into files. Tested by tests/live/save.py.
#include "driver/commands.h"
#include "driver/file.h"
#include "driver/kernel_errors.h"
#include "driver/open_set.h"
#include "driver/saved.h"
#include "driver/target.h"
#include "runtime/swap/comments.h"
#include "runtime/swap/instance.h"
#include "runtime/swap/list.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>
#include <set>
#include <sys/stat.h>

namespace xdpc::driver {

namespace {

namespace fs = std::filesystem;
using kernel::ErrorKind;
using kernel::KernelError;

int64_t unixNow() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

// What outlives a restart: during a trial that is the policy from before it.
swap::Result<std::optional<swap::Generation>> lastingOf(const swap::LivePolicy& live) {
  if (!live.trial)
    return std::optional<swap::Generation>();
  const auto before = static_cast<uint32_t>(live.ledger ? live.ledger->head().from : 0);
  if (before == 0)
    return KernelError{.kind = ErrorKind::busy,
                       .message =
                           fmt::format("what runs on `{}` is on trial, and nothing ran before", live.device.name),
                       .help = "`xdpc confirm` first"};
  auto generation = swap::openGeneration(live.folder, before);
  if (!generation)
    return generation.error();
  note(fmt::format("a trial is under way on `{}`: the policy from before it is saved", live.device.name));
  return std::optional(std::move(*generation));
}

swap::Result<Done> saveSet(const swap::Generation& policy, const abi::Set& set, Saved& saved) {
  const uint64_t now_ns = monotonicNow();
  const auto elements = sets::list(*policy.maps, policy.manifest, set, now_ns);
  if (!elements)
    return KernelError{.code = elements.error().code, .message = elements.error().message};
  const auto comments = swap::readComments(policy.folder, policy.manifest, set, now_ns);
  if (!comments)
    return comments.error();
  saved.sets.push_back(set.name);
  for (const sets::Element& element : *elements) {
    SavedElement one{.set = set.name, .element = abi::formatKey(set.key, element.key)};
    if (element.expires_ns != abi::kNever)
      one.until_unix_ns = saved.saved_unix_ns + static_cast<int64_t>(element.expires_ns - now_ns);
    if (const auto comment = comments->find(element.key); comment != comments->end())
      one.comment = comment->second;
    saved.elements.push_back(std::move(one));
  }
  return Done{};
}

// All devices of the instance that can be named, as they are to be attached to together.
swap::Result<std::string> devicesOf(const swap::LivePolicy& policy, const swap::Target& target) {
  const auto live = swap::installed(policy.folder);
  if (!live)
    return live.error();
  if (!*live || (*live)->members.size() == 1)
    return policy.device.name;
  const auto names = swap::deviceNames(policy.folder, **live, target);
  const auto here = swap::devicesHere(**live, target);
  std::vector<std::string> named;
  for (size_t i = 0; i < names.size(); ++i)
    if (std::ranges::find(here, (*live)->members[i].ifindex) != here.end())
      named.push_back(names[i]);
  return fmt::format("{}", fmt::join(named, ","));
}

swap::Result<Saved> take(const swap::Target& target) {
  const auto live = swap::open(target, swap::Access::read);
  if (!live)
    return live.error();
  const auto lasting = lastingOf(*live);
  if (!lasting)
    return lasting.error();
  const swap::Generation& policy = *lasting ? **lasting : *live;
  const auto place = swap::locate(target);
  if (!place)
    return place.error();
  auto object = swap::readObjectBytes(policy.folder, policy.number);
  if (!object)
    return object.error();
  const auto devices = devicesOf(*live, target);
  if (!devices)
    return devices.error();
  Saved saved{.device = *devices,
              .netns = target.netns.value_or(""),
              .mode = kernel::modeName(place->hook.mode),
              .policy = policy.manifest.policy,
              .saved_unix_ns = unixNow(),
              .object = std::move(*object)};
  for (const abi::Set& set : policy.manifest.sets)
    if (auto done = saveSet(policy, set, saved); !done)
      return done.error();
  return saved;
}

void say(const Saved& saved, const std::string& path, const SaveOptions& options) {
  if (options.json) {
    const nlohmann::ordered_json out = {{"schema", kSchema},
                                        {"policy", saved.policy},
                                        {"device", saved.device},
                                        {"netns", saved.netns},
                                        {"elements", saved.elements.size()},
                                        {"file", path}};
    printLine("{}", out.dump());
    return;
  }
  printLine("{} of {}, {} element{}, to {}", saved.policy, saved.device, saved.elements.size(),
            saved.elements.size() == 1 ? "" : "s", path);
}

int saveOne(const swap::Target& target, const std::string& output, const SaveOptions& options) {
  const auto saved = take(target);
  if (!saved)
    return fail(saved.error());
  std::error_code failure;
  const std::string path =
      fs::is_directory(output, failure) ? (fs::path(output) / savedName(saved->device, saved->netns)).string() : output;
  const std::string text = toText(*saved);
  if (const auto written = writeFile(path, {reinterpret_cast<const uint8_t*>(text.data()), text.size()}); !written)
    return fail(kRefused, written.error().message);
  say(*saved, path, options);
  return kFine;
}

int saveAll(const SaveOptions& options, const std::string& output) {
  std::error_code failure;
  if (!fs::is_directory(output, failure))
    return fail(kUsage, fmt::format("`{}` is no directory: --all needs one", output));
  const auto all = swap::list(options.target.bpffs);
  if (!all)
    return fail(all.error());
  int code = kFine;
  std::set<fs::path> seen; // devices of one instance are saved together
  for (const swap::Attached& attached : *all) {
    if (!seen.insert(attached.folder.path).second)
      continue;
    if (attached.device.empty() || (!attached.own_netns && attached.netns_name.empty())) {
      warn(fmt::format("interface {} is in a network namespace without a name, and not saved", attached.ifindex));
      continue;
    }
    swap::Target target{.device = attached.device, .bpffs = options.target.bpffs};
    if (!attached.own_netns)
      target.netns = attached.netns_name;
    code = std::max(code, saveOne(target, output, options));
  }
  return code;
}

} // namespace

int saveCommand(const SaveOptions& options) {
  ::umask(077); // who is banned why is nobody else's business
  const std::string output = options.output.empty() ? kStateFolder : options.output;
  if (options.output.empty() && ::mkdir(kStateFolder, 0700) != 0 && errno != EEXIST)
    return fail(kRefused, fmt::format("cannot make `{}`: {}", kStateFolder, std::strerror(errno)));
  if (options.all)
    return saveAll(options, output);
  if (options.target.device.empty())
    return fail(kUsage, "which interface? --dev IF, or --all");
  return saveOne(targetOf(options.target), output, options);
}

} // namespace xdpc::driver
