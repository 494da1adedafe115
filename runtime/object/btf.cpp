// Walks .BTF and .BTF.ext by hand: libbpf's own fix-up is tied to its bpf_object, and a walk that checks every length
// is short. A type is 12 bytes and a tail whose size follows from its kind.
#include "runtime/object/btf.h"
#include "runtime/object/raw_btf.h"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>
#include <linux/bpf.h>
#include <linux/btf.h>
#include <map>

namespace xdpc::object {
namespace {

const ObjectError kDamaged{"the object's type information (.BTF) is damaged"};
const ObjectError kDamagedExt{"the object's line information (.BTF.ext) is damaged"};

template <class T> void put(std::vector<uint8_t>& bytes, uint64_t offset, const T& value) {
  std::memcpy(bytes.data() + offset, &value, sizeof(T)); // the caller has read at this offset
}

// Offsets of all types in `types`, by id less one.
std::optional<std::vector<uint64_t>> indexTypes(const BtfView& view) {
  std::vector<uint64_t> offsets;
  for (uint64_t at = 0; at < view.types.size();) {
    auto type = get<btf_type>(view.types, at);
    auto tail = type ? tailSize(*type) : std::nullopt;
    if (!tail || *tail > view.types.size() - at - sizeof(btf_type))
      return {};
    offsets.push_back(at);
    at += sizeof(btf_type) + *tail;
  }
  return offsets;
}

class Completer {
public:
  Completer(const ElfFile& elf, std::span<const uint8_t> btf, const BtfView& view, std::vector<uint64_t> offsets)
      : elf_(elf), view_(view), offsets_(std::move(offsets)), out_(btf.begin(), btf.end()) {}

  Result<std::vector<uint8_t>, ObjectError> run() {
    for (uint64_t at : offsets_) {
      auto type = *get<btf_type>(view_.types, at);
      if (BTF_INFO_KIND(type.info) == BTF_KIND_DATASEC)
        if (auto error = completeSection(at, type))
          return *error;
    }
    return std::move(out_);
  }

private:
  std::optional<ObjectError> completeSection(uint64_t at, btf_type type) {
    auto name = view_.string(type.name_off);
    if (!name)
      return kDamaged;
    auto section = elf_.find(*name);
    if (!section)
      return ObjectError{fmt::format("the type information speaks of section `{}`, which is not there", *name)};
    if (type.size == 0) {
      type.size = uint32_t(elf_.sections[*section].size);
      put(out_, view_.types_offset + at, type);
    }
    std::vector<btf_var_secinfo> variables(BTF_INFO_VLEN(type.info));
    uint64_t first = at + sizeof(btf_type);
    for (size_t i = 0; i < variables.size(); ++i) {
      variables[i] = *get<btf_var_secinfo>(view_.types, first + i * sizeof(btf_var_secinfo));
      if (auto error = place(*section, variables[i]))
        return error;
    }
    // The kernel wants them ascending; the compiler gives them in the order of their declarations.
    std::ranges::stable_sort(variables, {}, &btf_var_secinfo::offset);
    for (size_t i = 0; i < variables.size(); ++i)
      put(out_, view_.types_offset + first + i * sizeof(btf_var_secinfo), variables[i]);
    return {};
  }

  std::optional<ObjectError> place(uint32_t section, btf_var_secinfo& variable) const {
    if (variable.type == 0 || variable.type > offsets_.size())
      return kDamaged;
    auto type = *get<btf_type>(view_.types, offsets_[variable.type - 1]);
    auto name = view_.string(type.name_off);
    if (BTF_INFO_KIND(type.info) != BTF_KIND_VAR || !name)
      return kDamaged;
    for (const Symbol& symbol : elf_.symbols)
      if (symbol.section == section && symbol.name == *name) {
        variable.offset = uint32_t(symbol.value);
        return {};
      }
    return ObjectError{
        fmt::format("the type information speaks of `{}`, which is not in `{}`", *name, elf_.sections[section].name)};
  }

  const ElfFile& elf_;
  const BtfView& view_;
  std::vector<uint64_t> offsets_;
  std::vector<uint8_t> out_;
};

// struct btf_ext_header of the documentation; the uapi headers do not have it.
struct ExtHeader {
  uint16_t magic;
  uint8_t version, flags;
  uint32_t header_size;
  uint32_t func_info_offset, func_info_size;
  uint32_t line_info_offset, line_info_size;
};

struct ExtSection {
  uint32_t name;
  uint32_t count;
};

// Records by instruction number of the linked program. Of two for one instruction the first stays: the kernel refuses
// both.
using Records = std::map<uint32_t, std::vector<uint8_t>>;

struct ExtReader {
  BtfView btf;
  uint32_t text_start, end;

