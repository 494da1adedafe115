// Random statements that change packets and send them elsewhere: assignments, tags, redirects. Entry point:
// RewriteMaker. Judged by tests/oracle byte by byte.
#pragma once

#include "tests/differential/vocabulary.h"

namespace xdpc::differential {

class RewriteMaker {
public:
  // `fields`: that the policy is about; some of them are assigned to.
  RewriteMaker(const Vocabulary& words, Random& random, const std::vector<FieldName>& fields);

  std::string assignment(); // `ip.ttl = ip.ttl - 1`, `(a, b) = (b, a)`
  std::string tags();       // statements that stand right before a verdict
  std::string redirect();   // a verdict

private:
  std::string value(const FieldName& field);
  std::string number(const FieldName& field);
  std::string address(const FieldName& field);
  std::vector<FieldName> like(const FieldName& field) const;

  const Vocabulary& words_;
  Random& random_;
  const std::vector<FieldName>& fields_;
  std::vector<FieldName> targets_;
};

} // namespace xdpc::differential
