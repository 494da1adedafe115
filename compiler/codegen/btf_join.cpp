// Numbers of types and strings are moved by what lies before them; strings of both are kept side by side.
#include "compiler/codegen/btf_join.h"

#include <llvm/DebugInfo/BTF/BTF.h>
#include <llvm/Support/ErrorHandling.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>

namespace xdpc::codegen {
namespace {

namespace BTF = llvm::BTF;
using Bytes = std::vector<uint8_t>;

template <class T> T read(const Bytes& bytes, size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

template <class T> void put(Bytes& bytes, size_t at, const T& value) {
  std::memcpy(bytes.data() + at, &value, sizeof value);
}

void append(Bytes& bytes, uint32_t value) {
  const auto* from = reinterpret_cast<const uint8_t*>(&value);
  bytes.insert(bytes.end(), from, from + sizeof value);
}

void add(Bytes& bytes, size_t at, uint32_t more) {
  if (const auto value = read<uint32_t>(bytes, at)) // 0 is no name, and void
    put(bytes, at, value + more);
}

BTF::Header headerOf(const Bytes& btf) {
  return read<BTF::Header>(btf, 0);
}

// The type at `at`, changed in place; gives where the next one begins.
size_t shiftType(Bytes& types, size_t at, const BtfShift& shift) {
  const auto type = read<BTF::CommonType>(types, at);
  add(types, at + offsetof(BTF::CommonType, NameOff), shift.strings);
  const size_t body = at + sizeof type;
  switch (type.getKind()) {
  case BTF::BTF_KIND_INT:
    return body + 4;
  case BTF::BTF_KIND_PTR:
  case BTF::BTF_KIND_FUNC:
    add(types, at + offsetof(BTF::CommonType, Type), shift.types);
    return body;
  case BTF::BTF_KIND_ARRAY:
    add(types, body + offsetof(BTF::BTFArray, ElemType), shift.types);
    add(types, body + offsetof(BTF::BTFArray, IndexType), shift.types);
    return body + sizeof(BTF::BTFArray);
  case BTF::BTF_KIND_STRUCT:
    for (size_t i = 0; i < type.getVlen(); ++i) {
      const size_t member = body + i * sizeof(BTF::BTFMember);
      add(types, member + offsetof(BTF::BTFMember, NameOff), shift.strings);
      add(types, member + offsetof(BTF::BTFMember, Type), shift.types);
    }
    return body + type.getVlen() * sizeof(BTF::BTFMember);
  case BTF::BTF_KIND_FUNC_PROTO:
    add(types, at + offsetof(BTF::CommonType, Type), shift.types);
    for (size_t i = 0; i < type.getVlen(); ++i) {
      const size_t parameter = body + i * sizeof(BTF::BTFParam);
      add(types, parameter + offsetof(BTF::BTFParam, NameOff), shift.strings);
      add(types, parameter + offsetof(BTF::BTFParam, Type), shift.types);
    }
    return body + type.getVlen() * sizeof(BTF::BTFParam);
  default:
    llvm::report_fatal_error("a type of a function that is not known here");
  }
}

size_t bodyBytes(const BTF::CommonType& type) {
  switch (type.getKind()) {
  case BTF::BTF_KIND_INT:
  case BTF::BTF_KIND_VAR:
  case BTF::BTF_KIND_DECL_TAG:
    return 4;
  case BTF::BTF_KIND_ARRAY:
    return sizeof(BTF::BTFArray);
  case BTF::BTF_KIND_STRUCT:
  case BTF::BTF_KIND_UNION:
    return type.getVlen() * sizeof(BTF::BTFMember);
  case BTF::BTF_KIND_ENUM:
    return type.getVlen() * sizeof(BTF::BTFEnum);
  case BTF::BTF_KIND_ENUM64:
    return type.getVlen() * sizeof(BTF::BTFEnum64);
  case BTF::BTF_KIND_FUNC_PROTO:
    return type.getVlen() * sizeof(BTF::BTFParam);
  case BTF::BTF_KIND_DATASEC:
    return type.getVlen() * sizeof(BTF::BTFDataSec);
  default:
    return 0;
  }
}

uint32_t countTypes(const Bytes& btf) {
  const BTF::Header header = headerOf(btf);
  uint32_t count = 0;
  for (size_t at = header.HdrLen + header.TypeOff, end = at + header.TypeLen; at < end; ++count)
    at += sizeof(BTF::CommonType) + bodyBytes(read<BTF::CommonType>(btf, at));
  return count;
}

} // namespace

// LLVM writes the types first and the strings behind them.
BtfShift appendBtf(Bytes& first, const Bytes& second) {
  BTF::Header header = headerOf(first);
  const BTF::Header more = headerOf(second);
  const BtfShift shift{countTypes(first), header.StrLen};
  const auto types = second.begin() + more.HdrLen + more.TypeOff, strings = second.begin() + more.HdrLen + more.StrOff;
  Bytes shifted(types, types + more.TypeLen);
  for (size_t at = 0; at < shifted.size();)
    at = shiftType(shifted, at, shift);
  first.insert(first.begin() + header.HdrLen + header.TypeOff + header.TypeLen, shifted.begin(), shifted.end());
  first.insert(first.end(), strings, strings + more.StrLen);
  header.TypeLen += more.TypeLen;
  header.StrOff += more.TypeLen;
  header.StrLen += more.StrLen;
  put(first, 0, header);
  return shift;
}

uint32_t btfString(Bytes& btf, llvm::StringRef text) {
  BTF::Header header = headerOf(btf);
  const llvm::StringRef strings(reinterpret_cast<const char*>(btf.data()) + header.HdrLen + header.StrOff,
                                header.StrLen);
  const std::string whole = std::string(1, '\0') + text.str() + std::string(1, '\0');
  if (const size_t at = strings.find(whole); at != llvm::StringRef::npos)
    return static_cast<uint32_t>(at + 1);
  const uint32_t at = header.StrLen;
  btf.insert(btf.end(), whole.begin() + 1, whole.end());
  header.StrLen += static_cast<uint32_t>(whole.size() - 1);
  put(btf, 0, header);
  return at;
}

void BtfExt::add(const Bytes& ext, const Bytes& btf, const BtfShift& shift, const BtfPlaces& places) {
  const auto header = read<BTF::ExtHeader>(ext, 0);
  const BTF::Header names = headerOf(btf);
  const std::array<std::pair<uint32_t, uint32_t>, kKinds> parts = {
      {{header.FuncInfoOff, header.FuncInfoLen}, {header.LineInfoOff, header.LineInfoLen}}};
  for (unsigned kind = 0; kind < kKinds; ++kind) {
    if (parts[kind].second == 0)
      continue;
    size_t at = header.HdrLen + parts[kind].first;
    const size_t end = at + parts[kind].second;
    const auto record_size = read<uint32_t>(ext, at);
    records_[kind].size = record_size;
    for (at += 4; at < end;) {
      const auto section = read<BTF::SecFuncInfo>(ext, at); // the same of lines
      at += sizeof section;
      const char* name = reinterpret_cast<const char*>(btf.data()) + names.HdrLen + names.StrOff + section.SecNameOff;
      const auto place = places(name);
      for (uint32_t i = 0; i < section.NumFuncInfo; ++i, at += record_size) {
        if (!place || (kind == 0 && !place->is_function))
          continue;
        Bytes record(ext.begin() + at, ext.begin() + at + record_size);
        put(record, 0, read<uint32_t>(record, 0) + place->offset);
        if (kind == 0) {
          codegen::add(record, offsetof(BTF::BPFFuncInfo, TypeId), shift.types);
        } else {
          codegen::add(record, offsetof(BTF::BPFLineInfo, FileNameOff), shift.strings);
          codegen::add(record, offsetof(BTF::BPFLineInfo, LineOff), shift.strings);
        }
        records_[kind].sections[place->section].push_back(std::move(record));
      }
    }
  }
}

Bytes BtfExt::write(const std::function<uint32_t(const std::string&)>& name) const {
  Bytes body;
  std::array<std::pair<uint32_t, uint32_t>, kKinds> parts;
  for (unsigned kind = 0; kind < kKinds; ++kind) {
    const auto from = static_cast<uint32_t>(body.size());
    if (!records_[kind].sections.empty())
      append(body, records_[kind].size);
    for (const auto& [section, found] : records_[kind].sections) {
      append(body, name(section));
      append(body, static_cast<uint32_t>(found.size()));
      std::vector<Bytes> sorted = found;
      std::ranges::stable_sort(sorted, {}, [](const Bytes& record) { return read<uint32_t>(record, 0); });
      for (const Bytes& record : sorted)
        body.insert(body.end(), record.begin(), record.end());
    }
    parts[kind] = {from, static_cast<uint32_t>(body.size()) - from};
  }
  const BTF::ExtHeader header{.Magic = BTF::MAGIC,
                              .Version = BTF::VERSION,
                              .Flags = 0,
                              .HdrLen = sizeof(BTF::ExtHeader),
                              .FuncInfoOff = parts[0].first,
                              .FuncInfoLen = parts[0].second,
                              .LineInfoOff = parts[1].first,
                              .LineInfoLen = parts[1].second,
                              .FieldRelocOff = static_cast<uint32_t>(body.size()),
                              .FieldRelocLen = 0};
  Bytes bytes(sizeof header);
  put(bytes, 0, header);
  bytes.insert(bytes.end(), body.begin(), body.end());
  return bytes;
}

} // namespace xdpc::codegen
