// The folder of an instance's pins, `<bpffs>/xdpc/<netns inode>-<ifindex>/`, named after its first device, and its
// lock. In it lie `link`, for further devices `link-<ifindex>`, and the generations (generation.h). Tested in
// tests/runtime/attach_test.cpp, instance_test.cpp and lock_test.cpp.
#pragma once

#include "runtime/kernel/fd.h"
#include "runtime/swap/target.h"

#include <cstdint>
#include <filesystem>
#include <vector>

namespace xdpc::swap {

// A no_bpffs error that says how to mount it, unless `path` lies on one.
Result<Done> requireBpffs(const std::filesystem::path& path);

struct Folder {
  std::filesystem::path path;
  uint64_t netns = 0;
  uint32_t ifindex = 0; // of the device that it is named after, which may have left

  std::filesystem::path link(uint32_t device) const;
  std::filesystem::path intent() const { return path / "intent"; }
  std::filesystem::path devices() const { return path / "devices"; }
  std::string name() const { return path.filename(); }
};
// `number`: where instances that the device has left have the first names.
Folder folderOf(const std::filesystem::path& bpffs, const Place& place, uint32_t number = 1);
// By interface index: the devices that have a pin of a link in it, whether the link lives or not.
std::vector<uint32_t> linkedDevices(const Folder& folder);
// All that are there, by name.
Result<std::vector<Folder>> allFolders(const std::filesystem::path& bpffs);

kernel::KernelError nothingAttached(const std::string& device);

// One that is not there is no error.
Result<Done> removePin(const std::filesystem::path& path);

enum class IfMissing { fail, create };
// The descriptor of the folder holds the lock until it is closed, so a killed command leaves none behind. Waits
// for another xdpc that has it, two seconds at most: then it is busy. not_found if the folder is missing and is not to
// be made.
Result<kernel::Fd> lockFolder(const Folder& folder, const std::string& device, IfMissing missing);

// An error unless the folder belongs to root or the caller and nobody else may write into it: what lies in it is then
// as xdpc left it, or as somebody did who could load programs anyway.
Result<Done> requireTrusted(const std::filesystem::path& path);

kernel::KernelError notTrusted(const std::string& what, const std::string& why);

// Lets the group read what is pinned, now and by later commands: the folder's own group and mode remember it. The link
// stays its owner's: who may open that may take it off.
Result<Done> shareWithGroup(const Folder& folder, uint32_t group);
// The same for one path that is new in the folder.
void shareAsFolder(const Folder& folder, const std::filesystem::path& path);

// Removes the folder if nothing is in it, and the one that holds those of all devices if this was the last.
void removeIfEmpty(const Folder& folder);

} // namespace xdpc::swap
