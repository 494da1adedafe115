// Builds frames: the parts as layers, then selectors, lengths and checksums from what follows, then the cut. Tested by
// tests/unit/sema/packet_test.cpp.
#include "compiler/sema/packet.h"
#include "compiler/sema/expr.h"
#include "compiler/sema/header.h"
#include "compiler/sema/packet_layer.h"

#include <algorithm>
#include <fmt/format.h>

namespace xdpc::sema {

namespace {

constexpr size_t kMinFrame = 14, kMaxFrame = 65535;

class Builder {
public:
  explicit Builder(Scope& scope) : scope_(scope), policy_(scope.policy) {}

  std::optional<BuiltPacket> build(const ast::Packet& packet) {
    for (size_t i = 0; i < packet.parts.size(); ++i)
      addPart(packet.parts[i], i, i + 1 < packet.parts.size() ? headerNamed(packet.parts[i + 1]) : std::nullopt);
    if (!ok_)
      return std::nullopt;
    if (!checkSize(packet.span))
      return std::nullopt;
    for (size_t i = 0; i + 1 < layers_.size(); ++i)
      if (layers_[i].header && layers_[i + 1].header)
        select(layers_[i], layers_[i + 1]);
    for (size_t i = 0; i < layers_.size(); ++i)
      setLength(i);
    if (!ok_)
      return std::nullopt;
    setChecksums(policy_, layers_);
    for (const Layer& layer : layers_)
      result_.frame.insert(result_.frame.end(), layer.bytes.begin(), layer.bytes.end());
    return cut(packet) ? std::optional(std::move(result_)) : std::nullopt;
  }

  // The layers as they are named, each behind the one before it; nothing is filled in.
  std::optional<std::vector<ir::ExpectedLayer>> expect(const ast::Packet& packet) {
    if (packet.truncate)
      bad(packet.span, "what a packet becomes is not cut: leave `truncate` out");
    if (!packet.parts.empty() && packet.parts[0].name.text == "pkt")
      bad(packet.parts[0].span, "a program cannot change where a packet came from");
    for (size_t i = 0; ok_ && i < packet.parts.size(); ++i)
      addPart(packet.parts[i], i, std::nullopt);
    if (!ok_)
      return std::nullopt;
    std::vector<ir::ExpectedLayer> expected;
    for (const Layer& layer : layers_) {
      ir::ExpectedLayer& made = expected.emplace_back();
      made.header = layer.header;
      made.bytes = layer.bytes;
      made.span = layer.span;
      for (ir::FieldId id = 0; id < layer.given.size(); ++id)
        if (layer.given[id])
          made.fields.push_back(id);
    }
    return expected;
  }

private:
  void bad(Span span, std::string message, std::string help = "") {
    scope_.emitter.report(diag::Id::bad_packet, span, std::move(message)).help = std::move(help);
    ok_ = false;
  }

  // ---- parts

  std::optional<ir::HeaderId> headerNamed(const ast::PacketPart& part) const {
    const Symbol* symbol = lookUp(scope_, part.name.text);
    return symbol && symbol->kind == SymbolKind::Header ? std::optional<ir::HeaderId>(symbol->index) : std::nullopt;
  }

  // `next`: the header of the part behind it.
  void addPart(const ast::PacketPart& part, size_t index, std::optional<ir::HeaderId> next) {
    if (part.name.text == "pkt")
      return index == 0 ? setPacket(part) : bad(part.span, "`pkt` stands in front of the packet");
    const bool first = layers_.empty();
    if (part.name.text == "raw" || part.name.text == "payload") {
      if (first && part.name.text == "payload")
        layers_.push_back(newLayer(0, part.span));
      return addBytes(part);
    }
    const Symbol* symbol = resolve(scope_, part.name, SymbolKind::Header);
    if (!symbol) {
      ok_ = false;
      return;
    }
    if (policy_.headers[symbol->index].kind == ir::HeaderKind::alternatives)
      return badUnion(part, policy_.headers[symbol->index]);
    if (first && symbol->index != 0) {
      layers_.push_back(newLayer(0, part.span));
      leadOn(layers_.back(), symbol->index);
    }
    addHeader(part, symbol->index, next);
  }

  void badUnion(const ast::PacketPart& part, const ir::Header& header) {
    std::string names;
    for (ir::HeaderId id : header.alternatives)
      names += (names.empty() ? "`" : " or `") + policy_.headers[id].name + "`";
    bad(part.name.span, fmt::format("`{}` stands for several headers", part.name.text), "write " + names);
  }

  Layer newLayer(ir::HeaderId id, Span span) {
    const ir::Header& header = policy_.headers[id];
    Layer layer{
        .header = id, .bytes = std::vector<uint8_t>(header.min_size), .given = std::vector<bool>(header.fields.size())};
    layer.span = span;
    setDefaults(policy_, layer);
    return layer;
  }

