// Texts of policies through the compiler.
#include "tests/differential/compiled.h"

#include "compiler/basic/stdlib.h"
#include "compiler/codegen/codegen.h"
#include "compiler/lower/lower.h"
#include "compiler/parse/parse.h"
#include "compiler/plan/plan.h"
#include "compiler/sema/sema.h"

#include <fmt/format.h>
#include <stdexcept>

namespace xdpc::differential {

namespace {

std::runtime_error doesNotCompile(const Compiled& compiled, const std::string& text) {
  return std::runtime_error(fmt::format("does not compile:\n{}\n{}", text, diag::render(compiled.emitter, false)));
}

} // namespace

namespace {

std::optional<ir::Policy> checkInto(Compiled& compiled, const std::string& text, const Around& around) {
  const SourceFile& source = compiled.sources.add("generated.xf", text);
  const ast::File file = parse::parse(source, compiled.emitter);
  std::vector<ast::File> library;
  for (const StdlibFile& one : stdlibFiles())
    library.push_back(
        parse::parse(compiled.sources.add(std::string(one.name), std::string(one.text)), compiled.emitter));
  const auto load = [&](std::string_view path, Span) {
    return &compiled.sources.add(std::string(path), around.lists.at(std::string(path)));
  };
  return sema::check(file, library, compiled.emitter, {.load = load});
}

} // namespace

std::unique_ptr<Compiled> check(const std::string& text, const Around& around) {
  auto compiled = std::make_unique<Compiled>();
  auto policy = checkInto(*compiled, text, around);
  if (!policy || compiled->emitter.hasErrors())
    throw doesNotCompile(*compiled, text);
  compiled->policy = std::move(*policy);
  return compiled;
}

std::vector<size_t> refusedAt(const std::string& text) {
  Compiled compiled;
  checkInto(compiled, text, {});
  std::vector<size_t> places;
  for (const diag::Diagnostic& one : compiled.emitter.diagnostics())
    if (one.severity == diag::Severity::error)
      places.push_back(one.span.begin);
  return places;
}

std::unique_ptr<Compiled> compile(const std::string& text, const Around& around) {
  auto compiled = check(text, around);
  const auto program = plan::makePlan(compiled->policy, around.plan, compiled->emitter);
  if (!program || compiled->emitter.hasErrors())
    throw doesNotCompile(*compiled, text);
  std::vector<uint8_t> bytes = codegen::emitObject(*program, around.presence);
  if (bytes.empty() && around.presence == lower::Presence::leaves)
    bytes = codegen::emitObject(*program, lower::Presence::notes);
  if (bytes.empty())
    throw TooLarge();
  auto object = object::readObject(bytes);
  if (!object)
    throw std::runtime_error("gives no object: " + object.error().message);
  compiled->object = std::move(*object);
  return compiled;
}

bool isPacket(const std::string& packet) {
  return refusedAt("policy frames { default pass }\ntest \"frames\" { expect pass for " + packet + " }\n").empty();
}

std::vector<std::vector<uint8_t>> buildFrames(const std::vector<std::string>& packets,
                                              const std::string& declarations) {
  std::string text = declarations + "\npolicy frames { default pass }\ntest \"frames\" {\n";
  for (const std::string& packet : packets)
    text += "    expect pass for " + packet + "\n";
  const auto compiled = check(text + "}\n");
  std::vector<std::vector<uint8_t>> frames;
  for (const ir::TestStep& step : compiled->policy.tests.front().steps)
    frames.push_back(step.frame);
  return frames;
}

} // namespace xdpc::differential
