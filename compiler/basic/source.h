// A file's text and places in it. Spans are half-open byte ranges; line and column come from the text when a diagnostic
// is printed.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace xdpc {

class SourceFile {
public:
  SourceFile(std::string name, std::string text);
  const std::string& name() const { return name_; } // as the user wrote it
  std::string_view text() const { return text_; }

  struct Position {
    uint32_t line, column; // from 1, column in bytes
  };
  Position position(uint32_t offset) const;
  std::string_view line(uint32_t number) const; // without its end
  uint32_t lineCount() const { return static_cast<uint32_t>(line_starts_.size()); }

private:
  std::string name_, text_;
  std::vector<uint32_t> line_starts_;
};

std::string baseName(const std::string& path); // without its folders

struct Span {
  const SourceFile* file = nullptr; // owned by the Sources of the compilation
  uint32_t begin = 0, end = 0;

  std::string_view text() const { return file ? file->text().substr(begin, end - begin) : std::string_view(); }
  SourceFile::Position position() const { return file ? file->position(begin) : SourceFile::Position{0, 0}; }
};

// From the start of `first` to the end of `last`, which is in the same file.
inline Span join(Span first, Span last) {
  return {first.file, first.begin, last.end};
}

// Owns the files of one compilation: spans point into it and must not outlive it.
class Sources {
public:
  const SourceFile& add(std::string name, std::string text);
  const std::vector<std::unique_ptr<SourceFile>>& files() const { return files_; }

private:
  std::vector<std::unique_ptr<SourceFile>> files_;
};

} // namespace xdpc