  void addHeader(const ast::PacketPart& part, ir::HeaderId id, std::optional<ir::HeaderId> next) {
    Layer layer = newLayer(id, part.span);
    if (!part.values.empty())
      bad(part.values[0].span, fmt::format("`{}` takes `field = value`", part.name.text));
    // A field before its parts, whatever the order in the test: `tcp(syn = 1, flags = 0x10)` has both.
    std::vector<std::pair<ir::FieldId, const ast::Expr*>> values;
    for (const auto& [name, expr] : part.fields)
      if (const auto field = fieldOf(layer, name))
        values.push_back({*field, &expr});
    std::ranges::stable_sort(values, {}, [](const auto& value) { return value.first; });
    for (const auto& [field, expr] : values)
      if (!policy_.headers[id].fields[field].part)
        ok_ &= setField(layer, policy_.headers[id].fields[field], *expr);
    if (next)
      leadOn(layer, *next);
    addParts(layer, values);
    growTo(layer, layer.bytes.size());
    if (const auto& size = policy_.headers[id].size) {
      const int64_t bytes = evaluate(policy_, layer, *size);
      layer.bytes.resize(static_cast<size_t>(std::clamp<int64_t>(bytes, policy_.headers[id].min_size, kMaxFrame)));
    }
    layers_.push_back(std::move(layer));
  }

  static bool leads(const ir::PayloadBy& clause, ir::HeaderId next) {
    return std::ranges::any_of(clause.entries, [&](const ir::PayloadEntry& entry) { return entry.next == next; });
  }

  // Flags that say that what follows does. Before the optional fields, as they may ask for some.
  void leadOn(Layer& layer, ir::HeaderId next) {
    const ir::Expr* missing = nullptr;
    for (const ir::PayloadBy& clause : policy_.headers[*layer.header].payload) {
      if (!leads(clause, next))
        continue;
      if (!clause.when || evaluate(policy_, layer, *clause.when))
        return;
      if (!missing)
        missing = &*clause.when;
    }
    if (missing)
      satisfy(policy_, layer, *missing);
  }

  using FieldValues = std::vector<std::pair<ir::FieldId, const ast::Expr*>>;

  // Optional fields behind the fixed ones, in their order, then options.
  void addParts(Layer& layer, const FieldValues& values) {
    for (ir::HeaderId id = 0; id < policy_.headers.size(); ++id) {
      const ir::Header& part = policy_.headers[id];
      if (part.of != *layer.header || part.packet != 0)
        continue;
      FieldValues given;
      for (const auto& value : values)
        if (const auto& ref = policy_.headers[*layer.header].fields[value.first].part; ref && ref->header == id)
          given.push_back({ref->field, value.second});
      if (part.kind == ir::HeaderKind::part)
        addPart(layer, id, given);
      else if (part.kind == ir::HeaderKind::option && !given.empty())
        addOption(layer, part, given);
    }
    padOptions(layer);
  }

  void addPart(Layer& layer, ir::HeaderId id, const FieldValues& given) {
    const ir::Header& part = policy_.headers[id];
    if (part.when && !given.empty() && !evaluate(policy_, layer, *part.when)) {
      satisfy(policy_, layer, *part.when);
      growTo(layer, layer.bytes.size() + part.min_size);
    }
    if (part.when && !evaluate(policy_, layer, *part.when)) {
      if (!given.empty())
        bad(given[0].second->span, fmt::format("`{}` is not there in this header", part.fields[0].name),
            fmt::format("it is there when {}", part.when->span.text()));
      return;
    }
    const size_t start = layer.bytes.size();
    layer.bytes.resize(start + part.min_size);
    layer.parts[id] = start;
    setFieldsAt(layer, part, given, start);
  }

  void addOption(Layer& layer, const ir::Header& option, const FieldValues& given) {
    if (option.min_size == 0) { // a flag
      const auto value = checkConstantNumber({scope_, {}}, *given[0].second, 0, 1, "an option");
      ok_ &= value.has_value();
      if (!value || *value == 0)
        return;
    }
    layer.bytes.push_back(option.option);
    layer.bytes.push_back(static_cast<uint8_t>(option.min_size + 2));
    const size_t start = layer.bytes.size();
    layer.bytes.resize(start + option.min_size);
    if (option.min_size > 0)
      setFieldsAt(layer, option, given, start);
  }

  void setFieldsAt(Layer& layer, const ir::Header& part, const FieldValues& given, size_t start) {
    for (const auto& [id, expr] : given) {
      ir::Field field = part.fields[id];
      field.bit_offset += static_cast<uint32_t>(8 * start);
      ok_ &= setField(layer, field, *expr);
    }
  }

