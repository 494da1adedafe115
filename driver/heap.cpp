// The heap in large pages. A compilation touches some megabytes once, and where the kernel runs in a virtual machine a
// page fault takes up to 20 microseconds: a thousand of them were a sixth of the time from start to attached. See
// docs/decisions/0170-page-faults.md.
#include <cstdint>
#include <cstdlib>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

namespace {

constexpr uintptr_t kLargePage = uintptr_t{2} << 20;
constexpr int kReserve = 64 << 20; // addresses, not memory: pages come when they are touched
constexpr size_t kSmall = 64;

void* volatile unused; // kept, so that the compiler does not take the allocation away

uintptr_t breakNow() {
  return reinterpret_cast<uintptr_t>(sbrk(0));
}

// Before the constructors of LLVM's options, which allocate. What fails here costs time only.
[[gnu::constructor(101)]] void useLargePages() {
  mallopt(M_MMAP_THRESHOLD, kReserve); // what is freed is used again instead of given back and faulted in again
  mallopt(M_TRIM_THRESHOLD, kReserve);
  mallopt(M_TOP_PAD, kReserve);
  char* const first = static_cast<char*>(std::malloc(kSmall)); // the heap is made with it, kReserve long
  const uintptr_t after = reinterpret_cast<uintptr_t>(first) + kSmall;
  const uintptr_t start = (after + kLargePage - 1) & ~(kLargePage - 1), end = breakNow() & ~(kLargePage - 1);
  if (first && end > start && madvise(reinterpret_cast<void*>(start), end - start, MADV_HUGEPAGE) == 0)
    unused = std::malloc(start - after); // what lies before the first large page is never touched
  mallopt(M_TOP_PAD, 4 << 20);
}

} // namespace
