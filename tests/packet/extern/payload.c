// What a C function sees of a payload: its bytes, how many there are, nothing beyond.
#include <xdpc.h>

bool first_is(const u8* data, u64 len, u8 byte) {
  return len > 0 && data[0] == byte;
}

u16 seen(const u8* data, u64 len) {
  return len;
}

// Every byte, in a loop that ends with the payload.
u32 sum(const u8* data, u64 len) {
  u32 total = 0;
  for (u64 i = 0; i < len; i++)
    total += data[i];
  return total;
}

// A list of records: a byte of length, then so many bytes. The offset comes from the packet.
u8 records(const u8* data, u64 len) {
  u64 at = 0;
  u8 count = 0;
  for (int i = 0; i < 32; i++) {
    if (at >= len)
      break;
    at += 1 + data[at];
    count++;
  }
  return at == len ? count : 0;
}

// The same with pointers.
u8 records_by_pointer(const u8* data, u64 len) {
  const u8 *at = data, *end = data + len;
  u8 count = 0;
  for (int i = 0; i < 32 && at < end; i++) {
    at += 1 + *at;
    count++;
  }
  return at == end ? count : 0;
}

u32 word(const u8* data, u64 len, u16 at) {
  return xdpc_u32(data, len, at);
}
