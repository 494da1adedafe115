// Puts the tables of views into maps. Entry point: ViewWriter. Private to plan/.
#pragma once

#include "compiler/plan/classifier_view.h"
#include "compiler/plan/program.h"

#include <optional>
#include <string>

namespace xdpc::plan {

// Tables lie one behind the other in as few maps as possible: a program names at most 64.
class ViewWriter {
public:
  // The maps are called `.rodata.NAME0` and so on.
  ViewWriter(Program& program, std::string name) : program_(program), name_(std::move(name)) {}

  // Says in the view where its tables lie, and adds their size to `bytes`. False where no map takes one of them.
  bool write(ClassifierView& view, const ViewTables& tables, uint64_t& bytes);

private:
  std::optional<TableBytes> add(const void* data, size_t bytes);
  void addMap();
  bool writeRanks(ClassifierView& view, const ViewTables& tables, uint64_t& bytes);
  template <typename Word> bool put(TableBytes& into, const std::vector<Word>& words, uint64_t& bytes);

  Program& program_;
  std::string name_;
  std::optional<uint32_t> map_;
  unsigned made_ = 0;
};

} // namespace xdpc::plan
