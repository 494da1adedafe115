// An instance: the devices that one policy was attached to, with one folder of pins and one lock. Any of its devices
// finds it, by the links that are pinned. Entry points: findInstance, lockInstance. Tested in
// tests/runtime/instance_test.cpp and lock_test.cpp.
#pragma once

#include "runtime/swap/installed.h"

#include <optional>
#include <string>
#include <vector>

namespace xdpc::swap {

// That no policy runs there, or that the pin of its link is gone.
kernel::KernelError notAttached(const Target& target, const Place& place);

// The folder in which the device has a live link, or an unfinished change gives it one. Nothing if there is none. The
// only device of an instance is found where it was moved to, too, as its pins have stayed where they were made. Busy if
// what lies at this device's own place belongs to one that was moved away.
Result<std::optional<Folder>> findInstance(const Target& target, const Place& place);
// That of all these devices. An error that says what is apart if they are not of one instance, not_found if one is of
// none.
Result<Folder> findCommon(const Target& target, const std::vector<Place>& places);

// Under its lock.
struct Instance {
  Folder folder;
  kernel::Fd lock;
  std::string device; // that was named first
  std::optional<Installed> live;
  std::vector<std::string> notes; // which of its devices are gone or elsewhere
};

// Finds it, locks it, and looks at what runs. Nothing has been restored yet.
Result<Instance> lockInstance(const Target& target);
Result<Instance> lockInstance(const Target& target, const std::vector<Place>& places);

// Names of its devices as they are now, or were; in the target's namespace.
std::vector<std::string> deviceNames(const Folder& folder, const Installed& live, const Target& target);
// Those of them that are in the target's namespace and run what their links say: what can be named.
std::vector<uint32_t> devicesHere(const Installed& live, const Target& target);

} // namespace xdpc::swap
