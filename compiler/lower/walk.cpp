// Nodes and leaves of the packet parser.
#include "compiler/lower/walk.h"
#include "compiler/lower/relevance.h"
#include "compiler/plan/needs.h"

namespace xdpc::lower {

namespace {

constexpr size_t kLeastNode = 10; // instructions of a node, at least

} // namespace

Walk::Signature Walk::signature(const Packet& packet) {
  Signature headers;
  for (const auto& [id, value] : packet.headers)
    headers.push_back(id);
  return headers;
}

Place Walk::makePhis(const Place& like) {
  auto phi = [&](llvm::Value* value) -> llvm::Value* { return value ? b.CreatePHI(value->getType(), 4) : nullptr; };
  Place place;
  place.behind_ip = like.behind_ip;
  place.offset = phi(like.offset);
  for (const auto& [id, value] : like.packet.headers)
    place.packet.headers[id] = {phi(value.base), phi(value.offset), phi(value.size), phi(value.present), value.note};
  place.fragmented = phi(like.fragmented);
  for (const auto& [number, value] : like.packet.inner_ip_ends)
    place.packet.inner_ip_ends[number] = phi(value);
  for (const auto& [number, value] : like.packet.inner_last_protocols)
    place.packet.inner_last_protocols[number] = phi(value);
  place.packet.malformed = phi(like.packet.malformed);
  place.packet.unparsed = phi(like.packet.unparsed);
  place.packet.ip_end = phi(like.packet.ip_end);
  place.packet.last_protocol = phi(like.packet.last_protocol);
  return place;
}

void Walk::addIncoming(Place& phis, const Place& from) {
  auto* block = b.GetInsertBlock();
  auto add = [&](llvm::Value* phi, llvm::Value* value) {
    if (phi)
      llvm::cast<llvm::PHINode>(phi)->addIncoming(value, block);
  };
  add(phis.offset, from.offset);
  for (auto& [id, value] : phis.packet.headers) {
    const HeaderValue& incoming = from.packet.headers.at(id);
    add(value.base, incoming.base);
    add(value.offset, incoming.offset);
    add(value.size, incoming.size);
    add(value.present, incoming.present);
  }
  add(phis.fragmented, from.fragmented);
  for (auto& [number, value] : phis.packet.inner_ip_ends)
    add(value, from.packet.inner_ip_ends.at(number));
  for (auto& [number, value] : phis.packet.inner_last_protocols)
    add(value, from.packet.inner_last_protocols.at(number));
  add(phis.packet.malformed, from.packet.malformed);
  add(phis.packet.unparsed, from.packet.unparsed);
  add(phis.packet.ip_end, from.packet.ip_end);
  add(phis.packet.last_protocol, from.packet.last_protocol);
}

void Walk::enter(ir::HeaderId header, unsigned repeats, const Place& place) {
  if (repeats >= plan::maxRepeats(b.policy(), header))
    return tooDeep(place.packet);
  auto key = std::tuple(header, repeats, place.behind_ip, signature(place.packet));
  auto [it, fresh] = index_.try_emplace(key, nodes_.size());
  if (fresh) {
    auto* from = b.GetInsertBlock();
    Node node{b.block(b.policy().headers[header].name), header, repeats, {}};
    b.startBlock(node.block);
    node.place = makePhis(place);
    nodes_.push_back(std::move(node));
    b.startBlock(from);
  }
  Node& node = nodes_[it->second];
  addIncoming(node.place, place);
  b.CreateBr(node.block);
}

void Walk::finish(const Packet& whole) {
  const Packet packet = relevantHeaders(b.program(), whole);
  auto [it, fresh] = leaves_.try_emplace(signature(packet));
  Node& leaf = it->second;
  Place place;
  place.packet = packet;
  if (fresh) {
    auto* from = b.GetInsertBlock();
    leaf.block = b.block("rules");
    b.startBlock(leaf.block);
    leaf.place = makePhis(place);
    b.startBlock(from);
  }
  addIncoming(leaf.place, place);
  b.CreateBr(leaf.block);
}

void Walk::cutShort(ir::HeaderId header, Packet packet) {
  if (b.program().headers[header].checked)
    packet.malformed = b.u64(1);
  finish(packet);
}

void Walk::tooDeep(Packet packet) {
  packet.unparsed = b.u64(1);
  finish(packet);
}

bool Walk::run(const std::function<void(ir::HeaderId, unsigned, const Place&)>& lower_node, size_t max_instructions) {
  for (size_t i = 0; i < nodes_.size(); ++i) { // NOLINT(modernize-loop-convert): they become more
    if (nodes_.size() * kLeastNode > max_instructions)
      return false;
    b.startBlock(nodes_[i].block);
    lower_node(nodes_[i].header, nodes_[i].repeats, nodes_[i].place);
  }
  size_t instructions = 0;
  auto counted = b.function().begin(); // what is made is at the end; leaves may be thousands
  for (auto& [headers, leaf] : leaves_) {
    b.startBlock(leaf.block);
    if (!b.noted.empty()) {
      leaf.place.packet.malformed = b.forgotten(leaf.place.packet.malformed, 1);
      leaf.place.packet.unparsed = b.forgotten(leaf.place.packet.unparsed, 1);
    }
    leaf_(leaf.place.packet);
    for (; counted != b.function().end(); ++counted)
      instructions += counted->size();
    if (instructions > max_instructions)
      return false;
  }
  return true;
}

} // namespace xdpc::lower
