// Sections are of draft-ietf-opsawg-pcapng.
#include "driver/pcapng.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

namespace xdpc::driver {

namespace {

using Bytes = std::vector<uint8_t>;

enum BlockType : uint32_t { // section 10.1
  kSectionHeader = 0x0a0d0d0a,
  kInterface = 1,
  kStatistics = 5,
  kEnhancedPacket = 6,
};

enum Option : uint16_t {
  kEnd = 0,        // section 3.5
  kComment = 1,    // section 3.5
  kUserAppl = 4,   // section 4.1
  kIfName = 2,     // section 4.2
  kIfTsResol = 9,  // section 4.2
  kEpbQueue = 6,   // section 4.3
  kEpbVerdict = 7, // section 4.3
  kIsbIfRecv = 4,  // section 4.6
  kIsbIfDrop = 5,  // section 4.6
};

constexpr uint32_t kByteOrderMagic = 0x1a2b3c4d; // section 4.1
constexpr uint16_t kEthernet = 1;                // LINKTYPE_ETHERNET
constexpr uint8_t kNanoseconds = 9;              // 10 to the -9th of a second
constexpr uint8_t kXdpVerdict = 2;               // section 4.3: Linux_eBPF_XDP, then the action in 64 bits

template <class T> void add(Bytes& to, T value) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(&value);
  to.insert(to.end(), bytes, bytes + sizeof value);
}

// Section 3.1: all parts end on 32 bits.
void addPadded(Bytes& to, std::span<const uint8_t> bytes) {
  to.insert(to.end(), bytes.begin(), bytes.end());
  to.resize((to.size() + 3) / 4 * 4);
}

void addOption(Bytes& to, Option code, std::span<const uint8_t> value) {
  add<uint16_t>(to, code);
  add<uint16_t>(to, static_cast<uint16_t>(value.size()));
  addPadded(to, value);
}

template <class T> void addNumber(Bytes& to, Option code, T value) {
  addOption(to, code, {reinterpret_cast<const uint8_t*>(&value), sizeof value});
}

void addText(Bytes& to, Option code, std::string_view text) {
  addOption(to, code, {reinterpret_cast<const uint8_t*>(text.data()), std::min<size_t>(text.size(), 0xffff)});
}

void addEnd(Bytes& to) {
  addOption(to, kEnd, {});
}

// Section 4.3: the upper half first, whatever the byte order.
void addTime(Bytes& to, uint64_t time) {
  add(to, static_cast<uint32_t>(time >> 32));
  add(to, static_cast<uint32_t>(time));
}

} // namespace

Result<PcapngWriter, FileError> PcapngWriter::create(const std::string& path) {
  const int fd = path == "-" ? ::dup(STDOUT_FILENO) : ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  FILE* file = fd >= 0 ? ::fdopen(fd, "wb") : nullptr;
  if (!file)
    return FileError{fmt::format("cannot write `{}`: {}", path, std::strerror(errno))};
  std::setvbuf(file, nullptr, _IOFBF, 1 << 20);
  return PcapngWriter(std::unique_ptr<FILE, Close>(file), path);
}

void PcapngWriter::begin() {
  (void)!::ftruncate(::fileno(file_.get()), 0); // a pipe has nothing to cut
  Bytes body;                                   // section 4.1
  add<uint32_t>(body, kByteOrderMagic);
  add<uint16_t>(body, 1);
  add<uint16_t>(body, 0);
  add<int64_t>(body, -1); // its length is not known
  addText(body, kUserAppl, "xdpc " XDPC_VERSION);
  addEnd(body);
  put(kSectionHeader, body);
}

// Section 3.1.
void PcapngWriter::put(uint32_t type, Bytes& body) {
  const auto length = static_cast<uint32_t>(body.size() + 12);
  const uint32_t head[] = {type, length};
  add(body, length);
  std::fwrite(head, 1, sizeof head, file_.get());
  std::fwrite(body.data(), 1, body.size(), file_.get());
}

uint32_t PcapngWriter::addInterface(const std::string& name, uint32_t snap_length) {
  Bytes body; // section 4.2
  add<uint16_t>(body, kEthernet);
  add<uint16_t>(body, 0);
  add(body, snap_length);
  addText(body, kIfName, name);
  addNumber(body, kIfTsResol, kNanoseconds);
  addEnd(body);
  put(kInterface, body);
  return interfaces_++;
}

void PcapngWriter::write(const PcapngPacket& packet) {
  body_.clear(); // section 4.3
  add(body_, packet.interface);
  addTime(body_, packet.time_ns);
  add(body_, static_cast<uint32_t>(packet.bytes.size()));
  add(body_, packet.length);
  addPadded(body_, packet.bytes);
  if (!packet.comment.empty())
    addText(body_, kComment, packet.comment);
  addNumber(body_, kEpbQueue, packet.queue);
  if (packet.verdict) {
    uint8_t verdict[9] = {kXdpVerdict};
    const uint64_t action = *packet.verdict;
    std::memcpy(verdict + 1, &action, sizeof action);
    addOption(body_, kEpbVerdict, verdict);
  }
  addEnd(body_);
  put(kEnhancedPacket, body_);
}

void PcapngWriter::writeStatistics(uint32_t interface, uint64_t time_ns, uint64_t received, uint64_t dropped) {
  Bytes body; // section 4.6
  add(body, interface);
  addTime(body, time_ns);
  addNumber(body, kIsbIfRecv, received);
  addNumber(body, kIsbIfDrop, dropped);
  addEnd(body);
  put(kStatistics, body);
}

bool PcapngWriter::flush() {
  return std::fflush(file_.get()) == 0 && !std::ferror(file_.get());
}

FileError PcapngWriter::error() const {
  return {fmt::format("cannot write `{}`: {}", path_, std::strerror(errno))};
}

} // namespace xdpc::driver
