// Joins the types (.BTF) and the function and line information (.BTF.ext) of objects. Formats: the kernel's
// Documentation/bpf/btf.rst. Entry points: joinBtf, BtfExt.
#pragma once

#include <llvm/ADT/StringRef.h>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace xdpc::codegen {

// What the second's numbers are in what comes out.
struct BtfShift {
  uint32_t types = 0, strings = 0;
};

// The first with the second's types behind its own; both whole sections, the second of kinds that name types where LLVM
// writes them of functions: integers, pointers, arrays, structs, prototypes, functions.
BtfShift appendBtf(std::vector<uint8_t>& first, const std::vector<uint8_t>& second);

// Where code that was in a section of an object is now.
struct BtfPlace {
  std::string section;
  uint32_t offset = 0;     // bytes
  bool is_function = true; // else it goes on what lies before it
};
using BtfPlaces = std::function<std::optional<BtfPlace>(llvm::StringRef section)>;

// .BTF.ext, by section.
class BtfExt {
public:
  // Information of code that has no place any more is left out. `btf` is the object's own, `shift` of its numbers.
  void add(const std::vector<uint8_t>& ext, const std::vector<uint8_t>& btf, const BtfShift& shift,
           const BtfPlaces& places);
  // With `name` as the offset of a section's name in .BTF's strings.
  std::vector<uint8_t> write(const std::function<uint32_t(const std::string&)>& name) const;

private:
  struct Records {
    uint32_t size = 0; // bytes of each
    std::map<std::string, std::vector<std::vector<uint8_t>>> sections;
  };
  static constexpr unsigned kKinds = 2; // functions, lines

  Records records_[kKinds];
};

// The offset of `text` in the section's strings, behind which it is put where it is new.
uint32_t btfString(std::vector<uint8_t>& btf, llvm::StringRef text);

} // namespace xdpc::codegen
