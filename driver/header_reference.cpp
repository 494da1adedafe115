// See header_reference.h. Tested by tests/check/reference.py.
#include "driver/header_reference.h"

#include "compiler/ast/ast.h"
#include "compiler/basic/stdlib.h"
#include "compiler/parse/parse.h"
#include "compiler/sema/packet_fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace xdpc::driver {

namespace {

constexpr const char* kFieldsIntroduction = R"(# Fields

Every field that a condition can name, by header. This page is generated from the declarations in `stdlib/`;
[stdlib.md](stdlib.md) has them as they are written. A header's name alone is a condition: it is there, and complete. The column *bit* counts from the
header's first; a field without one is computed, or stands behind something optional.

Every header has `payload`, the bytes behind it up to where IP ends, and `payload_len`, their number; `payload` alone is `l4.payload`
([language.md](language.md#payloads)).
)";

constexpr const char* kStdlibIntroduction = R"(# The standard library

The headers that every policy knows, as they are declared in `stdlib/`. This page is generated from those files. [language.md](language.md#headers) explains
the notation; [fields.md](fields.md) lists the fields.
)";

struct Library {
  Sources sources;
  std::vector<ast::File> files;
  std::map<std::string, const ast::HeaderDecl*> headers;
  std::vector<const ast::Constant*> constants;
};

Library readLibrary() {
  Library library;
  diag::Emitter emitter;
  for (const StdlibFile& file : stdlibFiles())
    library.files.push_back(parse::parse(library.sources.add(std::string(file.name), std::string(file.text)), emitter));
  for (const ast::File& file : library.files) {
    for (const ast::HeaderDecl& header : file.headers)
      if (!header.extend)
        library.headers[header.name.text] = &header;
    for (const ast::Constant& constant : file.constants)
      library.constants.push_back(&constant);
  }
  return library;
}

// The comment lines right above a declaration, joined.
std::string commentAbove(Span span) {
  std::string comment;
  for (uint32_t line = span.position().line - 1; line > 0; --line) {
    std::string_view one = span.file->line(line);
    if (!one.starts_with("#"))
      break;
    one.remove_prefix(std::min(one.find_first_not_of("# "), one.size()));
    comment = comment.empty() ? std::string(one) : fmt::format("{} {}", one, comment);
  }
  return comment;
}

unsigned bitsOf(std::string_view type) {
  if (type == "port")
    return 16;
  if (type == "mac")
    return 48;
  if (type == "ipv4")
    return 32;
  if (type == "ipv6")
    return 128;
  unsigned bits = 0;
  for (char c : type.substr(std::min<size_t>(1, type.size())))
    bits = c >= '0' && c <= '9' ? bits * 10 + static_cast<unsigned>(c - '0') : bits;
  return bits;
}

// `|` ends a table's cell.
std::string cell(std::string_view text) {
  std::string out;
  for (char c : text)
    out += c == '|' ? "\\|" : c == '\n' ? " " : std::string(1, c);
  return out;
}

class FieldTable {
public:
  std::string text() const { return "\n| field | type | bit | |\n|---|---|---|---|\n" + rows_; }

  void add(const ast::HeaderField& field, const std::string& of = {}) {
    const auto bit = place_;
    if (field.derived) {
      row(field.name.text, "", {}, fmt::format("`{}`", cell(field.derived->span.text())));
      return;
    }
    std::string note = of.empty() ? "" : fmt::format("part of `{}`", of);
    if (field.when) {
      note = fmt::format("there when `{}`", cell(field.when->span.text()));
      place_.reset();
    }
    row(field.name.text, field.type.text, field.when ? std::nullopt : bit, note);
    for (const ast::HeaderField& part : field.parts)
      add(part, field.name.text);
    if (place_)
      place_ = *bit + bitsOf(field.type.text);
  }

  // Of a number, a length and a value; without a value it is a condition.
  void add(const ast::HeaderOption& option) {
    for (const ast::HeaderField& field : option.fields)
      row(field.name.text, field.type.text.empty() ? "bool" : field.type.text, {},
          fmt::format("option {}", option.number));
  }

  void row(std::string_view name, std::string_view type, std::optional<unsigned> bit, std::string_view note) {
    rows_ += fmt::format("| `{}` | {} | {} | {} |\n", name, type, bit ? std::to_string(*bit) : "", note);
  }

private:
  std::optional<unsigned> place_ = 0; // bits from the header's first; none behind what is optional
  std::string rows_;
};

// Parts count as fields.
std::vector<const ast::HeaderField*> flat(const std::vector<ast::HeaderField>& fields) {
  std::vector<const ast::HeaderField*> all;
  for (const ast::HeaderField& field : fields) {
    all.push_back(&field);
    for (const ast::HeaderField* part : flat(field.parts))
      all.push_back(part);
  }
  return all;
}

const ast::HeaderField* findField(const Library& library, const std::string& header, const std::string& name) {
  const auto found = library.headers.find(header);
  if (found == library.headers.end())
    return nullptr;
  const auto fields = flat(found->second->fields);
  const auto field = std::ranges::find_if(fields, [&](const ast::HeaderField* one) { return one->name.text == name; });
  return field == fields.end() ? nullptr : *field;
}

// Of the headers' types for one field: `ip` for addresses of both families, else the widest; nothing where all compute
// it.
std::string commonType(const std::vector<const ast::HeaderField*>& fields) {
  const std::string& first = fields.front()->type.text;
  std::string widest = first;
  for (const ast::HeaderField* field : fields) {
    const std::string& type = field->type.text;
    if (type != first && (type.starts_with("ipv") || first.starts_with("ipv")))
      return "ip";
    if (bitsOf(type) > bitsOf(widest))
      widest = type;
  }
  return widest;
}

// Of `ip = ipv4 | ipv6`: the fields that all have.
std::string commonFields(const Library& library, const ast::HeaderDecl& header) {
  const auto first = library.headers.find(header.alternatives.front().text);
  if (first == library.headers.end())
    return {};
  FieldTable table;
  for (const ast::HeaderField* field : flat(first->second->fields)) {
    std::vector<const ast::HeaderField*> same;
    for (const ast::Name& name : header.alternatives)
      if (const ast::HeaderField* one = findField(library, name.text, field->name.text))
        same.push_back(one);
    const std::string type = same.empty() ? "" : commonType(same);
    if (same.size() == header.alternatives.size())
      table.row(field->name.text, type, {}, type.empty() ? "computed" : "");
  }
  return table.text();
}

std::string fieldsOf(const Library& library, const ast::HeaderDecl& header) {
  std::string comment = commentAbove(header.span);
  if (comment.empty() && header.extension_of)
    comment = fmt::format("An extension header of `{}`.", header.extension_of->text);
  std::string text = fmt::format("\n## {}\n", header.name.text);
  if (!comment.empty())
    text += fmt::format("\n{}\n", comment);
  if (!header.alternatives.empty()) {
    std::string names;
    for (const ast::Name& name : header.alternatives)
      names += fmt::format("{}`{}`", names.empty() ? "" : ", ", name.text);
    return text + fmt::format("\nEither of {}: the fields that all of them have.\n", names) +
           commonFields(library, header);
  }
  FieldTable table;
  for (const ast::HeaderField& field : header.fields)
    if (!field.ahead) // no condition names those
      table.add(field);
  for (const ast::HeaderOption& option : header.options)
    table.add(option);
  return text + table.text();
}

std::string frameFields() {
  std::string text = "\n## pkt\n\nThe frame itself.\n";
  FieldTable table;
  for (const sema::PacketFieldInfo& info : sema::packetFields())
    table.row(info.name, info.bits == 1 ? "bool" : fmt::format("u{}", info.bits), {}, info.meaning);
  return text + table.text();
}

} // namespace

std::string fieldsReference() {
  const Library library = readLibrary();
  std::string text = kFieldsIntroduction + frameFields();
  for (const auto& [name, header] : library.headers)
    text += fieldsOf(library, *header);
  text += "\n## Conditions with a name\n\n| name | |\n|---|---|\n";
  for (const ast::Constant* constant : library.constants)
    text += fmt::format("| `{}` | `{}` |\n", constant->name.text, cell(constant->value.span.text()));
  return text;
}

std::string stdlibReference() {
  std::string text = kStdlibIntroduction;
  for (const StdlibFile& file : stdlibFiles())
    text += fmt::format("\n## {}\n\n```xf\n{}```\n", file.name, file.text);
  return text;
}

} // namespace xdpc::driver
