// Mistakes in a policy, told to the user. A phase reports through the Emitter and goes on where it can. Every
// diagnostic has a stable name, listed once in diagnostics.def with its default severity and its explanation
// (docs/diagnostics.md is generated from it). Tested by tests/lit/diag and tests/unit/diag.
#pragma once

#include "compiler/basic/source.h"

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace xdpc::diag {

enum class Severity : uint8_t { error, warning, note };

// One enumerator a diagnostic: Id::empty_range prints as [empty-range].
enum class Id : uint16_t {
#define XDPC_DIAGNOSTIC(id, name, severity, explanation) id,
#include "compiler/diag/diagnostics.def"
#undef XDPC_DIAGNOSTIC
};

struct Info {
  const char* name;        // "empty-range"
  Severity severity;       // default
  const char* explanation; // a sentence or two for the reference
};
const Info& info(Id id);
std::vector<Id> allIds();

struct FixIt {
  Span span;               // what to replace; empty to insert
  std::string replacement; // what to write
};

struct Note {
  Span span; // may have no file: then it prints as `= note: …`
  std::string message;
};

struct Diagnostic {
  Id id;
  Severity severity;
  Span span;
  std::string message; // lower case, no full stop: "`443-80` is an empty range"
  std::string label;   // behind the carets: "the first port is greater than the last"; may be empty
  std::string help;    // "write `80-443`"; may be empty
  std::vector<FixIt> fixits;
  std::vector<Note> notes;
};

class Emitter {
public:
  // Returns the diagnostic so that label, help, notes and fix-its can be added. Valid until the next call.
  Diagnostic& report(Id id, Span span, std::string message);

  bool hasErrors() const { return errors_ > 0; }
  unsigned errorCount() const { return errors_; }
  const std::vector<Diagnostic>& diagnostics() const { return diagnostics_; }

  // One that treats warnings as this one does and has no diagnostics yet; and what another one like it has.
  Emitter alike() const;
  void take(Emitter other);

  // -Wno-NAME, -Werror=NAME and -Werror. Unknown names: false.
  bool disableWarning(std::string_view name);
  bool makeError(std::string_view name);
  void warningsAreErrors(bool on) { warnings_are_errors_ = on; }

private:
  std::vector<Diagnostic> diagnostics_;
  std::vector<Id> disabled_, made_errors_;
  bool warnings_are_errors_ = false;
  unsigned errors_ = 0;
  std::optional<Diagnostic> discarded_; // where report() of a disabled warning points
};

// The compiler's classic layout: file:line:column: error: message [name], the line, carets, label, help, notes.
// Sorted by place; at most `limit` errors, then a line that counts the rest.
std::string render(const Emitter& emitter, bool color, unsigned limit = 20);

// The candidate nearest to `word` by edit distance, if it is near enough to be meant.
std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& candidates);

} // namespace xdpc::diag
