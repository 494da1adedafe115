// State lives on over a swap (docs/decisions/0080): what has the same layout stays in its kernel map, the rest is
// copied, and counts go on from where they were, none lost and none twice, whatever is killed when. Before the link's
// update a generation gets its maps and a ledger that says from where it carries; after it, settle() takes the rest
// over. Tested in tests/runtime/carry_test.cpp and tests/live/carry.py.
#pragma once

#include "runtime/swap/copy.h"
#include "runtime/swap/counts.h"

namespace xdpc::swap {

// An error that lists what cannot live on.
Result<Done> mayCarry(const Generation& from, const abi::Manifest& to, const StateMatch& match, const Reset& reset);

// A new generation: the maps that it shares take the places of those that were laid for it …
Result<Done> shareMaps(const Generation& from, const StateMatch& match, kernel::Groundwork& groundwork);
// … its own are filled, and its ledger is written. `from` may be none.
Result<Ledger> fillStaged(const Generation* from, const StateMatch& match, const Reset& reset, kernel::LoadedPolicy& to,
                          const abi::Manifest& manifest, std::span<const SetContents> contents);
// … if it is `from` itself with other contents, it goes on in its place, once it runs …
Result<Done> takePlace(const Folder& folder, uint32_t from, uint32_t number);
// … and what it shares beside the maps is pinned, too.
Result<Done> pinSharedBases(const Generation& from, const StateMatch& match, const Folder& folder, uint32_t number);

// A generation that ran before is to run again, in the place of `from`.
Result<Done> prepareReturn(const Generation& from, const Generation& to, const Reset& reset);

// Takes over what the generation before has counted and changed until its last packet. The new one runs. May be called
// again at any time, also after it was cut short.
Result<Done> settle(const Folder& folder, uint32_t number);

// Its trial began: what is copied of sets and meters is complete and its own from now on, and only counts are left to
// be taken over by whichever of the two stays. May be called again as long as the trial lasts.
Result<Done> beginTrial(const Folder& folder, uint32_t number);

// It began to run. Until this is said it is what a killed command had ready, and goes.
Result<Done> markRunning(const Folder& folder, uint32_t number);

} // namespace xdpc::swap