  // `info` is u32 record size, then per section {name, count} and its records, each beginning with a u32 byte offset.
  std::optional<Records> read(std::span<const uint8_t> info, uint32_t minimum, uint32_t& record_size) const {
    Records records;
    record_size = minimum;
    if (info.empty())
      return records;
    auto size = get<uint32_t>(info, 0);
    if (!size || *size < minimum || *size > 1024)
      return {};
    record_size = *size;
    for (uint64_t at = 4; at < info.size();) {
      auto section = get<ExtSection>(info, at);
      at += sizeof(ExtSection);
      auto name = section ? btf.string(section->name) : std::nullopt;
      if (!name || uint64_t{section->count} * record_size > info.size() - at)
        return {};
      for (uint32_t i = 0; i < section->count; ++i, at += record_size)
        if (!add(*name, info.subspan(at, record_size), records))
          return {};
    }
    return records;
  }

  bool add(std::string_view section, std::span<const uint8_t> record, Records& records) const {
    uint32_t base = section == ".text" ? text_start : 0;
    uint32_t limit = section == ".text" ? end : text_start;
    if (section != ".text" && section != abi::kProgramSection)
      return true; // of code that is not loaded
    uint32_t offset = *get<uint32_t>(record, 0);
    uint32_t number = base + offset / sizeof(Instruction);
    if (offset % sizeof(Instruction) != 0 || number >= limit)
      return false;
    std::vector<uint8_t> copy(record.begin(), record.end());
    put(copy, 0, number);
    records.emplace(number, std::move(copy));
    return true;
  }
};

std::vector<uint8_t> join(const Records& records) {
  std::vector<uint8_t> out;
  for (const auto& [number, record] : records)
    out.insert(out.end(), record.begin(), record.end());
  return out;
}

// Line information names the file of each line; the policy's own goes without.
std::vector<Line> lines(const Records& records, const BtfView& btf, std::string_view policy_file) {
  std::vector<Line> out;
  for (const auto& [number, record] : records) {
    auto info = *get<bpf_line_info>(record, 0);
    if (BPF_LINE_INFO_LINE_NUM(info.line_col) == 0) // line 0 is the compiler's own code
      continue;
    Line& line =
        out.emplace_back(Line{number, BPF_LINE_INFO_LINE_NUM(info.line_col), BPF_LINE_INFO_LINE_COL(info.line_col)});
    if (const auto file = btf.string(info.file_name_off); file && *file != policy_file)
      line.file = *file;
  }
  return out;
}

} // namespace

Result<std::vector<uint8_t>, ObjectError> completeBtf(const ElfFile& elf, std::span<const uint8_t> btf) {
  auto view = viewBtf(btf);
  auto offsets = view ? indexTypes(*view) : std::nullopt;
  if (!offsets)
    return kDamaged;
  return Completer(elf, btf, *view, std::move(*offsets)).run();
}

Result<BtfExt, ObjectError> readBtfExt(std::span<const uint8_t> ext, std::span<const uint8_t> btf, uint32_t text_start,
                                       uint32_t end, std::string_view policy_file) {
  auto view = viewBtf(btf);
  auto header = get<ExtHeader>(ext, 0);
  if (!view || !header || header->magic != BTF_MAGIC || header->version != BTF_VERSION ||
      header->header_size < sizeof(ExtHeader) || header->header_size > ext.size())
    return kDamagedExt;
  auto body = ext.subspan(header->header_size);
  auto inside = [&](uint64_t offset, uint64_t size) { return offset + size <= body.size(); };
  if (!inside(header->func_info_offset, header->func_info_size) ||
      !inside(header->line_info_offset, header->line_info_size))
    return kDamagedExt;
  ExtReader reader{*view, text_start, end};
  BtfExt out;
  auto functions = reader.read(body.subspan(header->func_info_offset, header->func_info_size), sizeof(bpf_func_info),
                               out.func_info_size);
  auto line_records = reader.read(body.subspan(header->line_info_offset, header->line_info_size), sizeof(bpf_line_info),
                                  out.line_info_size);
  if (!functions || !line_records)
    return kDamagedExt;
  out.func_info = join(*functions);
  out.line_info = join(*line_records);
  out.lines = lines(*line_records, *view, policy_file);
  return out;
}

} // namespace xdpc::object