  // Zeros, which end the options, to a length that the header can state.
  void padOptions(Layer& layer) {
    const ir::Header& header = policy_.headers[*layer.header];
    const bool options = header.has_options && layer.bytes.size() > header.min_size;
    if (options && !growTo(layer, layer.bytes.size()))
      bad(layer.span, fmt::format("the options do not fit `{}`", header.name));
  }

  // Where the test does not say the size, the smallest one that so many bytes fit. False if there is none.
  bool growTo(Layer& layer, size_t bytes) {
    const ir::Header& header = policy_.headers[*layer.header];
    const ir::Expr* place = header.size ? lengthField(*header.size, *layer.header) : nullptr;
    const auto fits = [&] { return evaluate(policy_, layer, *header.size) >= static_cast<int64_t>(bytes); };
    if (!place || layer.given[place->field] || fits())
      return true;
    const ir::Field& field = header.fields[place->field];
    const uint64_t before = getBits(layer.bytes, field);
    for (uint64_t value = 0; value < uint64_t{1} << std::min(field.bits, 16u); ++value) {
      setBits(layer.bytes, field, value);
      if (fits())
        return true;
    }
    setBits(layer.bytes, field, before);
    return false;
  }

  std::optional<ir::FieldId> fieldOf(Layer& layer, const ast::Name& name) {
    const ir::Header& header = policy_.headers[*layer.header];
    const auto id = findField(header, name.text);
    if (!id) {
      unknownField(header, name);
    } else if (header.fields[*id].derived) {
      bad(name.span, fmt::format("`{}.{}` is computed from other fields", header.name, name.text));
    } else if (layer.given[*id]) {
      bad(name.span, fmt::format("`{}` is given twice", name.text));
    } else {
      layer.given[*id] = true;
      return id;
    }
    return std::nullopt;
  }

  void unknownField(const ir::Header& header, const ast::Name& name) {
    std::vector<std::string> names;
    for (const ir::Field& field : header.fields)
      names.push_back(field.name);
    diag::Diagnostic& error = scope_.emitter.report(diag::Id::unknown_name, name.span,
                                                    fmt::format("`{}` has no field `{}`", header.name, name.text));
    if (const auto near = diag::nearest(name.text, names)) {
      error.help = fmt::format("did you mean `{}`", *near);
      error.fixits.push_back({name.span, *near});
    }
    ok_ = false;
  }

  bool mismatch(const ast::Expr& expr, const Value& value, const ir::Field& field) {
    scope_.emitter.report(
        diag::Id::type_mismatch, expr.span,
        fmt::format("{}, `{}` is {}", describe(expr, value), field.name,
                    categoryName(category(field.type) == Category::boolean ? Category::number : category(field.type))));
    return false;
  }

  bool setField(Layer& layer, const ir::Field& field, const ast::Expr& expr) {
    const Value value = checkExpr({scope_, {}}, expr);
    if (!value.ok)
      return false;
    if (!value.constant) {
      scope_.emitter.report(diag::Id::not_constant, expr.span, "a test's packet is made of constants");
      return false;
    }
    const Category wanted = category(field.type), given = category(value.expr.type);
    const bool number = wanted == Category::number || wanted == Category::boolean;
    if (number ? given != Category::number : given != wanted)
      return mismatch(expr, value, field);
    uint8_t* at = layer.bytes.data() + field.bit_offset / 8;
    if (wanted == Category::address) {
      if (field.type != value.expr.type)
        return mismatch(expr, value, field);
      std::copy_n(value.expr.address->bytes.begin(), field.bits / 8, at);
      return true;
    }
    if (wanted == Category::mac) {
      setBits(layer.bytes, field, value.expr.number);
      return true;
    }
    return setNumber(layer, field, expr, value.low);
  }

  bool setNumber(Layer& layer, const ir::Field& field, const ast::Expr& expr, Wide value) {
    const Wide high = (Wide{1} << field.bits) - 1;
    if (value < 0 || value > high) {
      scope_.emitter
          .report(diag::Id::out_of_range, expr.span, fmt::format("{} does not fit `{}`", quoted(expr.span), field.name))
          .label = fmt::format("it goes from 0 to {}", static_cast<uint64_t>(high));
      return false;
    }
    setBits(layer.bytes, field, static_cast<uint64_t>(value));
    return true;
  }

  void setPacket(const ast::PacketPart& part) {
    for (const auto& [name, expr] : part.fields) {
      const bool ifindex = name.text == "ifindex";
      if (!ifindex && name.text != "rx_queue") {
        bad(name.span, fmt::format("`pkt` takes no `{}` in a packet", name.text), "there are `ifindex` and `rx_queue`");
        continue;
      }
      const auto value = checkConstantNumber({scope_, {}}, expr, 0, UINT32_MAX, fmt::format("`{}`", name.text));
      ok_ &= value.has_value();
      (ifindex ? result_.ifindex : result_.rx_queue) = static_cast<uint32_t>(value.value_or(0));
    }
  }

