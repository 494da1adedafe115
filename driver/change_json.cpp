// See change_json.h.
#include "driver/change_json.h"

#include "driver/output.h"

#include <nlohmann/json.hpp>

namespace xdpc::driver {

namespace {

using Json = nlohmann::ordered_json;

Json orNull(const std::string& name) {
  return name.empty() ? Json() : Json(name);
}

Json devicesJson(const std::vector<swap::AttachedDevice>& devices) {
  Json out = Json::array();
  for (const swap::AttachedDevice& one : devices)
    out.push_back({{"device", one.device.name},
                   {"ifindex", one.device.ifindex},
                   {"mode", kernel::modeName(one.mode)},
                   {"link", one.link_id}});
  return out;
}

} // namespace

std::string attachedJson(const swap::Attachment& attached, const AttachedPolicy& policy) {
  Json out = {{"schema", kSchema},
              {"policy", policy.name},
              {"generation", attached.generation},
              {"program", attached.program_id},
              {"devices", devicesJson(attached.devices)},
              {"in_place_of", attached.swapped ? orNull(attached.old_policy) : Json()},
              {"trial", policy.trial_ns ? Json{{"seconds", double(*policy.trial_ns) / 1e9}} : Json()},
              {"copied", attached.copied},
              {"warnings", attached.warnings}};
  if (policy.elements)
    out["elements"] = *policy.elements;
  return out.dump() + "\n";
}

std::string detachedJson(const swap::Detached& detached) {
  Json instances = Json::array();
  for (const swap::Detachment& one : detached.instances)
    instances.push_back(
        {{"policy", orNull(one.policy)}, {"devices", one.devices}, {"goes_on_on", one.rest}, {"notes", one.notes}});
  const Json out = {{"schema", kSchema}, {"detached", instances}, {"missing", detached.missing}};
  return out.dump() + "\n";
}

std::string confirmedJson(const swap::Confirmation& confirmed) {
  const Json out = {
      {"schema", kSchema}, {"policy", confirmed.policy}, {"devices", confirmed.devices}, {"notes", confirmed.notes}};
  return out.dump() + "\n";
}

std::string returnedJson(const swap::Return& back) {
  const Json out = {{"schema", kSchema},
                    {"policy", orNull(back.policy)},
                    {"generation", back.generation == 0 ? Json() : Json(back.generation)},
                    {"devices", back.devices},
                    {"in_place_of", back.from_policy},
                    {"notes", back.notes}};
  return out.dump() + "\n";
}

} // namespace xdpc::driver
