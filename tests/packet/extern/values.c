// Numbers and addresses as arguments, results of every width, constant tables.
#include <xdpc.h>

u64 score(u8 ttl, u64 len) {
  return ttl > 200 ? len / 10 : 0;
}

bool odd_host(u32 address) {
  return address & 1;
}

// Halves of an address, the first bytes first.
bool documentation(u64 high, u64 low) {
  return high >> 32 == 0x20010db8 && low != 0;
}

bool local_mac(u64 mac) {
  return mac >> 41 & 1;
}

static const u16 services[] = {22, 80, 443, 8080};

bool known(u16 port) {
  for (unsigned i = 0; i < sizeof(services) / sizeof(services[0]); i++)
    if (services[i] == port)
      return true;
  return false;
}

// An index that the packet gives, into a table with names of its own.
static const char names[4][4] = {"abc", "def", "ghi", "jkl"};

u8 letter(u8 row, u8 column) {
  return names[row & 3][column & 3];
}

bool both(bool syn, bool ack, u16 sport, u16 dport, u32 src, u32 dst, u8 ttl, u8 tos, u32 id) {
  return syn && ack && sport == 1 && dport == 2 && src == 0xc0000201 && dst == 0xc0000202 && ttl == 7 && tos == 4 &&
         id == 9;
}

int negative(void) {
  return -1;
}
