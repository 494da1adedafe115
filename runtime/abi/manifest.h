// The manifest: all that the runtime needs to know of a policy besides its bytecode. The compiler writes it into the
// object's section `.xdpc.manifest` as JSON; the loader puts the same text into a frozen array map pinned beside the
// program.
#pragma once

#include "runtime/abi/abi.h"
#include "runtime/abi/key.h"
#include "runtime/abi/result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace xdpc::abi {

enum class SlotKind : uint8_t {
  rule,    // packets and bytes of a rule, `name` is the rule's
  counter, // of a plain `counter`
  system,  // kept by the runtime: "banned.full", "banned.evicted", "syn_rate.contended", "flood.lost", "flood.unread",
           // "flow.other"
  sample,  // private to a `sample 1/N` statement
};

struct Slot {
  std::string name;
  SlotKind kind = SlotKind::rule;
};

enum class MapRole : uint8_t {
  counters,
  base,
  control,
  test,
  config,
  scratch,
  events,
  exact,
  trie,
  meter,
  meters,
  keyed,
  table, // read-only, one value: the object carries it in the section of the map's name (`.rodata.…`)
  devices,
  cpus,
  sockets,
  lengths // of a set's prefixes: length_list.h
};

// Enough to create the map with bpf(BPF_MAP_CREATE). `type` and `flags` are the kernel's numbers.
struct Map {
  std::string name; // symbol in the object and, cut to 15 characters, the kernel's name of the map
  MapRole role = MapRole::counters;
  uint32_t type = 0;
  uint32_t key_size = 0;
  uint32_t value_size = 0;  // of `counters`: for kDefaultRows rows
  uint32_t max_entries = 0; // of roles exact, meter and keyed: buckets, see keyed_table.h
  uint32_t flags = 0;
  uint32_t row_bytes = 0;     // role counters: bytes a row; the loader makes value_size = rows * row_bytes
  uint32_t spare_per_cpu = 0; // entries that the loader adds for every possible CPU
};

struct Rule {
  std::string name; // "syn_flood", "default", "#3" for the unnamed third
  uint32_t slot = 0;
  uint32_t line = 0, column = 0;   // in the policy's file, from 1
  std::string verdict;             // "pass", "drop" … or "" where it has none
  std::optional<std::string> was;  // its name before
  std::optional<std::string> file; // base name of the file that it stands in, if that is another than the policy's
};

enum class WhenFull : uint8_t { evict, refuse, drop, pass };

struct Counter {
  std::string name;
  std::optional<uint32_t> slot;  // plain
  std::optional<uint32_t> map;   // keyed: index into maps
  KeyType key;                   // keyed
  uint32_t capacity = 0;         // keyed
  std::optional<uint32_t> other; // keyed: slot that counts what found no place
  std::optional<std::string> was;
};

struct Set {
  std::string name;
  uint32_t index = 0; // in Control::trie_elements
  KeyType key;
  uint32_t capacity = 0;
  uint64_t timeout_ns = 0; // 0: elements do not end unless told
  WhenFull when_full = WhenFull::evict;
  std::optional<uint32_t> exact_map;
  std::optional<uint32_t> trie_map;
  std::optional<uint32_t>
      lengths_map; // all elements lie in the exact part, and this says of which lengths: length_list.h
  // Prefix sets: elements of these lengths lie in the exact part, all others in the trie. With `lengths_map`: those
  // that the policy itself adds, which are not in the list; one for each part that is a prefix, then the next
  // combination.
  std::vector<PrefixLength> exact_lengths;
  std::optional<uint32_t> full;     // slot: additions that found no place
  std::optional<uint32_t> evicted;  // slot: live elements that gave their place away
  bool count = false;               // packets and bytes of each element
  std::vector<std::string> initial; // elements as text, added without an end when the policy is attached
  std::optional<std::string> was;
};

struct Meter {
  std::string name; // "syn_rate"; an inline one has its rule's name
  bool bits = false;
  uint64_t rate = 0;  // packets or bits a second
  uint64_t burst = 0; // packets or bytes
  KeyType key;        // empty: one bucket
  uint32_t capacity = 0;
  WhenFull when_full = WhenFull::evict;
  std::optional<uint32_t> map;  // keyed
  std::optional<uint32_t> cell; // keyless: index of its u64 in the map `meters`
  std::optional<uint32_t> contended;
  std::optional<uint32_t> full;
  std::optional<uint32_t> evicted; // slot: buckets that were not full and gave their place away
  std::optional<std::string> was;
};

// Of a packet, or of a byte, in 1/65,536 ns, rounded down, so that a burst and then rate x time always pass; and of a
// whole burst.
uint64_t costOf(const Meter& meter);
uint64_t windowOf(const Meter& meter);

struct EventField {
  std::string name; // "ip.src"
  KeyKind kind = KeyKind::U32;
  uint32_t offset = 0; // from the record's start, bytes
};

struct Event {
  std::string name;
  std::vector<EventField> fields;
  uint32_t size = 0; // of the whole record
  std::optional<uint32_t> lost;
  std::optional<uint32_t> unread;
};

// Where the policy redirects to: what the loader has to put into a map of role devices or cpus, and which map user
// space puts its AF_XDP sockets into.
struct Target {
  TargetKind kind = TargetKind::device;
  std::string name; // of a device or socket
  uint32_t key = 0; // in the map; of a CPU its number
  uint32_t map = 0;
};

struct Manifest {
  uint32_t abi = kAbi;
  std::string policy;        // its name
  std::string file;          // base name of the file it was compiled from
  std::string source_sha256; // hexadecimal, over the file and all that it uses
  std::string compiler;      // version of xdpc
  std::vector<Slot> slots;
  std::vector<Rule> rules;
  std::vector<Counter> counters;
  std::vector<Set> sets;
  std::vector<Meter> meters;
  std::vector<Event> events;
  std::vector<Target> targets;
  std::vector<Map> maps;
};

// The only map of a role that a policy has once: counters, base, control, test, config, scratch, events, meters.
std::optional<uint32_t> mapWithRole(const Manifest& manifest, MapRole role);

struct ManifestError {
  std::string message;
};

std::string toJson(const Manifest& manifest); // stable: the same manifest, the same bytes
Result<Manifest, ManifestError> manifestFromJson(std::string_view text);

} // namespace xdpc::abi
