// Lines of a test and of a promise.
#pragma once

#include "grammar/rule.h"

namespace xdpc::grammar {

struct packet_field : seq<new_word, equals, expression> {};
struct packet_value : expression {};
struct packet_part
    : seq<any_word,
          opt<seq<one<'('>, gap,
                  opt<sor<seq<packet_field, star<comma, packet_field>>, seq<packet_value, star<comma, packet_value>>>>,
                  close_paren>>> {};
struct next_part : seq<gap, one<'/'>, gap, not_at<kw_truncate, digit>, packet_part> {};
struct truncate : seq<opt<sym<'/'>>, kw_truncate, number, gap> {};
struct packet : seq<packet_part, star<next_part>, gap, opt<truncate>> {};

struct test_target : seq<kw_to, target> {};
struct by_rule : seq<kw_by, new_name> {};
struct becomes : seq<kw_becomes, packet> {};
struct times : seq<kw_times, number, gap> {};
struct expect_packet
    : seq<kw_expect, any_verdict, opt<test_target>, opt<by_rule>, kw_for, packet, star<sor<becomes, times>>> {};

struct comparison_sign : seq<sor<two<'='>, string<'!', '='>, string<'<', '='>, string<'>', '='>, one<'<', '>'>>, gap> {
};
struct counter_key : seq<one<'['>, gap, expression, star<comma, expression>, sym<']'>> {};
// `syn_rate.full`: what is counted by itself.
struct counter_name : seq<name, opt<one<'.'>, any_word>, gap> {};
struct expect_counter : seq<kw_expect, kw_counter, counter_name, opt<counter_key>, comparison_sign, number, gap> {};
struct expect_event : seq<kw_expect, kw_event, new_name, comparison_sign, number, gap> {};
struct expect_has : seq<kw_expect, new_name, kw_has, expression> {};
struct expect_lacks : seq<kw_expect, new_name, kw_lacks, expression> {};
struct given : seq<kw_given, new_name, equals, expression> {};
struct wait : seq<kw_wait, duration> {};
struct test_item : sor<expect_packet, expect_has, expect_lacks, expect_counter, expect_event, given, wait> {};

struct promise : seq<kw_never, any_verdict, when> {};

} // namespace xdpc::grammar
