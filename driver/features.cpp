// `xdpc features`: what kernel, driver and device can do, in words, and what that means for a policy. Tested by
// tests/live/features.py.
#include "runtime/kernel/features.h"
#include "driver/bounds.h"
#include "driver/commands.h"
#include "driver/kernel_errors.h"
#include "driver/object_of.h"
#include "driver/target.h"
#include "runtime/kernel/netdev.h"
#include "runtime/kernel/netns.h"
#include "runtime/swap/folder.h"
#include "runtime/swap/list.h"

#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

namespace xdpc::driver {

namespace {

using Json = nlohmann::ordered_json;

enum class Verdict {
  fine,
  note, // it works, but …
  bad,  // a policy cannot be attached
};

struct Finding {
  const char* name; // in JSON
  std::string text; // a sentence
  Verdict verdict = Verdict::fine;
  Json value;
};

struct Report {
  std::vector<std::pair<std::string, std::vector<Finding>>> parts;

  void begin(std::string title) { parts.emplace_back(std::move(title), std::vector<Finding>()); }
  void add(const char* name, Json value, Verdict verdict, std::string text) {
    parts.back().second.push_back({name, std::move(text), verdict, std::move(value)});
  }
  bool usable() const {
    for (const auto& [title, findings] : parts)
      for (const Finding& finding : findings)
        if (finding.verdict == Verdict::bad)
          return false;
    return true;
  }
};

Json orNull(const std::optional<bool>& value) {
  return value ? Json(*value) : Json(nullptr);
}

void reportKernel(Report& report, const kernel::KernelFacts& facts, const std::string& bpffs) {
  report.begin("kernel");
  report.add("release", facts.release, Verdict::fine, fmt::format("Linux {}", facts.release));
  const bool perfmon_alone = facts.missing_capabilities == std::vector<std::string>{"CAP_PERFMON"};
  if (facts.missing_capabilities.empty())
    report.add("missing_capabilities", Json::array(), Verdict::fine, "this user may load and attach");
  else
    report.add("missing_capabilities", facts.missing_capabilities, perfmon_alone ? Verdict::note : Verdict::bad,
               fmt::format("missing: {}{}", fmt::join(facts.missing_capabilities, ", "),
                           perfmon_alone ? "; every memory access of a policy is masked"
                                         : "; policies cannot be attached (run it as root)"));
  report.add("programs", orNull(facts.programs), facts.programs == std::optional(false) ? Verdict::bad : Verdict::fine,
             !facts.programs   ? "whether policies load cannot be tried without these"
             : *facts.programs ? "policies load: frames of several buffers, atomics, the coarse clock"
                               : "policies do not load: it takes Linux 5.18, and 6.1 is the oldest that is tested");
  report.add("jit", orNull(facts.jit), facts.jit == std::optional(false) ? Verdict::note : Verdict::fine,
             !facts.jit   ? "whether the JIT compiler is on cannot be read"
             : *facts.jit ? "the JIT compiler is on"
                          : "the JIT compiler is off: policies are interpreted, many times slower "
                            "(`sysctl net.core.bpf_jit_enable=1`)");
  report.add("btf", facts.btf, facts.btf ? Verdict::fine : Verdict::note,
             facts.btf ? "the kernel tells its types (BTF)" : "the kernel does not tell its types (BTF)");
  report.add("frags_flag", facts.frags_flag, Verdict::fine,
             facts.frags_flag ? "a policy sees at once whether a frame has several buffers"
                              : "a policy asks for each frame's length with a helper call, some nanoseconds");
  report.add("inlined_cpu", facts.inlined_cpu, Verdict::fine,
             facts.inlined_cpu ? "counting takes no helper call" : "counting takes a helper call (none from 6.10)");
  if (facts.isa_v4)
    report.add("isa_v4", *facts.isa_v4, Verdict::fine,
               fmt::format("BPF instructions up to version {}; policies use version 3", *facts.isa_v4 ? 4 : 3));
  if (facts.ring_buffer)
    report.add("ring_buffer", *facts.ring_buffer, *facts.ring_buffer ? Verdict::fine : Verdict::bad,
               *facts.ring_buffer ? "ring buffers, for events and captures" : "no ring buffers");
  const auto mounted = swap::requireBpffs(bpffs);
  report.add("bpffs", mounted.ok(), mounted ? Verdict::fine : Verdict::bad,
             mounted ? fmt::format("bpffs is mounted on {}", bpffs)
                     : fmt::format("{}; {}", mounted.error().message, mounted.error().help));
}

struct DeviceReport {
  kernel::Device device;
  kernel::DeviceFacts facts;
  std::optional<bool> native; // nothing: the kernel does not say
};

constexpr uint32_t kLinearMtu = 3506; // of a page, less what XDP needs around the frame

void reportFrames(Report& report, const DeviceReport& device) {
  const uint32_t mtu = device.facts.mtu;
  const auto& features = device.facts.xdp_features;
  if (mtu <= kLinearMtu || device.native == std::optional(false))
    return report.add("mtu", mtu, Verdict::fine, fmt::format("MTU {}", mtu));
  const bool frags = features && (*features & kernel::kXdpFragments);
  report.add("mtu", mtu, frags || !features ? Verdict::fine : Verdict::note,
             fmt::format("MTU {}: frames have several buffers, which {}", mtu,
                         frags       ? "the driver hands to policies, and policies read"
                         : !features ? "some drivers do not hand to programs: attaching tells"
                                     : "the driver does not hand to programs: generic mode, or a smaller MTU"));
}

void reportRedirects(Report& report, const DeviceReport& device) {
  if (!device.facts.xdp_features)
    return;
  const uint64_t features = *device.facts.xdp_features;
  const auto has = [&](uint64_t bit) { return (features & bit) != 0; };
  report.add("redirect", has(kernel::kXdpRedirect), Verdict::fine,
             has(kernel::kXdpRedirect) ? "its packets can be redirected in native mode"
                                       : "its packets cannot be redirected in native mode");
  report.add("transmit", has(kernel::kXdpTransmit), Verdict::fine,
             has(kernel::kXdpTransmit)
                 ? "it is a target of redirects"
                 : "it is no target of redirects now (a veth needs a program or GRO on its peer)");
  report.add("zero_copy", has(kernel::kXdpZeroCopy), Verdict::fine,
             has(kernel::kXdpZeroCopy) ? "AF_XDP sockets without copies" : "AF_XDP sockets with copies");
}

void reportHook(Report& report, const DeviceReport& device, const FeaturesOptions& options) {
  const auto hook = kernel::hookState(device.device);
  if (!hook || hook->program_id == 0)
    return report.add("occupied_by", nullptr, Verdict::fine, "its XDP hook is free");
  const auto all = swap::list(options.bpffs);
  if (all)
    for (const swap::Attached& attached : *all)
      if (attached.ifindex == device.device.ifindex && attached.netns == kernel::currentNetns())
        return report.add("occupied_by", "xdpc", Verdict::fine,
                          fmt::format("it carries the policy {} in {} mode, which `attach` swaps",
                                      attached.manifest.policy, kernel::modeName(hook->mode)));
  const auto stranger = kernel::findStranger(device.device, hook->program_id);
  const std::string program = fmt::format("program {} (`{}`)", stranger.program_id, stranger.program_name);
  if (stranger.program_name == "xdp_dispatcher")
    return report.add("occupied_by", "libxdp", Verdict::bad,
                      fmt::format("it carries libxdp's dispatcher, {}: unload its programs (`xdp-loader unload {} "
                                  "--all`), or attach with --replace, which takes all of them off",
                                  program, device.device.name));
  if (stranger.link_id != 0)
    return report.add("occupied_by", "link", Verdict::bad,
                      fmt::format("it carries {}, which link {}{} holds: stop its owner", program, stranger.link_id,
                                  stranger.holder.empty() ? "" : " of " + stranger.holder));
  report.add("occupied_by", "netlink", Verdict::bad,
             fmt::format("it carries {}, which is not xdpc's: attach with --replace", program));
}

DeviceReport reportDevice(Report& report, const kernel::Device& device, kernel::DeviceFacts facts,
                          const FeaturesOptions& options) {
  DeviceReport result{device, std::move(facts), {}};
  report.begin(fmt::format("device {}", device.name));
  const auto& features = result.facts.xdp_features;
  if (features)
    result.native = (*features & kernel::kXdpBasic) != 0;
  const std::string driver = result.facts.driver.empty() ? "its driver" : fmt::format("driver {}", result.facts.driver);
  report.add("driver", result.facts.driver, Verdict::fine,
             result.facts.driver.empty() ? "its driver has no name" : fmt::format("driver {}", result.facts.driver));
  report.add("native", orNull(result.native), result.native == std::optional(false) ? Verdict::note : Verdict::fine,
             !result.native ? fmt::format("the kernel does not say whether {} has native mode (from 6.3): "
                                          "`attach --mode native` tells",
                                          driver)
             : *result.native
                 ? fmt::format("{} has native mode", driver)
                 : fmt::format("{} has no native mode: policies run in generic mode, several times slower", driver));
  reportFrames(report, result);
  reportRedirects(report, result);
  reportHook(report, result, options);
  return result;
}

void reportTarget(Report& report, const abi::Target& target) {
  if (target.kind == abi::TargetKind::socket)
    return report.add("socket", target.name, Verdict::fine,
                      fmt::format("packets for the socket `{}` pass until a program listens", target.name));
  if (target.kind == abi::TargetKind::cpu)
    return; // a CPU that is missing is said on attaching
  const auto device = kernel::findDevice(target.name);
  if (!device)
    return report.add("target", target.name, Verdict::bad,
                      fmt::format("it redirects to `{}`, which is not there", target.name));
  const auto facts = kernel::deviceFacts(*device);
  const bool unable = facts && facts->xdp_features && !(*facts->xdp_features & kernel::kXdpTransmit);
  report.add("target", target.name, unable ? Verdict::note : Verdict::fine,
             unable ? fmt::format("it redirects to `{}`, which takes no packets of native mode now", target.name)
                    : fmt::format("it redirects to `{}`", target.name));
}

void reportPolicy(Report& report, const object::Object& object, const std::optional<DeviceReport>& device) {
  const abi::Manifest& manifest = object.manifest;
  report.begin(fmt::format("policy {}", manifest.policy));
  report.add("instructions", object.program.size(), Verdict::fine,
             fmt::format("{} instructions", object.program.size()));
  uint64_t bytes = 0;
  for (const abi::Map& map : manifest.maps)
    bytes += bytesOf(map);
  report.add("map_bytes", bytes, Verdict::fine, fmt::format("{} bytes of maps, and more with more CPUs", bytes));
  bool redirects = false;
  for (const abi::Target& target : manifest.targets) {
    redirects = true;
    reportTarget(report, target);
  }
  if (!device)
    return;
  const auto& features = device->facts.xdp_features;
  if (redirects && device->native == std::optional(true) && features && !(*features & kernel::kXdpRedirect))
    report.add("redirect", false, Verdict::note,
               fmt::format("it redirects, which {} cannot do in native mode", device->device.name));
  const bool generic = device->native == std::optional(false) ||
                       (features && device->facts.mtu > kLinearMtu && !(*features & kernel::kXdpFragments));
  report.add("mode", !device->native ? Json(nullptr) : Json(generic ? "generic" : "native"), Verdict::fine,
             !device->native ? "its mode shows when it is attached"
                             : fmt::format("it would run in {} mode", generic ? "generic" : "native"));
}

Json toJson(const Report& report) {
  Json json = {{"schema", kSchema}, {"usable", report.usable()}};
  for (const auto& [title, findings] : report.parts) {
    Json part = Json::object();
    if (const size_t blank = title.find(' '); blank != title.npos)
      part["name"] = title.substr(blank + 1);
    Json notes = Json::array(), problems = Json::array();
    for (const Finding& finding : findings) {
      part[finding.name] = finding.value;
      if (finding.verdict == Verdict::note)
        notes.push_back(finding.text);
      if (finding.verdict == Verdict::bad)
        problems.push_back(finding.text);
    }
    part["notes"] = notes;
    part["problems"] = problems;
    json[title.substr(0, title.find(' '))] = part;
  }
  return json;
}

void printText(const Report& report) {
  for (const auto& [title, findings] : report.parts) {
    printLine("{}{}", &report.parts.front().first == &title ? "" : "\n", title);
    for (const Finding& finding : findings)
      printLine("  {} {}",
                finding.verdict == Verdict::fine   ? " "
                : finding.verdict == Verdict::note ? "~"
                                                   : "!",
                finding.text);
  }
}

} // namespace

int featuresCommand(const FeaturesOptions& options) {
  int code = kFine;
  std::optional<object::Object> object;
  if (!options.file.empty()) {
    object = objectOfFile(options.file, {.warnings = options.warnings, .bounds = options.bounds}, code);
    if (!object)
      return code;
  }
  Report report;
  reportKernel(report, kernel::kernelFacts(), options.bpffs);
  std::optional<DeviceReport> device;
  const auto scope = kernel::NetnsScope::enter(options.netns.empty() ? std::nullopt : std::optional(options.netns));
  if (!scope)
    return fail(scope.error());
  if (!options.device.empty()) {
    const auto found = kernel::findDevice(options.device);
    if (!found)
      return fail(found.error());
    auto facts = kernel::deviceFacts(*found);
    if (!facts)
      return fail(facts.error());
    device = reportDevice(report, *found, std::move(*facts), options);
  }
  if (object)
    reportPolicy(report, *object, device);
  if (options.json)
    printLine("{}", toJson(report).dump());
  else
    printText(report);
  return report.usable() ? kFine : kRefused;
}

} // namespace xdpc::driver
