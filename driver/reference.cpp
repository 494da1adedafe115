// `xdpc reference`: the generated pages of docs/. Tested by tests/check/reference.py, which compares them.
#include "compiler/diag/reference.h"
#include "driver/commands.h"
#include "driver/header_reference.h"
#include "driver/output.h"

namespace xdpc::driver {

int referenceCommand(const ReferenceOptions& options) {
  if (options.page == "diagnostics")
    print(diag::reference());
  else
    print(options.page == "fields" ? fieldsReference() : stdlibReference());
  return kFine;
}

} // namespace xdpc::driver
