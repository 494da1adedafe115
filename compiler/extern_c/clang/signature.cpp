// Signatures: as many parameters as the policy passes, and each wide enough.
#include "compiler/extern_c/clang/signature.h"

#include <clang/AST/Decl.h>

namespace xdpc::clang_plugin {
namespace {

std::string kindName(unsigned kind) {
  switch (kind) {
  case kXdpcBool:
    return "bool";
  case kXdpcPayload:
    return "payload";
  case kXdpcIpv6:
    return "ipv6";
  default:
    return "u" + std::to_string(kind);
  }
}

// One of C's parameters, and what comes there.
struct Expected {
  enum class What { bytes, length, number } what = What::number;
  unsigned bits = 0;
  std::string kind; // as the policy says
};

std::vector<Expected> expectedOf(const XdpcFunction& function) {
  std::vector<Expected> expected;
  for (unsigned i = 0; i < function.parameter_count; ++i) {
    const unsigned kind = function.parameters[i];
    if (kind == kXdpcPayload) {
      expected.push_back({Expected::What::bytes, 8, "bytes of a payload"});
      expected.push_back({Expected::What::length, 16, "length of a payload"});
    } else if (kind == kXdpcIpv6) {
      expected.push_back({Expected::What::number, 64, "first half of an ipv6"});
      expected.push_back({Expected::What::number, 64, "second half of an ipv6"});
    } else {
      expected.push_back({Expected::What::number, kind, kindName(kind)});
    }
  }
  return expected;
}

std::string prototype(const XdpcFunction& function) {
  std::string text = kindName(function.result) + " " + function.name + "(";
  unsigned number = 1;
  for (const Expected& one : expectedOf(function)) {
    text += number == 1 ? "" : ", ";
    const std::string name = "p" + std::to_string(number++);
    text += one.what == Expected::What::bytes    ? "const u8 *" + name
            : one.what == Expected::What::length ? "u64 " + name
            : one.bits == 1                      ? "bool " + name
                                                 : "u" + std::to_string(one.bits) + " " + name;
  }
  return text + (number == 1 ? "void)" : ")");
}

class Checker {
public:
  Checker(const clang::ASTContext& context, Reporter& reporter) : context_(context), reporter_(reporter) {}

  void check(const XdpcFunction& function, int number) {
    function_ = &function;
    number_ = number;
    help_ = "in C it is `" + prototype(function) + "`";
    const clang::FunctionDecl* decl = find(function.name);
    if (!decl)
      return reporter_.error(nullptr, {}, std::string("the C file defines no function `") + function.name + "`", help_,
                             number);
    if (decl->getStorageClass() == clang::SC_Static)
      return report(decl->getLocation(), quotedName() + " is static, and the policy cannot reach it",
                    "leave out `static`");
    if (checkCount(*decl))
      checkTypes(*decl);
  }

private:
  const clang::FunctionDecl* find(llvm::StringRef name) const {
    for (const clang::Decl* decl : context_.getTranslationUnitDecl()->decls())
      if (const auto* function = llvm::dyn_cast<clang::FunctionDecl>(decl))
        if (function->getIdentifier() && function->getName() == name && function->isThisDeclarationADefinition())
          return function;
    return nullptr;
  }

  std::string quotedName() const { return std::string("`") + function_->name + "`"; }

  void report(clang::SourceLocation place, const std::string& message, const std::string& help) {
    reporter_.error(&context_.getSourceManager(), place, message, help, number_);
  }

  bool checkCount(const clang::FunctionDecl& decl) {
    const size_t wanted = expectedOf(*function_).size();
    if (decl.getNumParams() == wanted && !decl.isVariadic())
      return true;
    report(decl.getLocation(),
           quotedName() + " has " + std::to_string(decl.getNumParams()) + (decl.isVariadic() ? " and more" : "") +
               " parameters, the policy passes " + std::to_string(wanted),
           help_);
    return false;
  }

  void checkTypes(const clang::FunctionDecl& decl) {
    const auto expected = expectedOf(*function_);
    for (unsigned i = 0; i < expected.size(); ++i)
      checkParameter(*decl.getParamDecl(i), i + 1, expected[i]);
    checkResult(decl);
  }

  void checkParameter(const clang::ParmVarDecl& parameter, unsigned number, const Expected& expected) {
    const clang::QualType type = parameter.getType().getCanonicalType();
    const bool fits = expected.what == Expected::What::bytes ? isBytes(type) : bitsOf(type) >= expected.bits;
    if (!fits)
      report(parameter.getLocation().isValid() ? parameter.getLocation() : parameter.getBeginLoc(),
             "parameter " + std::to_string(number) + " of " + quotedName() + " is `" +
                 parameter.getType().getAsString() + "`, which is no place for the " + expected.kind +
                 " that the policy passes",
             help_);
  }

  void checkResult(const clang::FunctionDecl& decl) {
    const unsigned bits = bitsOf(decl.getReturnType().getCanonicalType());
    const bool fits = function_->result == kXdpcBool ? bits > 0 : bits > 0 && bits <= function_->result;
    if (!fits)
      report(decl.getLocation(),
             quotedName() + " gives `" + decl.getReturnType().getAsString() + "`, the policy expects a " +
                 kindName(function_->result),
             help_);
  }

  // Of an integer; 0 for what is none.
  unsigned bitsOf(clang::QualType type) const {
    if (type->isBooleanType())
      return 1;
    const bool number = type->isIntegerType() && context_.getTypeSize(type) <= 64;
    return number ? static_cast<unsigned>(context_.getTypeSize(type)) : 0;
  }

  static bool isBytes(clang::QualType type) {
    if (!type->isPointerType() || !type->getPointeeType().isConstQualified())
      return false;
    const clang::QualType pointee = type->getPointeeType();
    return pointee->isVoidType() || pointee->isAnyCharacterType();
  }

  const clang::ASTContext& context_;
  Reporter& reporter_;
  const XdpcFunction* function_ = nullptr;
  int number_ = 0;
  std::string help_;
};

} // namespace

void checkFunctions(const XdpcSource& source, const clang::ASTContext& context, Reporter& reporter) {
  Checker checker(context, reporter);
  for (unsigned i = 0; i < source.function_count; ++i)
    checker.check(source.functions[i], static_cast<int>(i));
}

} // namespace xdpc::clang_plugin
