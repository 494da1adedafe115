// A generation: one loaded policy, pinned in `<folder>/g<number>/` as `prog`, `manifest` and `m0`, `m1` … (maps by
// their index in the manifest). Tested in tests/runtime/attach_test.cpp and swap_test.cpp.
#pragma once

#include "runtime/abi/manifest.h"
#include "runtime/kernel/program.h"
#include "runtime/swap/folder.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace xdpc::swap {

std::filesystem::path generationPath(const Folder& folder, uint32_t number);
std::vector<uint32_t> generations(const Folder& folder); // ascending

// All or nothing.
Result<Done> pinGeneration(const Folder& folder, uint32_t number, const kernel::LoadedPolicy& policy);
Result<Done> removeGeneration(const Folder& folder, uint32_t number);

Result<kernel::Fd> openProgram(const Folder& folder, uint32_t number);
Result<std::string> readManifestText(const Folder& folder, uint32_t number);
Result<abi::Manifest> readManifest(const Folder& folder, uint32_t number);
Result<kernel::Fd> openMap(const Folder& folder, uint32_t number, uint32_t index); // index in its manifest
Result<std::unique_ptr<kernel::LiveMaps>> openMaps(const Folder& folder, uint32_t number,
                                                   const abi::Manifest& manifest);

} // namespace xdpc::swap
