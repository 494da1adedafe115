// A whole file. The parser takes it piece by piece (top_item, rule_item, test_item, promise), so that it can go on
// after an error; `file` says how the pieces fit together, and the tests hold the parser to it.
#pragma once

#include "grammar/header.h"
#include "grammar/rule.h"
#include "grammar/state.h"
#include "grammar/test.h"

namespace xdpc::grammar {

struct declaration : sor<constant, set_declaration, map_declaration, counter_declaration, meter_declaration,
                         event_declaration, use, extern_declaration, header_declaration, extend_declaration> {};

// What has a block, up to its `{`.
struct policy_head : seq<kw_policy, new_name> {};
struct rules_head : seq<kw_rules, new_name, opt<formerly>> {};
struct test_head : seq<kw_test, title> {};
struct protect_head : seq<kw_protect, title> {};
struct block_head : sor<policy_head, rules_head, test_head, protect_head> {};
struct top_item : sor<declaration, block_head> {};

struct end : eof {};
template <class Item> struct piece : seq<gap, Item, end> {};

struct separators : star<one<' ', '\n', ';'>> {};
struct separator : seq<gap, one<'\n', ';'>, separators> {};
template <class Item>
struct block : seq<one<'{'>, separators, opt<Item, star<separator, Item>>, separators, one<'}'>, gap> {};

struct statement;
struct block_rule : seq<rule_head, block<statement>, opt<kw_else, block<statement>>> {};
struct statement : sor<block_rule, plain_rule> {};
struct fallback_rule : seq<kw_default, not_at<one<':'>>, sor<block<statement>, action>> {};
struct policy_item : sor<fallback_rule, on_verdict, statement> {};

struct policy : seq<policy_head, block<policy_item>> {};
struct rules : seq<rules_head, block<statement>> {};
struct test : seq<test_head, block<test_item>> {};
struct protect : seq<protect_head, block<promise>> {};
struct whole_item : sor<declaration, policy, rules, test, protect> {};
struct file : seq<separators, opt<whole_item, star<separator, whole_item>>, separators, eof> {};

} // namespace xdpc::grammar
