// Headers of packets: fields, sizes, and what follows.
#pragma once

#include "grammar/rule.h"

namespace xdpc::grammar {

struct field_part;
struct field_parts : seq<open_brace, star<field_part>, close_brace> {};
// The first field's name is told from a clause by its colon: `length: u16`.
struct ahead_mark : seq<kw_ahead, not_at<one<':', '='>>> {}; // else the next field's name
struct header_field : seq<new_word, colon, spaced_type, opt<ahead_mark>, opt<field_parts>, opt<when>> {};
struct field_part : header_field {};
struct derived_field : seq<new_word, equals, expression> {};

struct size_clause : seq<kw_size, expression> {};
struct length_clause : seq<kw_length, expression> {};
struct payload_entry : seq<expression, pair_value> {};
struct payload_table : seq<open_brace, opt<payload_entry, star<comma, payload_entry>, opt<comma>>, close_brace> {};
struct payload_by : seq<kw_payload, kw_by, new_word, opt<when>, opt<payload_table>> {};
struct payload_is : seq<kw_payload, new_word, opt<when>> {};
// A number, then one field, a bare name for an option without a value, or several fields.
struct header_option : seq<kw_option, number, gap, sor<field_parts, header_field, new_word>> {};
struct header_item
    : sor<header_field, derived_field, header_option, size_clause, length_clause, payload_by, payload_is> {};
struct header_body : seq<open_brace, star<header_item>, close_brace> {};

struct tunnel_mark : kw_tunnel {};
struct extension_mark : kw_extension {};
struct extension_of : seq<kw_of, new_name> {};
struct alternatives : seq<equals, new_name, star<sym<'|'>, new_name>> {};
struct header_declaration : seq<opt<sor<tunnel_mark, extension_mark>>, kw_header, new_name, opt<extension_of>,
                                sor<alternatives, header_body>> {};
struct extend_declaration : seq<kw_extend, new_name, header_body> {};

} // namespace xdpc::grammar
