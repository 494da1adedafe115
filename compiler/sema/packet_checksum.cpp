// Checksums of packets in tests, by the rules of checksum.cpp. Tested by tests/unit/sema/packet_test.cpp.
#include "compiler/sema/packet_layer.h"

namespace xdpc::sema {

namespace {

using ir::Checksum;
using ir::Coverage;
using Bytes = std::vector<uint8_t>;

uint16_t onesComplement(const Bytes& bytes) {
  uint64_t sum = 0;
  for (size_t i = 0; i < bytes.size(); ++i)
    sum += i % 2 ? bytes[i] : uint32_t{bytes[i]} << 8;
  while (sum >> 16)
    sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(~sum);
}

uint32_t crc32c(const Bytes& bytes) {
  uint32_t crc = ~0u;
  for (uint8_t byte : bytes) {
    crc ^= byte;
    for (int i = 0; i < 8; ++i)
      crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  return __builtin_bswap32(~crc); // sent with its lowest byte first
}

void append(Bytes& out, const Layer& ip, const ir::Field& field) {
  const auto* at = ip.bytes.data() + field.bit_offset / 8;
  out.insert(out.end(), at, at + field.bits / 8);
}

// The number under which the IP header knows the transport.
uint8_t protocolNumber(const ir::Header& ip, ir::HeaderId transport) {
  for (const ir::PayloadBy& payload : ip.payload)
    for (const ir::PayloadEntry& entry : payload.entries)
      if (entry.next == transport)
        return static_cast<uint8_t>(entry.value);
  return 0;
}

// Sums up to the same as addresses, length and protocol in any order.
Bytes pseudoHeader(const ir::Policy& policy, const Layer& ip, ir::HeaderId transport, uint32_t length) {
  const ir::Header& header = policy.headers[*ip.header];
  Bytes out;
  for (ir::FieldId id : header.pseudo)
    append(out, ip, header.fields[id]);
  for (int shift = 24; shift >= 0; shift -= 8)
    out.push_back(static_cast<uint8_t>(length >> shift));
  out.push_back(0);
  out.push_back(protocolNumber(header, transport));
  return out;
}

const Layer* networkBefore(const ir::Policy& policy, const std::vector<Layer>& layers, size_t index) {
  while (index-- > 0)
    if (layers[index].header && !policy.headers[*layers[index].header].pseudo.empty())
      return &layers[index];
  return nullptr;
}

Bytes covered(const ir::Policy& policy, const std::vector<Layer>& layers, size_t index, Coverage coverage) {
  if (coverage == Coverage::header)
    return layers[index].bytes;
  Bytes rest;
  for (size_t i = index; i < layers.size(); ++i)
    rest.insert(rest.end(), layers[i].bytes.begin(), layers[i].bytes.end());
  const Layer* ip = coverage == Coverage::rest_with_pseudo ? networkBefore(policy, layers, index) : nullptr;
  if (!ip)
    return rest;
  Bytes all = pseudoHeader(policy, *ip, *layers[index].header, static_cast<uint32_t>(rest.size()));
  all.insert(all.end(), rest.begin(), rest.end());
  return all;
}

void setChecksum(const ir::Policy& policy, std::vector<Layer>& layers, size_t index, const Checksum& checksum) {
  if (layers[index].given[checksum.field])
    return;
  const auto field = placed(policy, layers[index], checksum.field);
  if (!field)
    return;
  const Bytes bytes = covered(policy, layers, index, checksum.coverage);
  uint32_t sum = checksum.coverage == Coverage::crc32c ? crc32c(bytes) : onesComplement(bytes);
  if (sum == 0 && checksum.zero_means_none)
    sum = 0xffff;
  setBits(layers[index].bytes, *field, sum);
}

} // namespace

void setChecksums(const ir::Policy& policy, std::vector<Layer>& layers) {
  // The innermost first: what it writes is covered by those before it.
  for (size_t index = layers.size(); index-- > 0;)
    if (layers[index].header)
      if (const auto& checksum = policy.headers[*layers[index].header].checksum)
        setChecksum(policy, layers, index, *checksum);
}

} // namespace xdpc::sema
