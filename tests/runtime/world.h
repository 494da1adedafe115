// A world of its own for tests that touch the kernel's network: private mount and network namespaces, a bpffs on
// /sys/fs/bpf and a place for named namespaces. All of it ends with the process, however that ends.
#pragma once

#include "runtime/engine/maps.h"
#include "runtime/kernel/fd.h"
#include "runtime/swap/target.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace xdpc::live {

void enterWorld(); // ends the process with 77 and a typed reason if the machine cannot

void sh(const std::string& command); // the test fails if the command does

// Two ends of a cable, gone with the object. What leaves one arrives at the other.
class Veth {
public:
  // Options as `ip link add` takes them: "mtu 9000".
  explicit Veth(const std::string& name, const std::string& options = "", const std::string& peer_options = "");
  ~Veth();
  Veth(const Veth&) = delete;
  const std::string& name() const { return name_; }
  std::string peer() const { return name_ + "p"; }
  swap::Target target() const { return {.device = name_}; }
  uint32_t ifindex() const;
  uint32_t peerIfindex() const;

private:
  std::string name_;
};

// Takes off whatever a test left attached.
class LiveTest : public testing::Test {
protected:
  void TearDown() override;
};

std::vector<std::string> pins(); // paths below /sys/fs/bpf/xdpc, sorted

// Copies of a frame out of `device`, so that its peer receives them; the peer needs a native program.
void send(uint32_t ifindex, uint32_t count);

// Packets of all rules of the policy that runs there, and of those that are gone.
uint64_t totalCounted(const swap::Target& target);

// Packets counted in slot 0 by the policy, over all rows.
uint64_t packetsOf(const engine::Maps& maps, uint32_t counters = 0);

template <class T> testing::AssertionResult ok(const swap::Result<T>& result) {
  if (result)
    return testing::AssertionSuccess();
  return testing::AssertionFailure() << kernel::toText(result.error());
}

// "kind: message", for comparisons.
template <class T> std::string failure(const swap::Result<T>& result) {
  return result ? "it worked" : kernel::toText(result.error());
}

} // namespace xdpc::live
