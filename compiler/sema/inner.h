// Names that reach into tunnels and behind tags: `vxlan.inner.ip`, `vlan.inner.vlan`. Each packet in a tunnel that a
// name reaches gets headers of its own. Private to sema/.
#pragma once

#include "compiler/sema/expr.h"

namespace xdpc::sema {

// The first `name` behind `header`, up to the next tunnel; nothing where it never follows (an error was reported).
// Either may be a union.
std::optional<ir::HeaderId> innerHeader(Env env, ir::HeaderId header, const ast::Name& name, Span span);

} // namespace xdpc::sema
