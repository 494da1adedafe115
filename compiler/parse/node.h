// What a match of the grammar leaves: the selected rules with their ranges, flat and in order of their begin. A node's
// descendants follow it; `size` counts it and them, so that a subtree is skipped by adding. Made by match.cpp.
#pragma once

#include <cstdint>

namespace xdpc::parse {

// The grammar's rules that leave a node, by their names there. condition, single and their like leave an `expression`.
// clang-format off: it takes a list of macro calls for one expression.
#define XDPC_NODES(X) \
  X(name) X(any_word) X(number) X(unit) X(address) X(prefix_length) X(range_end) X(literal) X(bytes_literal) \
  X(title) X(expression) X(arguments) X(group) X(pair_value) X(set_literal) X(load) X(last_of) X(reference) \
  X(field_name) X(slice_end) X(index) X(mask) X(negation) X(minus_sign) X(binary_operator) X(any_of) X(search_limit) \
  X(contains) X(starts_with) X(type) X(types) X(rate) X(burst) X(per) X(capacity) X(timeout) X(when_full) \
  X(exact_clock) X(hit_count) X(clauses) X(formerly) X(initial) X(constant) X(set_declaration) X(map_declaration) \
  X(counter_declaration) X(meter_declaration) X(event_declaration) X(use) X(extern_parameters) X(extern_declaration) X(when) X(meter_use) X(inline_meter) \
  X(verdict) X(hash_keys) X(to_dev) X(to_cpu) X(to_cpus) X(to_socket) X(redirect) X(sample) X(count) X(emit) X(add) \
  X(remove) X(field_value) X(push) X(pop) X(apply) X(assign) X(rule_name) X(plain_rule) X(rule_head) X(fallback) \
  X(on_verdict) X(header_field) X(field_parts) X(derived_field) X(size_clause) X(length_clause) X(payload_entry) \
  X(payload_by) X(payload_is) X(header_option) X(ahead_mark) X(tunnel_mark) X(extension_mark) X(extension_of) X(alternatives) X(header_declaration) \
  X(extend_declaration) X(policy_head) X(rules_head) X(test_head) X(protect_head) X(packet_field) X(packet_part) \
  X(truncate) X(packet) X(any_verdict) X(test_target) X(by_rule) X(becomes) X(times) X(expect_packet) \
  X(comparison_sign) X(counter_key) X(expect_counter) X(expect_event) X(expect_has) X(expect_lacks) X(given) X(wait) \
  X(promise)
// clang-format on

enum class Kind : uint8_t {
  none,
#define XDPC_NODE(rule) rule,
  XDPC_NODES(XDPC_NODE)
#undef XDPC_NODE
};

struct Node {
  Kind kind = Kind::none;
  uint32_t begin = 0, end = 0; // offsets into the file, blanks behind left out
  uint32_t size = 1;
};

// The direct children of a node, in order.
class Children {
public:
  class Iterator {
  public:
    explicit Iterator(const Node* node) : node_(node) {}
    const Node& operator*() const { return *node_; }
    const Node* operator->() const { return node_; }
    Iterator& operator++() {
      node_ += node_->size;
      return *this;
    }
    bool operator==(const Iterator&) const = default;

  private:
    const Node* node_;
  };

  explicit Children(const Node& parent) : begin_(&parent + 1), end_(&parent + parent.size) {}
  Iterator begin() const { return Iterator(begin_); }
  Iterator end() const { return Iterator(end_); }
  bool empty() const { return begin_ == end_; }

private:
  const Node *begin_, *end_;
};

// The first child of a kind, or null.
inline const Node* find(const Node& parent, Kind kind) {
  for (const Node& child : Children(parent))
    if (child.kind == kind)
      return &child;
  return nullptr;
}

} // namespace xdpc::parse
