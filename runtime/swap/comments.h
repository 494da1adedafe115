// Who added an element of a set and why: comments, in a journal of their own beside the generations, so that they live
// on over swaps. A map that user space alone writes, under the device's lock; programs never see it. A comment lasts as
// long as the element was added for: what a rule adds later has none. Tested by tests/live/set_input.py.
#pragma once

#include "runtime/abi/manifest.h"
#include "runtime/swap/folder.h"

#include <map>
#include <span>
#include <string>
#include <vector>

namespace xdpc::swap {

inline constexpr size_t kMaxComment = 255; // bytes

struct Comment {
  abi::KeyValue element;
  std::string text;                  // empty: it has none any more
  uint64_t expires_ns = abi::kNever; // CLOCK_MONOTONIC: the element's end
};

// By element: those that last still.
using CommentsOf = std::map<abi::KeyValue, std::string>;
Result<CommentsOf> readComments(const Folder& folder, const abi::Manifest& manifest, const abi::Set& set,
                                uint64_t now_ns);

// A later comment on an element takes the place of an earlier one.
Result<Done> writeComments(const Folder& folder, const abi::Manifest& manifest, const abi::Set& set,
                           std::span<const Comment> comments, uint64_t now_ns);
// None of the set's elements has one any more.
Result<Done> forgetComments(const Folder& folder, const abi::Manifest& manifest, const abi::Set& set, uint64_t now_ns);
// Nothing at all if no comment was ever made there.
bool hasComments(const Folder& folder);
// With the folder.
void removeComments(const Folder& folder);

} // namespace xdpc::swap
