// The heap in large pages. A compilation touches some megabytes once, and where the kernel runs in a virtual machine a
// page fault takes up to 20 microseconds: a thousand of them were a sixth of the time from start to attached, and
// those of 100,000 rules take seconds. See docs/decisions/0170-page-faults.md.
#include "driver/heap.h"

#include <algorithm>
#include <climits>
#include <cstdint>
#include <cstdlib>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

namespace {

constexpr uintptr_t kLargePage = uintptr_t{2} << 20;
constexpr int kReserve = 64 << 20; // addresses, not memory: pages come when they are touched
constexpr int kStep = 4 << 20;
constexpr size_t kSmall = 64;

void* volatile unused; // kept, so that the compiler does not take the allocation away

uintptr_t breakNow() {
  return reinterpret_cast<uintptr_t>(sbrk(0));
}

// The first large page from there on.
uintptr_t largePageFrom(uintptr_t address) {
  return (address + kLargePage - 1) & ~(kLargePage - 1);
}

// True where there is one between the two.
bool makeLarge(uintptr_t from, uintptr_t to) {
  const uintptr_t start = largePageFrom(from), end = to & ~(kLargePage - 1);
  return end > start && madvise(reinterpret_cast<void*>(start), end - start, MADV_HUGEPAGE) == 0;
}

// Before the constructors of LLVM's options, which allocate. What fails here costs time only.
[[gnu::constructor(101)]] void useLargePages() {
  mallopt(M_MMAP_THRESHOLD, kReserve); // what is freed is used again instead of given back and faulted in again
  mallopt(M_TRIM_THRESHOLD, kReserve);
  mallopt(M_TOP_PAD, kReserve);
  char* const first = static_cast<char*>(std::malloc(kSmall)); // the heap is made with it, kReserve long
  const uintptr_t after = reinterpret_cast<uintptr_t>(first) + kSmall;
  if (first && makeLarge(after, breakNow()))
    unused = std::malloc(largePageFrom(after) - after); // what lies before the first large page is never touched
  mallopt(M_TOP_PAD, kStep);
}

} // namespace

namespace xdpc::driver {

void expectHeap(size_t bytes) {
  if (bytes <= static_cast<size_t>(kReserve))
    return;
  const uintptr_t before = breakNow();
  mallopt(M_TRIM_THRESHOLD, INT_MAX);
  mallopt(M_TOP_PAD, static_cast<int>(std::min<size_t>(bytes, INT_MAX / 2)));
  unused = std::malloc(kReserve - kSmall); // more than is left, and less than what would be mapped apart from the heap
  std::free(unused);
  mallopt(M_TOP_PAD, kStep);
  makeLarge(before, breakNow());
}

} // namespace xdpc::driver
