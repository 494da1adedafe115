// Elements of a policy's sets, changed and read from user space: by `xdpc set`, by tests and on attaching. Two parts as
// in docs/architecture.md: elements of the lengths that the policy itself adds (or of a set without prefixes) lie in
// the exact part, which programs write, too; all others in the trie, which only this code writes. One writer at a time:
// on a live policy the caller holds its lock.
#pragma once

#include "runtime/abi/manifest.h"
#include "runtime/engine/maps.h"

#include <span>
#include <string>
#include <vector>

namespace xdpc::sets {

struct SetError {
  enum class Kind {
    bad_element, // the text is no element of the set's type
    not_found,   // an element to delete is not there
    full,        // the set has its capacity of live elements
    machine,     // a map operation failed
  };
  Kind kind = Kind::machine;
  std::string message; // one line
  std::string fixit;   // bad_element: what to write instead, or empty
  int code = 0;        // machine: errno
};

struct Element {
  abi::KeyValue key;
  uint64_t expires_ns = abi::kNever; // CLOCK_MONOTONIC
  abi::Cell hits{};                  // of a set that counts, in its exact part
};

struct Lifetime {
  uint64_t now_ns = 0;
  std::optional<uint64_t> ttl_ns; // nothing: without an end
  bool replace = false;           // may shorten the time of an element that is there; else the later end stays
};

const abi::Set* findSet(const abi::Manifest& manifest, std::string_view name);

// All texts or the first error.
Result<std::vector<abi::KeyValue>, SetError> parseElements(const abi::Set& set, std::span<const std::string> texts);

// One after another; on an error the ones before it stay added.
Result<Done, SetError> add(engine::Maps& maps, const abi::Manifest& manifest, const abi::Set& set,
                           std::span<const abi::KeyValue> elements, const Lifetime& lifetime);

struct Addition {
  Result<Done, SetError> done;
  uint64_t evicted = 0; // live elements that gave their place away, also before an error
};

// The same with an end of its own for each; the later end stays, and hits are added to those that are there.
Addition addAll(engine::Maps& maps, const abi::Manifest& manifest, const abi::Set& set,
                std::span<const Element> elements, uint64_t now_ns);

// Takes out all that are there, expired ones too, and then says if one was not (not_found). A live element that covers
// it is another element.
Result<Done, SetError> remove(engine::Maps& maps, const abi::Manifest& manifest, const abi::Set& set,
                              std::span<const abi::KeyValue> elements, uint64_t now_ns);

// These elements instead of all that are there. A packet sees all elements of prefixes change at once; those of the
// exact part change one by one, and one that stays is there all the time. Of an element that comes twice the later end
// counts. The set's initial elements have no part in it.
Result<Done, SetError> replace(engine::Maps& maps, const abi::Manifest& manifest, const abi::Set& set,
                               std::span<const Element> elements, uint64_t now_ns);

Result<Done, SetError> clear(engine::Maps& maps, const abi::Manifest& manifest, const abi::Set& set);

// The live elements, sorted by key.
Result<std::vector<Element>, SetError> list(const engine::Maps& maps, const abi::Manifest& manifest,
                                            const abi::Set& set, uint64_t now_ns);

// How many those are, without making a list of them.
Result<size_t, SetError> count(const engine::Maps& maps, const abi::Manifest& manifest, const abi::Set& set,
                               uint64_t now_ns);

// Does a live element cover the key? Asked as the program asks: of each exact length, then of the trie.
Result<bool, SetError> has(const engine::Maps& maps, const abi::Manifest& manifest, const abi::Set& set,
                           const abi::KeyValue& key, uint64_t now_ns);

// The initial contents of one set, or of all, without an end.
Result<Done, SetError> addInitial(engine::Maps& maps, const abi::Manifest& manifest, const abi::Set& set);
Result<Done, SetError> addInitial(engine::Maps& maps, const abi::Manifest& manifest);

} // namespace xdpc::sets
