// Rules and what they do. A rule with a block is matched up to its `{`: compiler/parse/parse.cpp walks the block, so
// that one bad statement does not hide the next.
#pragma once

#include "grammar/state.h"

namespace xdpc::grammar {

struct when : seq<kw_when, condition> {};

struct inline_rate : seq<literal, gap> {};
struct inline_meter : seq<opt<kw_rate>, inline_rate, star<sor<burst, per, capacity, when_full, exact_clock>>> {};
struct meter_use : seq<sor<kw_over, kw_within>, sor<inline_meter, new_name>> {};

struct verdict : sor<kw_pass, kw_drop, kw_abort, kw_tx> {};
struct any_verdict : sor<kw_pass, kw_drop, kw_abort, kw_tx, kw_redirect> {};
struct hash_keys : seq<kw_by, kw_hash, open, expression, star<comma, expression>, close> {};
struct to_dev : seq<kw_dev, bytes_literal, gap> {};
struct to_cpu : seq<kw_cpu, expression> {};
struct to_cpus : seq<kw_cpus, expression, opt<hash_keys>> {};
struct to_socket : seq<kw_socket, new_name> {};
struct target : sor<to_dev, to_cpu, to_cpus, to_socket> {};
struct redirect : seq<kw_redirect, kw_to, target> {};

struct sample : seq<kw_sample, number, gap, sym<'/'>, number, gap> {};
struct count : seq<kw_count, new_name> {};
struct emit : seq<kw_emit, new_name, opt<sample>> {};
struct add : seq<kw_add, expression, kw_to, new_name, opt<kw_for, duration>> {};
struct remove : seq<kw_remove, expression, kw_from, new_name> {};
struct field_value : seq<new_word, equals, expression> {};
struct push : seq<kw_push, new_name, opt<open, opt<field_value, star<comma, field_value>>, close>> {};
struct pop : seq<kw_pop, new_name> {};
struct apply : seq<kw_apply, new_name> {};
struct assign : seq<expression, equals, expression> {};
struct action : sor<verdict, redirect, count, emit, add, remove, push, pop, apply, assign> {};

struct rule_name : seq<not_at<kw_default>, name, gap, opt<formerly>, one<':'>, not_at<one<':'>>, gap> {};
struct plain_rule : seq<opt<rule_name>, action, opt<when>, opt<meter_use>> {};
struct rule_head : seq<opt<rule_name>, when, opt<meter_use>> {};

struct fallback : seq<kw_default, not_at<one<':'>>, opt<action>> {};
struct on_verdict : seq<kw_on, any_verdict, emit, opt<when>> {};

// A statement of a policy, of `rules` or of a block, up to its end or its `{`.
struct rule_item : sor<fallback, on_verdict, rule_head, plain_rule> {};

} // namespace xdpc::grammar
