// A generation: one loaded policy, pinned in `<folder>/g<number>/` as `prog`, `manifest`, `code`, `object`, `ledger`
// and `m0`, `m1` … (maps by their index in the manifest); `k<counter>-<epoch>` hold what keyed counters had counted in
// maps before, `trial` and `tail` belong to a trial. Tested in tests/runtime/attach_test.cpp and swap_test.cpp.
#pragma once

#include "runtime/abi/manifest.h"
#include "runtime/kernel/program.h"
#include "runtime/kernel/trial_program.h"
#include "runtime/swap/folder.h"
#include "runtime/swap/ledger.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace xdpc::swap {

std::filesystem::path generationPath(const Folder& folder, uint32_t number);
std::vector<uint32_t> generations(const Folder& folder); // ascending

// All or nothing. `elf`: the file that it was loaded from, or empty.
Result<Done> pinGeneration(const Folder& folder, uint32_t number, const kernel::LoadedPolicy& policy,
                           const Ledger& ledger, std::span<const uint8_t> elf);
Result<Done> removeGeneration(const Folder& folder, uint32_t number);

// Who may only read gets a descriptor that only reads.
Result<kernel::Fd> openPin(const std::filesystem::path& path);
// Of a trial: its program, and the array that it needs as long as it runs.
Result<Done> pinTrial(const Folder& folder, uint32_t number, const kernel::TrialProgram& trial);
Result<kernel::Fd> openTrial(const Folder& folder, uint32_t number);
// The array of tail calls of its trial.
Result<kernel::Fd> openTail(const Folder& folder, uint32_t number);
Result<kernel::Fd> openProgram(const Folder& folder, uint32_t number);
Result<std::string> readManifestText(const Folder& folder, uint32_t number);
Result<abi::Manifest> readManifest(const Folder& folder, uint32_t number);
// What it was loaded from. not_found if it was pinned without.
Result<std::vector<uint8_t>> readObjectBytes(const Folder& folder, uint32_t number);
Result<kernel::Fd> openMap(const Folder& folder, uint32_t number, uint32_t index); // index in its manifest
Result<std::unique_ptr<kernel::LiveMaps>> openMaps(const Folder& folder, uint32_t number,
                                                   const abi::Manifest& manifest);

// One that is pinned, as a whole.
struct Generation {
  Folder folder;
  uint32_t number = 0;
  abi::Manifest manifest;
  std::string manifest_json;
  std::unique_ptr<kernel::LiveMaps> maps;
  std::optional<Ledger> ledger; // none: made by an xdpc that kept none
  // As the ledger said when it was opened. It may say something else before the maps are read.
  bool carries = false;
  uint64_t epoch = 0;
};
Result<Generation> openGeneration(const Folder& folder, uint32_t number);
Result<std::optional<Ledger>> openLedger(const Folder& folder, uint32_t number);

} // namespace xdpc::swap
