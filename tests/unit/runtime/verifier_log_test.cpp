// Verifier logs of several kernels, translated. The real verifier is met in tests/runtime/load_test.cpp.
#include "runtime/kernel/verifier_log.h"

#include <filesystem>
#include <gtest/gtest.h>

namespace xdpc::kernel {
namespace {

constexpr const char* kLog618 = R"(func#0 @0
0: R1=ctx() R10=fp0
; ssh: pass when tcp.dport == 22 @ web.xf:4
0: (b7) r2 = 1                        ; R2_w=1
1: (79) r0 = *(u64 *)(r2 +0)
R2 invalid mem access 'scalar'
processed 2 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0
)";

object::Object sample() {
  object::Object object;
  object.manifest.policy = "web";
  object.manifest.file = "web.xf";
  object.manifest.rules = {{"ssh", 0, 4, 5}, {"dns", 1, 4, 60}, {"default", 2, 9, 5}};
  object.lines = {{0, 3, 1}, {1, 4, 20}, {5, 4, 70}, {9, 9, 5}};
  return object;
}

TEST(VerifierLog, TheSentenceIsTheLastLineThatIsNotStatistics) {
  EXPECT_EQ(lastSentence(kLog618), "R2 invalid mem access 'scalar'");
  EXPECT_EQ(lastSentence("BPF program is too large. Processed 1000001 insn\n"
                         "verification time 123 usec\nstack depth 8\nprocessed 1000001 insns\n"),
            "BPF program is too large. Processed 1000001 insn");
  EXPECT_EQ(lastSentence("infinite loop detected at insn 9\ncur state: R0=scalar()\nold state: R0=scalar()\n"),
            "infinite loop detected at insn 9");
  EXPECT_EQ(lastSentence(""), "");
}

TEST(VerifierLog, TheInstructionIsTheLastNumberedLine) {
  EXPECT_EQ(lastInstruction(kLog618), 1u);
  EXPECT_EQ(lastInstruction("12: R1=ctx() R10=fp0\n; 3: a comment\n12: (95) exit\nR0 !read_ok\n"), 12u);
  EXPECT_EQ(lastInstruction("from 3 to 7: safe\nno number\n"), std::nullopt);
}

TEST(VerifierLog, TheRuleIsTheLastThatBeganBefore) {
  EXPECT_EQ(placeOf(sample(), 0), "web.xf:3");
  EXPECT_EQ(placeOf(sample(), 4), "rule `ssh` (web.xf:4)");
  EXPECT_EQ(placeOf(sample(), 6), "rule `dns` (web.xf:4)");
  EXPECT_EQ(placeOf(sample(), 100), "rule `default` (web.xf:9)");
  EXPECT_EQ(placeOf({}, 1), "");
}

TEST(VerifierLog, ARuleOfAUsedFileHasThatFilesName) {
  object::Object object = sample();
  object.manifest.rules[1].line = 2;
  object.manifest.rules[1].file = "lists.xf";
  object.lines[2] = {5, 3, 9, "lists.xf"};
  EXPECT_EQ(placeOf(object, 6), "rule `dns` (lists.xf:3)");
  EXPECT_EQ(placeOf(object, 4), "rule `ssh` (web.xf:4)");
}

TEST(VerifierLog, AFileWithoutRulesIsC) {
  object::Object object = sample();
  object.lines[1] = {1, 12, 3, "tls.c"};
  EXPECT_TRUE(isInC(object, 1));
  EXPECT_FALSE(isInC(object, 0));
  EXPECT_FALSE(isInC(object, 5));
  const KernelError error = refusal(object, kLog618, EACCES);
  EXPECT_NE(error.message.find("at tls.c:12: R2 invalid mem access"), std::string::npos) << error.message;
  EXPECT_NE(error.help.find("a mistake of the C code"), std::string::npos) << error.help;
  object.manifest.rules[1].file = "tls.c"; // a file of rules after all
  EXPECT_FALSE(isInC(object, 1));
}

TEST(VerifierLog, WithoutLinesTheVerifiersOwnCommentHelps) {
  object::Object object = sample();
  object.lines.clear();
  const KernelError error = refusal(object, kLog618, 13);
  EXPECT_EQ(error.message, "the kernel's verifier refused policy `web` at web.xf:4: R2 invalid mem access 'scalar'");
  const std::string path = error.details.substr(error.details.find('/'));
  EXPECT_EQ(std::filesystem::file_size(path), std::string_view(kLog618).size());
  std::filesystem::remove(path);
}

} // namespace
} // namespace xdpc::kernel
