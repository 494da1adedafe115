// Memory that is there before it is touched: the heap in large pages, the code mapped at once. A compilation touches
// some megabytes once, and where the kernel runs in a virtual machine a page fault takes up to 20 microseconds: a
// thousand of them were a sixth of the time from start to attached, and those of 100,000 rules take seconds. See
// docs/decisions/0170-page-faults.md.
#include "driver/memory.h"

#include <algorithm>
#include <atomic>
#include <climits>
#include <cstdint>
#include <cstdlib>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

// Of the linker.
extern "C" const char __executable_start, __bss_start, end;

namespace {

constexpr uintptr_t kLargePage = uintptr_t{2} << 20;
constexpr int kReserve = 64 << 20; // addresses, not memory: pages come when they are touched
constexpr int kStep = 4 << 20;
constexpr int kThreadReserve = 48 << 20;               // less than glibc lets a thread's heap have
constexpr uintptr_t kThreadHeap = uintptr_t{64} << 20; // its alignment, and its size at most
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

// Makes the heap grow by so many bytes, and leaves what lies before its first large page untouched for ever.
void startLarge(int bytes, uintptr_t (*end)(uintptr_t allocated)) {
  mallopt(M_TOP_PAD, bytes);
  char* const first = static_cast<char*>(std::malloc(kSmall)); // the heap is made with it
  const uintptr_t after = reinterpret_cast<uintptr_t>(first) + kSmall;
  if (first && makeLarge(after, end(after)))
    unused = std::malloc(largePageFrom(after) - after);
  mallopt(M_TOP_PAD, kStep);
}

// Before the constructors of LLVM's options, which allocate. What fails here costs time only.
[[gnu::constructor(101)]] void useLargePages() {
  mallopt(M_MMAP_THRESHOLD, kReserve); // what is freed is used again instead of given back and faulted in again
  mallopt(M_TRIM_THRESHOLD, kReserve);
  startLarge(kReserve, [](uintptr_t) { return breakNow(); });
}

// From one address to the other, whatever there is.
void mapNow(const char* from, const char* to, int advice) {
  const uintptr_t page = static_cast<uintptr_t>(getpagesize());
  const uintptr_t start = reinterpret_cast<uintptr_t>(from) & ~(page - 1);
  madvise(reinterpret_cast<void*>(start), reinterpret_cast<uintptr_t>(to) - start, advice);
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

// glibc hands the heaps of threads that have ended to new ones: each is made large once, and there are no more than
// threads at a time.
void expectThreadHeap() {
  constexpr int kHeaps = 4;
  static std::atomic<int> made = 0;
  if (made.fetch_add(1) >= kHeaps)
    return;
  startLarge(kThreadReserve, [](uintptr_t allocated) { return (allocated & ~(kThreadHeap - 1)) + kThreadReserve; });
}

void expectCompiler() {
  static std::atomic<bool> mapped = false;
  if (mapped.exchange(true))
    return;
  mapNow(&__executable_start, &__bss_start, MADV_POPULATE_READ);
  mapNow(&__bss_start, &end, MADV_POPULATE_WRITE);
}

} // namespace xdpc::driver
