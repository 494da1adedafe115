// Reads a TLS ClientHello (RFC 8446, section 4.1.2) as far as its server name (RFC 6066, section 3).
#include <xdpc.h>

enum { kRecordHandshake = 22, kClientHello = 1, kServerName = 0, kMaxExtensions = 24, kMaxName = 64 };

// Where the list of extensions begins, or 0: behind version, random, session, cipher suites and compression methods.
static u64 extensions(const u8* data, u64 len) {
  u64 at = 5 + 4 + 2 + 32;
  at += 1 + xdpc_u8(data, len, at);
  at += 2 + xdpc_u16(data, len, at);
  at += 1 + xdpc_u8(data, len, at);
  return at + 2 <= len ? at + 2 : 0;
}

// A record of the handshake whose first message is a ClientHello.
bool client_hello(const u8* data, u64 len) {
  return len > 43 && data[0] == kRecordHandshake && data[1] == 3 && data[5] == kClientHello && data[9] == 3;
}

// FNV-1a of the server's name in lower case, or 0 where it is not given.
u32 server_name(const u8* data, u64 len) {
  if (!client_hello(data, len))
    return 0;
  u64 at = extensions(data, len);
  if (at == 0)
    return 0;
  for (int i = 0; i < kMaxExtensions && xdpc_u16(data, len, at) != kServerName; i++)
    at += 4 + xdpc_u16(data, len, at + 2);
  if (!xdpc_has(len, at, 9) || xdpc_u16(data, len, at) != kServerName)
    return 0;
  u64 size = xdpc_u16(data, len, at + 7);
  if (size > kMaxName || !xdpc_has(len, at + 9, size))
    return 0;
  u32 hash = 0x811c9dc5;
  for (u64 i = 0; i < kMaxName; i++) {
    if (i >= size)
      break;
    u8 letter = data[at + 9 + i];
    if (letter >= 'A' && letter <= 'Z')
      letter += 'a' - 'A';
    hash = (hash ^ letter) * 0x01000193;
  }
  return hash;
}
