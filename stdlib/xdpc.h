// For C functions that a policy names with `extern`. xdpc gives this file to Clang from memory: #include <xdpc.h>.
//
// A payload comes as two parameters, the bytes and how many there are:
//
//     bool client_hello(const u8 *data, u64 len)
//
// `len` is at most XDPC_PAYLOAD_MAX, and less where the payload or its packet ends before. Bytes from `len` on have no
// meaning. Numbers, addresses of IPv4 and MACs come in the host's order; an address of IPv6 comes as two u64, the first
// eight bytes first. A function keeps no state, calls nothing that is defined elsewhere, and every loop needs a bound
// that the kernel's verifier can see.
#ifndef XDPC_H
#define XDPC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

#define XDPC_PAYLOAD_MAX 512

// Whether `bytes` bytes from `at` on are there.
static inline bool xdpc_has(u64 len, u64 at, u64 bytes) {
  return at <= len && bytes <= len - at;
}

// Numbers in network order at `at`, or 0 where they are not wholly there.
static inline u8 xdpc_u8(const u8* data, u64 len, u64 at) {
  return at < len ? data[at] : 0;
}

static inline u16 xdpc_u16(const u8* data, u64 len, u64 at) {
  u16 value;
  if (!xdpc_has(len, at, sizeof(value)))
    return 0;
  __builtin_memcpy(&value, data + at, sizeof(value));
  return __builtin_bswap16(value);
}

static inline u32 xdpc_u32(const u8* data, u64 len, u64 at) {
  u32 value;
  if (!xdpc_has(len, at, sizeof(value)))
    return 0;
  __builtin_memcpy(&value, data + at, sizeof(value));
  return __builtin_bswap32(value);
}

// Whether these bytes stand at `at`.
static inline bool xdpc_equal(const u8* data, u64 len, u64 at, const void* bytes, u64 size) {
  if (!xdpc_has(len, at, size))
    return false;
  for (u64 i = 0; i < size; i++)
    if (data[at + i] != ((const u8*)bytes)[i])
      return false;
  return true;
}

#endif
