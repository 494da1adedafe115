// Lists of rules: what the IR has of them, once and in order.
#include "tests/unit/sema/support.h"

namespace xdpc {
namespace {

std::vector<std::string> names(const Checked& checked) {
  std::vector<std::string> out;
  for (const ir::Rule& rule : checked.policy->rules)
    out.push_back(rule.name);
  return out;
}

TEST(RuleLists, rulesStandInTheOrderInWhichAPacketMeetsThem) {
  const Checked checked =
      accept("rules l { b: drop when tcp\napply m\ntx when udp }\nrules m { c: drop when arp }\n"
             "policy p { a: pass when icmp\napply l\nd: when vlan { apply m; drop }\ndefault pass }\n");
  EXPECT_EQ(names(checked), (std::vector<std::string>{"a", "b", "c", "l#2", "d", "default"}));
  ASSERT_EQ(checked.policy->lists.size(), 3u);
  EXPECT_EQ(checked.policy->lists[0].items.size(), 4u);
  EXPECT_EQ(checked.policy->lists[1].name, "l");
  EXPECT_EQ(*checked.policy->rules[4].body.steps[0].apply, 2u);
}

TEST(RuleLists, aConditionIsOfThePlace) {
  const Checked checked =
      accept("rules l { b: drop when tcp }\npolicy p { apply l when ipv4\napply l\ndefault pass }\n");
  EXPECT_EQ(names(checked), (std::vector<std::string>{"b", "default"}));
  EXPECT_TRUE(checked.policy->lists[0].items[0].condition);
  EXPECT_FALSE(checked.policy->lists[0].items[1].condition);
}

TEST(RuleLists, whatIsNeverAppliedIsCheckedAndLeftOut) {
  const Checked checked =
      accept("set s of ip\nrules l { b: when tcp { add ip.src to s; drop } }\npolicy p { default pass }\n");
  EXPECT_EQ(names(checked), (std::vector<std::string>{"default"}));
  EXPECT_EQ(checked.policy->lists.size(), 1u);
  EXPECT_FALSE(checked.policy->sets[0].added_by_policy);
  EXPECT_EQ(checked.count("never-applied"), 1u);
}

TEST(RuleLists, manyPlacesAreBounded) {
  std::string text = "rules list0 { a: drop when tcp }\n";
  for (int i = 1; i < 30; ++i)
    text += "rules list" + std::to_string(i) + " { apply list" + std::to_string(i - 1) + "; apply list" +
            std::to_string(i - 1) + " }\n";
  const Checked checked = check(text + "policy p { apply list29\ndefault pass }\n");
  EXPECT_GE(checked.count("too-large"), 1u);
}

TEST(RuleLists, formerNamesAreKept) {
  const Checked checked = accept("set s was t of ip\nmeter m was n { rate 1 pps }\ncounter c was d\n"
                                 "policy p { a was b: drop when ip.src in s over m\ne: count c\ndefault pass }\n");
  EXPECT_EQ(checked.policy->sets[0].was, "t");
  EXPECT_EQ(checked.policy->meters[0].was, "n");
  EXPECT_EQ(checked.policy->counters[0].was, "d");
  EXPECT_EQ(checked.policy->rules[0].was, "b");
}

TEST(RuleLists, aFormerNameIsThatOfRulesWithoutNames) {
  const Checked checked = accept("rules l was m { b: drop when tcp\ntx when udp\nc was d: drop when arp }\n"
                                 "policy p { apply l\ndefault pass }\n");
  ASSERT_EQ(names(checked), (std::vector<std::string>{"b", "l#2", "c", "default"}));
  EXPECT_EQ(checked.policy->rules[0].was, "");
  EXPECT_EQ(checked.policy->rules[1].was, "m#2");
  EXPECT_EQ(checked.policy->rules[2].was, "d");
}

} // namespace
} // namespace xdpc
