// Names: what is suggested, and what is not said because it follows from something else.
#include "tests/unit/sema/support.h"

namespace xdpc {
namespace {

std::string helpOf(const Checked& checked) {
  const auto& all = checked.emitter->diagnostics();
  return all.empty() ? "" : all[0].help;
}

TEST(Names, theNearestIsSuggested) {
  EXPECT_EQ(helpOf(check(withCondition("tcp.dprot == 22"))), "did you mean `tcp.dport`");
  EXPECT_EQ(helpOf(check(withCondition("pkt.length > 5"))), "");
  EXPECT_EQ(helpOf(check(withCondition("ip.src in baned") + "set banned of ip\n")), "did you mean `banned`");
  EXPECT_EQ(helpOf(check("policy p { ssh: drop when tcp\ndefault pass }\n"
                         "test \"t\" { expect drop by shs for ipv4/tcp }\n")),
            "did you mean `ssh`");
}

TEST(Names, declarationsStandInAnyOrder) {
  accept(withCondition("a and b") + "const b = c\nconst c = not a\nconst a = tcp.syn\n");
  accept("policy p { a: drop when ip.src in s over m\ndefault pass }\nmeter m { rate 1 pps }\nset s of ip\n");
}

TEST(Names, whatASyntaxErrorSwallowedIsNoMistake) {
  const Checked swallowed = check("set banned of of ip\n" + withCondition("ip.src in banned"));
  EXPECT_EQ(swallowed.count("unknown-name"), 0u) << swallowed.messages();
  const Checked rule = check("policy p {\nssh: drop when tcp tcp\ndefault pass }\n"
                             "test \"t\" { expect drop by ssh for ipv4/tcp }\n");
  EXPECT_EQ(rule.count("unknown-name"), 0u) << rule.messages();
  const Checked other = check("policy p {\na: drop when tpc\nssh: drop when tcp tcp\ndefault pass }\n");
  EXPECT_EQ(other.count("unknown-name"), 1u) << other.messages();
}

TEST(Names, errorsAreReportedTogether) {
  const Checked checked = check("policy p {\na: drop when tpc\nb: drop when tcp.dport == 70000\nc: count nix\n}\n");
  EXPECT_EQ(checked.emitter->errorCount(), 4u) << checked.messages();
}

TEST(Names, anErroneousConstantIsReportedOnce) {
  const Checked checked = check("const c = tcp.nix == 1\n" + withCondition("c and not c or c"));
  EXPECT_EQ(checked.emitter->errorCount(), 1u) << checked.messages();
}

} // namespace
} // namespace xdpc
