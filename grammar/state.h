// Constants and state: const, set, map, counter, meter, event, and what lies in other files: `use` and `extern`.
#pragma once

#include "grammar/expression.h"

namespace xdpc::grammar {

// ip.prefix, (ip, port)
struct type : seq<any_word, star<one<'.'>, any_word>> {};
struct spaced_type : seq<type, gap> {};
struct types : sor<seq<open, spaced_type, star<comma, spaced_type>, close>, spaced_type> {};

struct rate : seq<kw_rate, single> {};
struct burst : seq<kw_burst, single> {};
struct per : seq<kw_per, single, star<comma, single>> {};
struct capacity : seq<kw_capacity, single> {};
struct timeout : seq<kw_timeout, duration> {};
struct when_full : seq<kw_when, kw_full, new_word> {};
struct exact_clock : seq<kw_clock, kw_exact> {};
struct hit_count : kw_count {};
struct clause : sor<rate, burst, per, capacity, timeout, when_full, exact_clock, hit_count> {};
struct clauses : seq<open_brace, star<clause>, close_brace> {};

struct formerly : seq<kw_was, new_name> {};
struct initial : seq<equals, expression> {};

struct constant : seq<kw_const, new_name, equals, expression> {};
struct set_declaration : seq<kw_set, new_name, opt<formerly>, kw_of, types, opt<clauses>, opt<initial>> {};
struct map_declaration : seq<kw_map, new_name, kw_of, types, maps_to, types, opt<initial>> {};
struct counter_declaration : seq<kw_counter, new_name, opt<formerly>, opt<clauses>> {};
struct meter_declaration : seq<kw_meter, new_name, opt<formerly>, clauses> {};
struct event_declaration
    : seq<kw_event, new_name, open_brace, expression, star<comma, expression>, opt<comma>, close_brace> {};
struct use : seq<kw_use, title> {};

// extern "tls.c" fn client_hello(payload, port) -> bool
struct extern_parameters : seq<open, opt<spaced_type, star<comma, spaced_type>>, close> {};
struct extern_declaration : seq<kw_extern, title, kw_fn, new_name, extern_parameters, maps_to, spaced_type> {};

} // namespace xdpc::grammar
