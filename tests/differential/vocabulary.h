// What generated policies and packets are made of: the headers and fields that the standard library declares, and
// values that meet each other often. Nothing here names a field: a new one is in the tests by itself.
#pragma once

#include "tests/differential/compiled.h"
#include "tests/differential/random.h"

namespace xdpc::differential {

// A field as conditions and statements name it.
struct FieldName {
  std::string header, name; // "tcp", "dport"
  ir::HeaderId header_id = 0;
  ir::Type type;
  unsigned bits = 0; // of its values
  bool on_wire = false, has_parts = false;
  bool is_flag = false;    // an option without a value: a condition alone
  bool optional = false;   // not always there, or an option
  bool assignable = false; // by a policy
  std::string text() const { return header + "." + name; }
};

class Vocabulary {
public:
  explicit Vocabulary(const std::string& declarations = "");

  const ir::Policy& library() const { return library_->policy; }
  const ir::Header& header(ir::HeaderId id) const { return library().headers[id]; }
  const std::vector<FieldName>& fields() const { return fields_; }
  std::vector<FieldName> fieldsOf(ir::HeaderId id) const;

  // Headers that are declared: parts of others have no names of their own.
  std::vector<ir::HeaderId> headers() const;
  // What can follow a header, each once.
  enum class Tunnels { entered, left_out };
  std::vector<ir::HeaderId> followers(ir::HeaderId id, Tunnels tunnels = Tunnels::entered) const;
  // The fields of some header behind this one, up to the next tunnel: "vxlan.inner.ip". Depth::two: behind another
  // one there. None where nothing follows.
  enum class Depth { one, two };
  std::vector<FieldName> fieldsBehind(ir::HeaderId outer, Depth depth, Random& random) const;
  // Ways from the frame's start to the header, each without `eth`: {"vlan", "ipv4"}. The shortest first.
  std::vector<std::vector<std::string>> ways(ir::HeaderId id) const;

  // A literal of the type; often one that other calls give, too.
  std::string literal(const ir::Type& type, unsigned bits, Random& random) const;
  uint64_t number(unsigned bits, Random& random) const;
  std::string address(ir::TypeKind kind, Random& random) const;

private:
  void markAssignable();
  std::vector<ir::HeaderId> behind(ir::HeaderId outer) const;

  std::string declarations_;
  std::unique_ptr<Compiled> library_;
  std::vector<FieldName> fields_;
  std::vector<uint64_t> numbers_; // selectors of payload tables and other values with a meaning
};

} // namespace xdpc::differential
