// `xdpc test`: the tests that stand in policies, as TAP version 13 on standard output and, if asked, as JUnit XML.
// Tested by tests/lit/cli/test*.xf.
#include "driver/commands.h"
#include "driver/compile.h"
#include "driver/engines.h"
#include "driver/file.h"
#include "driver/junit.h"
#include "driver/output.h"
#include "driver/test_runner.h"
#include "runtime/object/object.h"

#include <algorithm>
#include <chrono>

namespace xdpc::driver {

namespace {

std::string place(Span span) {
  return fmt::format("{}:{}", span.file->name(), span.position().line);
}

// A string of YAML that needs no escapes but these.
std::string yamlString(std::string_view text) {
  std::string out = "\"";
  for (const char c : text)
    out += c == '"' || c == '\\' ? std::string{'\\', c} : c == '\n' ? std::string("\\n") : std::string{c};
  return out + "\"";
}

std::string titleOf(const TestResult& result) {
  std::string title = result.title;
  std::replace(title.begin(), title.end(), '\n', ' ');
  std::replace(title.begin(), title.end(), '#', ' '); // would start a TAP directive
  return title;
}

class Session {
public:
  explicit Session(const TestOptions& options) : options_(options) { print("TAP version 13\n"); }

  void file(const std::string& path);
  int finish();

private:
  void compiled(const std::string& path, Compilation& compilation);
  void one(const ir::Policy& policy, const ir::Test& test, const object::Object& object);
  void tap(const TestResult& result);
  void failed(const std::string& path, int code, const std::string& reason);

  const TestOptions& options_;
  int code_ = kFine;
  unsigned count_ = 0, failed_ = 0;
  std::vector<JunitSuite> suites_;
};

void Session::failed(const std::string& path, int code, const std::string& reason) {
  printLine("not ok {} - {} {}", ++count_, path, reason);
  ++failed_;
  code_ = std::max(code_, code);
  suites_.back().cases.push_back({path + " " + reason, 0, reason});
}

void Session::file(const std::string& path) {
  suites_.push_back({path, {}});
  int code = kFine;
  const auto compilation = compile(
      path,
      {.warnings = options_.warnings, .bounds = options_.bounds, .tables = !options_.no_tables, .until = Until::object},
      code);
  if (!compilation)
    return failed(path, code, "cannot be compiled");
  compiled(path, *compilation);
}

void Session::compiled(const std::string& path, Compilation& compilation) {
  std::optional<std::vector<uint8_t>> bytes;
  if (!compilation.emitter.hasErrors())
    bytes = objectOf(compilation);
  if (!report(compilation))
    return failed(path, kWrong, "does not compile");
  const auto object = object::readObject(*bytes);
  if (!object)
    return failed(path, kRefused, "gives no object: " + object.error().message);
  printLine("# {}", path);
  if (compilation.policy->tests.empty())
    warn(fmt::format("`{}` has no tests", path));
  for (const ir::Test& test : compilation.policy->tests)
    one(*compilation.policy, test, *object);
}

void Session::one(const ir::Policy& policy, const ir::Test& test, const object::Object& object) {
  const auto start = std::chrono::steady_clock::now();
  TestResult result{test.title, {}, {}};
  if (auto engine = loadEngine(options_.engine, object); engine)
    result = runTest(policy, test, **engine);
  else
    result.broken = engine.error();
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();

  if (!result.ok())
    ++failed_;
  code_ = std::max<int>(code_, result.broken ? kRefused : result.ok() ? kFine : kWrong);
  tap(result);
  std::string message;
  for (const TestFailure& failure : result.failures)
    message += fmt::format("{}: expected {}, got {}\n", place(failure.span), failure.expected, failure.actual);
  if (result.broken)
    message += toText(*result.broken) + "\n";
  suites_.back().cases.push_back({result.title, seconds, message});
}

void Session::tap(const TestResult& result) {
  printLine("{}ok {} - {}", result.ok() ? "" : "not ", ++count_, titleOf(result));
  if (result.ok())
    return;
  print("  ---\n");
  for (const TestFailure& failure : result.failures)
    printLine("  - at: {}\n    expected: {}\n    actual: {}", yamlString(place(failure.span)),
              yamlString(failure.expected), yamlString(failure.actual));
  if (result.broken)
    printLine("  - engine: {}", yamlString(toText(*result.broken)));
  print("  ...\n");
}

int Session::finish() {
  printLine("1..{}{}", count_, count_ == 0 ? " # skipped: no tests" : "");
  if (count_ > 0)
    printLine("# {} of {} passed", count_ - failed_, count_);
  if (options_.junit.empty())
    return code_;
  const std::string xml = toJunit(suites_);
  const auto written = writeFile(options_.junit, {reinterpret_cast<const uint8_t*>(xml.data()), xml.size()});
  return written ? code_ : fail(kRefused, written.error().message);
}

} // namespace

int testCommand(const TestOptions& options) {
  if (const auto kept = keepInputs(options.junit, options.files); !kept)
    return fail(kUsage, kept.error().message);
  Session session(options);
  for (const std::string& path : options.files)
    session.file(path);
  return session.finish();
}

} // namespace xdpc::driver
