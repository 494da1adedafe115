// One grammar for conditions and values: whether `( … )` is a group or a tuple, and what is a condition, is the
// checker's matter. An expression is matched as a flat list of operands and operators, which costs no backtracking;
// compiler/parse/expr.cpp applies the precedences.
#pragma once

#include "grammar/lexical.h"

namespace xdpc::grammar {

struct expression;

struct arguments : seq<one<'('>, gap, opt<expression, star<comma, expression>>, close_paren> {};
struct group : seq<one<'('>, gap, expression, star<comma, expression>, opt<comma>, close_paren> {};

struct pair_value : seq<arrow, expression> {};
struct element : seq<expression, opt<pair_value>> {};
struct set_literal : seq<one<'{'>, gap, opt<element, star<comma, element>, opt<comma>>, close_set> {};

struct load : seq<kw_load, bytes_literal> {};
struct last_of : seq<kw_last, name> {};
struct reference : seq<name, opt<arguments>> {};
struct primary : sor<group, set_literal, bytes_literal, load, literal, last_of, reference> {};

struct field_name : any_word {};
struct member : seq<one<'.'>, field_name> {};
struct slice_end : seq<colon, expression> {};
struct index : seq<one<'['>, gap, expression, opt<sor<slice_end, plus<comma, expression>>>, close_index> {};
struct mask_length : seq<gap, one<'/'>, gap, number> {};
struct mask : seq<mask_length, opt<mask_length>> {};
struct postfix : sor<member, index, mask> {};

struct negation : kw_not {};
struct minus_sign : seq<one<'-'>, gap> {};
struct operand : seq<star<sor<negation, minus_sign>>, primary, star<postfix>, gap> {};

// A word is an operator unless it is a field's name in a header: `key: u32 when k  in: u8`.
template <class Word> struct word_operator : seq<Word, not_at<one<':'>, not_at<one<':'>>>> {};
struct symbol_operator : seq<sor<two<'='>, string<'!', '='>, string<'<', '='>, string<'>', '='>, two<'<'>, two<'>'>,
                                 one<'<', '>', '+', '*', '^'>, seq<one<'-'>, not_at<one<'>'>>>,
                                 seq<one<'&'>, not_at<one<'&'>>>, seq<one<'|'>, not_at<one<'|'>>>>,
                             gap> {};
struct binary_operator : sor<symbol_operator, word_operator<kw_and>, word_operator<kw_or>, word_operator<kw_in>,
                             word_operator<seq<kw_not, kw_in>>> {};

// `within` is of `contains` if a bare number follows, else the rule's.
struct any_of : kw_any {};
struct rate_literal : seq<plus<sor<digit, one<'_'>>>, opt<one<'k', 'M', 'G'>>, gap, unit> {};
struct search_limit : seq<kw_within, not_at<rate_literal>, number, gap> {};
struct contains : seq<word_operator<kw_contains>, sor<seq<any_of, operand>, operand>, opt<search_limit>> {};
struct starts_with : seq<kw_starts, kw_with, operand> {};

struct operation : sor<seq<binary_operator, operand>, contains, starts_with> {};
struct expression : seq<operand, star<operation>> {};

struct condition : expression {};
// One operand: the value of a clause, so that what follows is not drawn into it.
struct single : operand {};
struct duration : operand {};

} // namespace xdpc::grammar