  void addBytes(const ast::PacketPart& part) {
    Layer layer;
    layer.span = part.span;
    if (part.values.size() != 1 || !part.fields.empty())
      return bad(part.span, fmt::format("`{}` takes one value", part.name.text),
                 "`payload(\"…\")`, `payload(40)` or `raw(x\"…\")`");
    const ast::Expr& value = withoutGroup(part.values[0]);
    if (value.kind == ast::ExprKind::Bytes) {
      layer.bytes.assign(value.bytes->begin(), value.bytes->end());
    } else if (part.name.text == "payload") {
      const auto count = checkConstantNumber({scope_, {}}, value, 0, kMaxFrame, "a payload");
      ok_ &= count.has_value();
      layer.bytes.resize(static_cast<size_t>(count.value_or(0)));
    } else {
      return bad(value.span, "`raw` takes bytes", "`raw(x\"…\")`");
    }
    layers_.push_back(std::move(layer));
  }

  // ---- what follows

  void select(Layer& layer, const Layer& next) {
    const ir::Header& header = policy_.headers[*layer.header];
    const auto clauses = selectorsOf(policy_, *layer.header);
    const auto leads_there = [&](const ir::PayloadEntry& entry) { return entry.next == *next.header; };
    bool given = false;
    for (const ir::PayloadBy& clause : header.payload)
      // What follows is not chosen by a field of this header: by what it says itself, or always.
      if ((!clause.by || header.fields[*clause.by].ahead) && leads(clause, *next.header))
        return;
    for (const auto& [field, clause] : clauses) {
      if (header.fields[field].ahead)
        continue;
      const uint64_t now = getBits(layer.bytes, header.fields[field]);
      given |= layer.given[field];
      if (std::ranges::any_of(clause->entries,
                              [&](const auto& entry) { return leads_there(entry) && entry.value == now; }))
        return;
    }
    for (const auto& [field, clause] : clauses) {
      const auto entry = std::ranges::find_if(clause->entries, leads_there);
      if (layer.given[field] || header.fields[field].ahead || entry == clause->entries.end())
        continue;
      setBits(layer.bytes, header.fields[field], entry->value);
      return;
    }
    // A selector that the test gives may lie.
    if (!given)
      bad(next.span, fmt::format("`{}` does not follow `{}`", policy_.headers[*next.header].name, header.name));
  }

  size_t sizeFrom(size_t index) const {
    size_t bytes = 0;
    for (; index < layers_.size(); ++index)
      bytes += layers_[index].bytes.size();
    return bytes;
  }

  bool checkSize(Span span) {
    const size_t bytes = sizeFrom(0);
    if (bytes >= kMinFrame && bytes <= kMaxFrame)
      return true;
    bad(span, fmt::format("the frame has {} bytes, a frame has {} to {}", bytes, kMinFrame, kMaxFrame));
    return false;
  }

  // `length payload_length + 40`: the field is what is missing to the true length.
  void setLength(size_t index) {
    Layer& layer = layers_[index];
    if (!layer.header || !policy_.headers[*layer.header].length)
      return;
    const ir::Expr& length = *policy_.headers[*layer.header].length;
    const ir::Expr* place = lengthField(length, *layer.header);
    if (!place || layer.given[place->field])
      return;
    const ir::Field& field = policy_.headers[*layer.header].fields[place->field];
    const auto bytes = static_cast<int64_t>(sizeFrom(index));
    setBits(layer.bytes, field, 0);
    const int64_t value = bytes - evaluate(policy_, layer, length);
    setBits(layer.bytes, field, static_cast<uint64_t>(value));
    if (value < 0 || evaluate(policy_, layer, length) != bytes)
      bad(layer.span, fmt::format("`{}.{}` cannot say that {} bytes follow", policy_.headers[*layer.header].name,
                                  field.name, bytes));
  }

  bool cut(const ast::Packet& packet) {
    if (!packet.truncate)
      return true;
    if (*packet.truncate < kMinFrame || *packet.truncate > result_.frame.size()) {
      bad(packet.span, fmt::format("`truncate {}` is out of range: {} to the frame's {} bytes", *packet.truncate,
                                   kMinFrame, result_.frame.size()));
      return false;
    }
    result_.frame.resize(*packet.truncate);
    return true;
  }

  Scope& scope_;
  const ir::Policy& policy_;
  std::vector<Layer> layers_;
  BuiltPacket result_;
  bool ok_ = true;
};

} // namespace

std::optional<BuiltPacket> buildPacket(Scope& scope, const ast::Packet& packet) {
  return Builder(scope).build(packet);
}

std::optional<std::vector<ir::ExpectedLayer>> buildExpectation(Scope& scope, const ast::Packet& packet) {
  return Builder(scope).expect(packet);
}

} // namespace xdpc::sema
