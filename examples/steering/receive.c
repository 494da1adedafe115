// Receives what a policy's `redirect to socket NAME` sends, and prints a line a packet. A whole AF_XDP program, in copy
// mode, for one receive queue: receive DEVICE NAME [--queue N] [--count N]. Tested by tests/live/redirect.py.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_xdp.h>
#include <net/if.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define FRAMES 1024u // of the memory that the kernel writes packets to
#define FRAME_BYTES 2048u

static void must(int holds, const char* what) {
  if (holds)
    return;
  fprintf(stderr, "receive: cannot %s: %s\n", what, strerror(errno));
  exit(1);
}

// A ring that the kernel and this program share: one of them produces, the other consumes.
struct ring {
  uint32_t *producer, *consumer;
  void* entries;
};

static struct ring map_ring(int socket, uint64_t page, const struct xdp_ring_offset* at, size_t entry) {
  char* memory =
      mmap(NULL, at->desc + FRAMES * entry, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, socket, (off_t)page);
  must(memory != MAP_FAILED, "map a ring");
  return (struct ring){(uint32_t*)(memory + at->producer), (uint32_t*)(memory + at->consumer), memory + at->desc};
}

static void set_ring_size(int socket, int option) {
  const int size = FRAMES;
  must(setsockopt(socket, SOL_XDP, option, &size, sizeof size) == 0, "size a ring");
}

// The map `xsk.NAME` (the kernel keeps 15 characters) of the XDP program that runs on the device.
static int find_map(int ifindex, const char* name) {
  char wanted[BPF_OBJ_NAME_LEN];
  snprintf(wanted, sizeof wanted, "xsk.%s", name);
  uint32_t program = 0, ids[64] = {0};
  must(bpf_xdp_query_id(ifindex, 0, &program) == 0 && program != 0, "find an XDP program on the device");
  struct bpf_prog_info info = {.nr_map_ids = 64, .map_ids = (uintptr_t)ids};
  uint32_t size = sizeof info;
  const int fd = bpf_prog_get_fd_by_id(program);
  must(fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &size) == 0, "ask for the program's maps");
  close(fd);
  for (uint32_t i = 0; i < info.nr_map_ids && i < 64; ++i) {
    struct bpf_map_info map = {0};
    const int candidate = bpf_map_get_fd_by_id(ids[i]);
    size = sizeof map;
    if (candidate >= 0 && bpf_obj_get_info_by_fd(candidate, &map, &size) == 0 && map.type == BPF_MAP_TYPE_XSKMAP &&
        strcmp(map.name, wanted) == 0)
      return candidate;
    close(candidate);
  }
  fprintf(stderr, "receive: the policy on the device has no `redirect to socket %s`\n", name);
  exit(1);
}

static void say(const uint8_t* frame, uint32_t bytes) {
  printf("%u bytes:", bytes);
  for (uint32_t i = 0; i < bytes; ++i)
    printf("%s%02x", i == 0 ? " " : "", frame[i]);
  printf("\n");
  fflush(stdout);
}

int main(int argc, char** argv) {
  uint32_t queue = 0;
  long count = -1;
  for (int i = 3; i + 1 < argc; i += 2) {
    if (strcmp(argv[i], "--queue") == 0)
      queue = (uint32_t)atol(argv[i + 1]);
    if (strcmp(argv[i], "--count") == 0)
      count = atol(argv[i + 1]);
  }
  if (argc < 3 || argc % 2 == 0) {
    fprintf(stderr, "usage: receive DEVICE NAME [--queue N] [--count N]\n");
    return 2;
  }
  const int ifindex = (int)if_nametoindex(argv[1]);
  must(ifindex != 0, "find the device");
  const int map = find_map(ifindex, argv[2]);

  const int xsk = socket(AF_XDP, SOCK_RAW, 0);
  must(xsk >= 0, "open a socket");
  uint8_t* memory =
      mmap(NULL, (size_t)FRAMES * FRAME_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  must(memory != MAP_FAILED, "get memory");
  const struct xdp_umem_reg umem = {
      .addr = (uintptr_t)memory, .len = (uint64_t)FRAMES * FRAME_BYTES, .chunk_size = FRAME_BYTES};
  must(setsockopt(xsk, SOL_XDP, XDP_UMEM_REG, &umem, sizeof umem) == 0, "register memory");
  set_ring_size(xsk, XDP_UMEM_FILL_RING);
  set_ring_size(xsk, XDP_UMEM_COMPLETION_RING);
  set_ring_size(xsk, XDP_RX_RING);
  struct xdp_mmap_offsets at;
  socklen_t size = sizeof at;
  must(getsockopt(xsk, SOL_XDP, XDP_MMAP_OFFSETS, &at, &size) == 0, "ask for the rings");
  const struct ring fill = map_ring(xsk, XDP_UMEM_PGOFF_FILL_RING, &at.fr, sizeof(uint64_t));
  const struct ring received = map_ring(xsk, XDP_PGOFF_RX_RING, &at.rx, sizeof(struct xdp_desc));

  // All frames are the kernel's to fill; each comes back as soon as it is printed.
  for (uint32_t i = 0; i < FRAMES; ++i)
    ((uint64_t*)fill.entries)[i] = (uint64_t)i * FRAME_BYTES;
  __atomic_store_n(fill.producer, FRAMES, __ATOMIC_RELEASE);
  const struct sockaddr_xdp address = {
      .sxdp_family = AF_XDP, .sxdp_ifindex = (uint32_t)ifindex, .sxdp_queue_id = queue, .sxdp_flags = XDP_COPY};
  must(bind(xsk, (const struct sockaddr*)&address, sizeof address) == 0, "bind to the queue");
  must(bpf_map_update_elem(map, &queue, &xsk, BPF_ANY) == 0, "put the socket into the map");
  printf("ready\n");
  fflush(stdout);

  struct pollfd wait = {.fd = xsk, .events = POLLIN};
  while (count != 0 && poll(&wait, 1, -1) >= 0) {
    uint32_t next = *received.consumer;
    const uint32_t end = __atomic_load_n(received.producer, __ATOMIC_ACQUIRE);
    for (; next != end && count != 0; ++next, --count) {
      const struct xdp_desc* packet = (const struct xdp_desc*)received.entries + next % FRAMES;
      say(memory + packet->addr, packet->len);
      const uint32_t back = *fill.producer;
      ((uint64_t*)fill.entries)[back % FRAMES] = packet->addr - packet->addr % FRAME_BYTES;
      __atomic_store_n(fill.producer, back + 1, __ATOMIC_RELEASE);
    }
    __atomic_store_n(received.consumer, next, __ATOMIC_RELEASE);
  }
  return 0;
}
