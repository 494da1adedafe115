// See helpers.h. A body checks each pointer it gets; what the kernel's verifier would refuse fails the run.
#include "runtime/vm/helpers.h"

#include "runtime/vm/machine.h"
#include "runtime/vm/ringbuf.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fmt/format.h>

namespace xdpc::vm {
namespace {

constexpr uint64_t kJiffyNs = 4'000'000; // HZ=250, as Debian's kernels

uint64_t error(int code) {
  return uint64_t(int64_t(-code));
}

// A map with keys, not a ring buffer.
Map* keyedMap(Machine& machine, uint64_t handle) {
  Map* map = machine.map(handle);
  if (map && map->ringbuf()) {
    machine.fail(fmt::format("looks for a key in the ring buffer `{}`", map->shape().name));
    return nullptr;
  }
  return map;
}

Ringbuf* ringMap(Machine& machine, uint64_t handle) {
  Map* map = machine.map(handle);
  if (map && !map->ringbuf())
    machine.fail(fmt::format("writes a record to `{}`, which is no ring buffer", map->shape().name));
  return map ? map->ringbuf() : nullptr;
}

uint64_t mapLookup(Machine& machine, const uint64_t* arguments) {
  Map* map = keyedMap(machine, arguments[0]);
  const uint8_t* key = map ? machine.argument(arguments[1], map->shape().key_size, Access::read) : nullptr;
  if (!key)
    return 0;
  auto offset = map->find(key, Touch::yes);
  return offset ? address(map->region, *offset) : 0;
}

uint64_t mapUpdate(Machine& machine, const uint64_t* arguments) {
  Map* map = keyedMap(machine, arguments[0]);
  const uint8_t* key = map ? machine.argument(arguments[1], map->shape().key_size, Access::read) : nullptr;
  const uint8_t* value = key ? machine.argument(arguments[2], map->shape().value_size, Access::read) : nullptr;
  if (!value)
    return 0;
  if (map->shape().flags & BPF_F_RDONLY_PROG)
    return machine.fail(fmt::format("updates `{}`, which is read-only", map->shape().name));
  return uint64_t(int64_t(map->update(key, value, arguments[3])));
}

uint64_t mapDelete(Machine& machine, const uint64_t* arguments) {
  Map* map = keyedMap(machine, arguments[0]);
  const uint8_t* key = map ? machine.argument(arguments[1], map->shape().key_size, Access::read) : nullptr;
  if (!key)
    return 0;
  if (map->shape().flags & BPF_F_RDONLY_PROG)
    return machine.fail(fmt::format("deletes from `{}`, which is read-only", map->shape().name));
  return uint64_t(int64_t(map->erase(key)));
}

uint64_t clock(Machine& machine, const uint64_t*) {
  return machine.now_ns;
}

uint64_t jiffies(Machine& machine, const uint64_t*) {
  return machine.now_ns / kJiffyNs;
}

uint64_t random(Machine& machine, const uint64_t*) {
  uint64_t mixed = machine.random += 0x9e3779b97f4a7c15; // splitmix64
  mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9;
  mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111eb;
  return uint32_t(mixed >> 32);
}

uint64_t processor(Machine&, const uint64_t*) {
  return 0;
}

uint64_t ringReserve(Machine& machine, const uint64_t* arguments) {
  Ringbuf* ring = ringMap(machine, arguments[0]);
  auto offset = ring && arguments[2] == 0 ? ring->reserve(arguments[1]) : std::nullopt;
  return offset ? address(ring->region, *offset) : 0;
}

constexpr uint64_t kWakeupFlags = BPF_RB_NO_WAKEUP | BPF_RB_FORCE_WAKEUP;

uint64_t ringOutput(Machine& machine, const uint64_t* arguments) {
  Ringbuf* ring = ringMap(machine, arguments[0]);
  const uint8_t* data = ring ? machine.argument(arguments[1], arguments[2], Access::read) : nullptr;
  if (!data)
    return 0;
  if (arguments[3] & ~kWakeupFlags)
    return error(EINVAL);
  auto offset = ring->reserve(arguments[2]);
  if (!offset)
    return error(EAGAIN);
  std::memcpy(ring->values() + *offset, data, arguments[2]);
  ring->finish(*offset, Ringbuf::End::submit);
  return 0;
}

uint64_t finishRecord(Machine& machine, uint64_t record, Ringbuf::End end) {
  Ringbuf* ring = machine.ringOf(record);
  if (!ring || !ring->finish(uint32_t(record), end))
    return machine.fail("ends a record that is not reserved");
  return 0;
}

uint64_t ringSubmit(Machine& machine, const uint64_t* arguments) {
  return finishRecord(machine, arguments[0], Ringbuf::End::submit);
}

uint64_t ringDiscard(Machine& machine, const uint64_t* arguments) {
  return finishRecord(machine, arguments[0], Ringbuf::End::discard);
}

bool isContext(Machine& machine, uint64_t pointer) {
  if (pointer != address(kContextRegion, 0))
    machine.fail("gives a helper something else than the context");
  return pointer == address(kContextRegion, 0);
}

uint64_t frameSize(Machine& machine, const uint64_t* arguments) {
  return isContext(machine, arguments[0]) ? machine.memory().frame().size() : 0;
}

// Zero, or the kernel's error for a part that is not in the frame (bpf_xdp_pointer).
int framePart(Machine& machine, uint64_t offset, uint64_t size) {
  if (offset > 0xffff || size > 0xffff)
    return EFAULT;
  return offset + size > machine.memory().frame().size() ? EINVAL : 0;
}

uint64_t loadBytes(Machine& machine, const uint64_t* arguments) {
  uint64_t offset = uint32_t(arguments[1]), size = uint32_t(arguments[3]);
  uint8_t* buffer = isContext(machine, arguments[0]) ? machine.argument(arguments[2], size, Access::write) : nullptr;
  if (!buffer)
    return 0;
  if (int code = framePart(machine, offset, size))
    return error(code);
  std::memmove(buffer, machine.memory().frame().data() + offset, size);
  return 0;
}

uint64_t storeBytes(Machine& machine, const uint64_t* arguments) {
  uint64_t offset = uint32_t(arguments[1]), size = uint32_t(arguments[3]);
  uint8_t* buffer = isContext(machine, arguments[0]) ? machine.argument(arguments[2], size, Access::read) : nullptr;
  if (!buffer)
    return 0;
  if (int code = framePart(machine, offset, size))
    return error(code);
  std::memmove(machine.memory().frame().data() + offset, buffer, size);
  return 0;
}

uint64_t adjustHead(Machine& machine, const uint64_t* arguments) {
  if (!isContext(machine, arguments[0]))
    return 0;
  return machine.memory().moveStart(int32_t(uint32_t(arguments[1]))) ? 0 : error(EINVAL);
}

// The verdict for a key that is not there is in the flags' lower two bits (__bpf_xdp_redirect_map).
uint64_t redirectMap(Machine& machine, const uint64_t* arguments) {
  constexpr uint64_t verdicts = 3;
  Map* map = machine.map(arguments[0]);
  if (!map)
    return 0;
  uint32_t type = map->shape().type;
  if (type != BPF_MAP_TYPE_DEVMAP && type != BPF_MAP_TYPE_CPUMAP && type != BPF_MAP_TYPE_XSKMAP)
    return machine.fail(fmt::format("redirects to `{}`, which holds no targets", map->shape().name));
  if (arguments[2] & ~verdicts)
    return abi::kAborted;
  auto key = uint32_t(arguments[1]);
  bool there = map->find(reinterpret_cast<const uint8_t*>(&key), Touch::no).has_value();
  return there ? uint64_t{abi::kRedirect} : arguments[2] & verdicts;
}

constexpr Helper kHelpers[] = {
    {44, "xdp_adjust_head", adjustHead},  {51, "redirect_map", redirectMap},      {1, "map_lookup_elem", mapLookup},
    {2, "map_update_elem", mapUpdate},    {3, "map_delete_elem", mapDelete},      {5, "ktime_get_ns", clock},
    {7, "get_prandom_u32", random},       {8, "get_smp_processor_id", processor}, {118, "jiffies64", jiffies},
    {125, "ktime_get_boot_ns", clock},    {130, "ringbuf_output", ringOutput},    {131, "ringbuf_reserve", ringReserve},
    {132, "ringbuf_submit", ringSubmit},  {133, "ringbuf_discard", ringDiscard},  {160, "ktime_get_coarse_ns", clock},
    {188, "xdp_get_buff_len", frameSize}, {189, "xdp_load_bytes", loadBytes},     {190, "xdp_store_bytes", storeBytes},
};

// By number, as a call must not search.
constexpr auto kByNumber = [] {
  std::array<const Helper*, 256> table{};
  for (const Helper& helper : kHelpers)
    table[helper.number] = &helper;
  return table;
}();

} // namespace

std::span<const Helper> helpers() {
  return kHelpers;
}

const Helper* findHelper(uint64_t number) {
  return number < kByNumber.size() ? kByNumber[number] : nullptr;
}

} // namespace xdpc::vm
