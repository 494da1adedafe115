// What a loaded program and user space agree on: map contents, byte by byte. Both halves include this file and no other
// code of each other. All integers are in host order unless their type says otherwise. Changing anything here changes
// kAbi: an xdpc of another number refuses the pins, and swaps over them without their state where it is told to.
#pragma once

#include <cstddef>
#include <cstdint>

namespace xdpc::abi {

inline constexpr uint32_t kAbi = 3;

// Counter cells: the map `counters` has one value of rows x row bytes, one row a possible CPU, one cell a slot. A
// program writes only its own CPU's row, without atomics; user space never writes it. What user space adds (a reset,
// counts taken over) lies in the map `base`, one cell a slot. A count is base + the sum over the rows, modulo 2^64.
struct Cell {
  uint64_t packets; // or, for SlotKind::sample, the packets left until the next sample
  uint64_t bytes;
};
inline constexpr uint32_t kRowAlign = 4096;
constexpr uint32_t rowBytes(uint32_t slots) {
  return (slots * uint32_t{sizeof(Cell)} + kRowAlign - 1) / kRowAlign * kRowAlign;
}
// Rows that an object declares for itself, so that any loader can load it; xdpc's own loader resizes to the possible
// CPUs.
inline constexpr uint32_t kDefaultRows = 64;

// `.rodata.config`: written by the loader, then frozen, so that the verifier removes what is off.
struct Config {
  uint32_t abi;
  uint32_t mode; // bits of Mode
  uint32_t rows; // rows of `counters`; a CPU beyond them does not count
  uint32_t reserved0;
  uint64_t trial_deadline; // coarse CLOCK_MONOTONIC, ns
  uint64_t hash_seed;     // of the tables of keyed state; drawn by the loader, so that nobody can choose keys that meet
  uint64_t hash_keys[32]; // made of it by hashKeys, keyed_table.h
};
static_assert(sizeof(Config) == 288);

enum Mode : uint32_t {
  kModeTest = 1, // clock, interface, queue come from the map `test`, and the deciding slot goes there
  kModeTrial = 2,
  kModeCapture = 4,
  kModeCopied = 8, // read headers from a copy, as for frames whose first buffer is short; for tests
  // The program may read struct xdp_buff: the loader has numbered bpf_cast_to_kern_ctx. Not with kModeCopied.
  kModeFragsFlag = 1u << 31,
};

// struct xdp_buff of the kernel (include/net/xdp.h): where its flags are, and the one that says that a frame has more
// buffers than the first. The loader compares with the running kernel's BTF before it sets kModeFragsFlag.
inline constexpr uint32_t kXdpBuffFlags = 52;
inline constexpr uint32_t kXdpHasFrags = 1;
// The "helper" that stands for bpf_cast_to_kern_ctx, whose number is each kernel's own. The loader puts that in where
// it sets kModeFragsFlag; elsewhere the call is never reached and the verifier removes it, so any loader can load it.
inline constexpr uint32_t kCastToKernelContext = 0x78646370;

// The map `test`, used in test mode alone, on both engines.
struct TestState {
  uint64_t now_ns;   // stands in for every clock
  uint32_t ifindex;  // stands in for ctx->ingress_ifindex
  uint32_t rx_queue; // stands in for ctx->rx_queue_index
  uint32_t slot;     // written by the program: the slot of the rule that decided
  uint32_t target;   // written by the program: where `redirect` sends the packet, see redirectTarget
};
static_assert(sizeof(TestState) == 24);

// In test mode a redirect asks no map: devices and CPUs count as present, sockets as absent. What it says instead.
enum class TargetKind : uint8_t { device, cpu, socket };
constexpr uint32_t redirectTarget(TargetKind kind, uint32_t key) {
  return (static_cast<uint32_t>(kind) + 1) << 24 | key;
}
inline constexpr uint32_t kMaxTargetKey = 0xffffff;

// The map `control`: user space writes, programs read.
struct Control {
  uint64_t event_lease_ns;      // events are written while the coarse clock is below it (~0 in tests)
  uint64_t zero;                // always 0, which the verifier does not know
  uint32_t trie_elements[1020]; // by set index: elements in its trie part; 0 spares the program the walk
};
static_assert(sizeof(Control) == 4096);
inline constexpr unsigned kMaxSets = 1020;

// A live element ends at `expires_ns` (CLOCK_MONOTONIC); kNever if it does not. In a set's exact part that is the first
// word of its place (keyed_table.h), and from kEternal on it never ends: the other bits then tell two of them apart.
// Where the set counts, packets and bytes are the words behind it.
inline constexpr uint64_t kNever = ~uint64_t{0};
inline constexpr uint64_t kEternal = uint64_t{1} << 63;
struct TrieElement {   // value of a set's trie part
  uint64_t expires_ns; // the latest of its own and of all elements that cover it: this is what the program compares
  uint64_t own_ns;     // its own
};

// A meter's word: when the bucket is full again, in 1/65536 ns of CLOCK_MONOTONIC, wrapping.
inline constexpr unsigned kMeterShift = 16;

// A keyed counter's words are packets and bytes, added to atomically.

// A record of the ring buffer `events`: this, then the fields as key.h lays them out, in order. `nulls` has a bit a
// field, set where the packet lacks its header; the field's bytes are then zero.
struct EventHeader {
  uint64_t time_ns; // CLOCK_MONOTONIC
  uint32_t slot;    // of the rule
  uint8_t event;    // index in the manifest
  uint8_t verdict;  // Verdict that the statement's block ends in, or kNoVerdict
  uint16_t size;    // of the whole record, bytes
  uint64_t nulls;
};
static_assert(sizeof(EventHeader) == 24);

// XDP actions (uapi/linux/bpf.h, enum xdp_action).
enum Verdict : uint8_t { kAborted = 0, kDrop = 1, kPass = 2, kTx = 3, kRedirect = 4, kNoVerdict = 0xff };

inline constexpr const char* kLicense = "GPL";
inline constexpr const char* kProgramSection = "xdp.frags";
inline constexpr const char* kProgramName = "xdpc";
inline constexpr const char* kManifestSection = ".xdpc.manifest";
inline constexpr const char* kConfigSection = ".rodata.config";

} // namespace xdpc::abi
