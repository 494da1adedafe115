// ioctls for the driver and the MTU; the generic netlink family `netdev` for XDP.
#include "runtime/kernel/netdev.h"

#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <linux/ethtool.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <span>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <vector>

namespace xdpc::kernel {
namespace {

// include/uapi/linux/netdev.h, which Debian 12's headers do not have yet.
constexpr const char* kFamily = "netdev";
constexpr uint8_t kDevGet = 1;          // NETDEV_CMD_DEV_GET
constexpr uint16_t kDevIfindex = 1;     // NETDEV_A_DEV_IFINDEX
constexpr uint16_t kDevXdpFeatures = 3; // NETDEV_A_DEV_XDP_FEATURES

ifreq requestFor(const Device& device) {
  ifreq request{};
  std::strncpy(request.ifr_name, device.name.c_str(), IFNAMSIZ - 1);
  return request;
}

std::string driverOf(const Fd& socket, const Device& device) {
  ethtool_drvinfo info{};
  info.cmd = ETHTOOL_GDRVINFO;
  ifreq request = requestFor(device);
  request.ifr_data = reinterpret_cast<char*>(&info);
  return ioctl(socket.get(), SIOCETHTOOL, &request) == 0 ? info.driver : "";
}

class GenericNetlink {
public:
  GenericNetlink() : socket_(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC)) {}

  // One attribute in, the attributes of the answer out; empty if the kernel refuses.
  std::vector<uint8_t> ask(uint16_t family, uint8_t command, uint16_t attribute, std::span<const uint8_t> value) {
    std::vector<uint8_t> message(NLMSG_HDRLEN + GENL_HDRLEN + NLA_HDRLEN + NLA_ALIGN(value.size()));
    auto* head = reinterpret_cast<nlmsghdr*>(message.data());
    *head = {static_cast<uint32_t>(message.size()), family, NLM_F_REQUEST, 1, 0};
    const genlmsghdr generic{command, 1, 0};
    std::memcpy(message.data() + NLMSG_HDRLEN, &generic, sizeof generic);
    const nlattr attr{static_cast<uint16_t>(NLA_HDRLEN + value.size()), attribute};
    std::memcpy(message.data() + NLMSG_HDRLEN + GENL_HDRLEN, &attr, sizeof attr);
    std::memcpy(message.data() + NLMSG_HDRLEN + GENL_HDRLEN + NLA_HDRLEN, value.data(), value.size());
    std::vector<uint8_t> answer(16384);
    if (!socket_ || ::send(socket_.get(), message.data(), message.size(), 0) < 0)
      return {};
    const ssize_t size = ::recv(socket_.get(), answer.data(), answer.size(), 0);
    const auto* got = reinterpret_cast<const nlmsghdr*>(answer.data());
    if (size < static_cast<ssize_t>(NLMSG_HDRLEN + GENL_HDRLEN) || got->nlmsg_type == NLMSG_ERROR)
      return {};
    const uint8_t* first = answer.data() + NLMSG_HDRLEN + GENL_HDRLEN;
    return std::vector<uint8_t>(first,
                                static_cast<const uint8_t*>(answer.data()) + std::min<size_t>(size, got->nlmsg_len));
  }

private:
  Fd socket_;
};

template <class T> std::optional<T> find(std::span<const uint8_t> attributes, uint16_t type) {
  while (attributes.size() >= NLA_HDRLEN) {
    nlattr attr;
    std::memcpy(&attr, attributes.data(), sizeof attr);
    const size_t length = NLA_ALIGN(attr.nla_len);
    if (attr.nla_len < NLA_HDRLEN || attr.nla_len > attributes.size())
      return std::nullopt;
    if ((attr.nla_type & NLA_TYPE_MASK) == type && attr.nla_len >= NLA_HDRLEN + sizeof(T)) {
      T value;
      std::memcpy(&value, attributes.data() + NLA_HDRLEN, sizeof value);
      return value;
    }
    attributes = attributes.subspan(std::min(length, attributes.size()));
  }
  return std::nullopt;
}

std::optional<uint64_t> xdpFeatures(const Device& device) {
  GenericNetlink netlink;
  const auto* name = reinterpret_cast<const uint8_t*>(kFamily);
  const auto family = find<uint16_t>(
      netlink.ask(GENL_ID_CTRL, CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_NAME, {name, std::strlen(kFamily) + 1}),
      CTRL_ATTR_FAMILY_ID);
  if (!family)
    return std::nullopt;
  const auto* ifindex = reinterpret_cast<const uint8_t*>(&device.ifindex);
  return find<uint64_t>(netlink.ask(*family, kDevGet, kDevIfindex, {ifindex, sizeof device.ifindex}), kDevXdpFeatures);
}

} // namespace

KernelResult<DeviceFacts> deviceFacts(const Device& device) {
  const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request = requestFor(device);
  if (!socket || ioctl(socket.get(), SIOCGIFMTU, &request) != 0)
    return systemError(fmt::format("cannot ask for the MTU of `{}`", device.name), errno);
  return DeviceFacts{driverOf(socket, device), static_cast<uint32_t>(request.ifr_mtu), xdpFeatures(device)};
}

} // namespace xdpc::kernel
