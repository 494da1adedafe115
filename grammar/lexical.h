// Words, symbols, names and literals. The text comes from layout (compiler/parse/layout.h): comments are blanks
// already, and a newline is there only where a statement ends. A rule named kw_… or sym<…> takes the blanks behind it,
// a literal or a name does not. Literals are matched generously: runtime/abi/literal.h says what is wrong with one.
#pragma once

#include "grammar/keywords.h"

#include <tao/pegtl.hpp>
#include <tao/pegtl/contrib/analyze_traits.hpp>

#include <cstddef>
#include <string_view>
#include <utility>

namespace xdpc::grammar {

using namespace tao::pegtl;

struct gap : star<one<' '>> {};

// "drop" as a template argument, and the rule that matches it as a whole word.
template <size_t N> struct Spelling {
  char letters[N];
  constexpr Spelling(const char (&text)[N]) {
    for (size_t i = 0; i < N; ++i)
      letters[i] = text[i];
  }
};
template <Spelling S, class = std::make_index_sequence<sizeof(S.letters) - 1>> struct whole_word;
template <Spelling S, size_t... I> struct whole_word<S, std::index_sequence<I...>> : keyword<S.letters[I]...> {};

// `spelled` is for messages: "expected `to`".
template <Spelling S> struct kw : seq<whole_word<S>, gap> {
  static constexpr auto spelled = S;
};
template <char... C> struct sym : seq<string<C...>, gap> {
  static constexpr Spelling<sizeof...(C) + 1> spelled{{C..., '\0'}};
};

#define XDPC_RESERVED(word, use)                                                                                       \
  struct kw_##word : kw<#word> {};
#define XDPC_WORD(word, use)                                                                                           \
  struct kw_##word : kw<#word> {};
#include "grammar/keywords.def"
#undef XDPC_RESERVED
#undef XDPC_WORD

// A reserved word as a whole. A rule of its own, because alternatives tried in turn took long: names are everywhere.
struct reserved {
  using rule_t = reserved;
  using subs_t = empty_list;
  template <class Input> static bool match(Input& in) {
    const auto rest = static_cast<size_t>(in.end() - in.current());
    size_t length = 0;
    while (length < rest && identifier_other::test(in.current()[length]))
      ++length;
    if (!isReserved(std::string_view(in.current(), length)))
      return false;
    in.bump_in_this_line(length);
    return true;
  }
};

struct comma : sym<','> {};
struct colon : sym<':'> {};
struct open : sym<'('> {};
struct close : sym<')'> {};
struct open_brace : sym<'{'> {};
struct close_brace : sym<'}'> {};
// The closing brackets of an expression leave the blanks to the operand's end.
struct close_paren : string<')'> {};
struct close_set : string<'}'> {};
struct close_index : string<']'> {};
struct equals : seq<one<'='>, not_at<one<'=', '>'>>, gap> {};
struct arrow : sym<'=', '>'> {};
struct maps_to : sym<'-', '>'> {};

// A name of the user's. `any_word` is a name where keywords are names, too: after `.`, before `:` in a header, before
// `=` in a packet.
struct name : seq<not_at<reserved>, identifier> {};
struct any_word : identifier {};
struct new_name : seq<name, gap> {};
struct new_word : seq<any_word, gap> {};

// 443  0x1f  100k  10m  64KiB  200pps: everything glued to the digits belongs to the number.
struct number : seq<digit, star<identifier_other>> {};
struct unit : sor<kw_pps, kw_kpps, kw_Mpps, kw_bps, kw_kbps, kw_Mbps, kw_Gbps> {};

// An address needs two colons to be one of IPv6 (or a MAC), which keeps `payload[0:4]` apart.
struct colon_address
    : seq<star<xdigit>, one<':'>, star<xdigit>, one<':'>, star<sor<identifier_other, one<':', '.', '%'>>>> {};
struct dotted_address : seq<plus<digit>, one<'.'>, star<sor<identifier_other, one<'.'>>>> {};
struct address : sor<colon_address, dotted_address> {};
struct prefix_length : seq<one<'/'>, star<identifier_other>> {};
struct range_end : seq<one<'-'>, sor<address, number>> {};
struct separate_unit : seq<gap, unit> {};
struct literal
    : sor<seq<address, opt<sor<range_end, prefix_length>>>, seq<number, opt<sor<range_end, separate_unit>>>> {};

// "GET " and x"16 03 01"
struct quoted : seq<one<'"'>, until<one<'"'>, sor<seq<one<'\\'>, any>, any>>> {};
struct bytes_literal : sor<quoted, seq<one<'x'>, quoted>> {};
struct title : seq<quoted, gap> {};

} // namespace xdpc::grammar

// It never matches without taking a letter.
template <class Name>
struct tao::pegtl::analyze_traits<Name, xdpc::grammar::reserved> : tao::pegtl::analyze_any_traits<> {};
