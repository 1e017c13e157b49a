#include "launch/json.h"
#include "launch/resources.h"
#include "runtime/trouble.h"
#include "runtime/verbs.h"

namespace berth::runtime {

void update(const ContainerFolder& folder, const std::string& resources) {
  simdjson::dom::parser parser;
  simdjson::dom::element document;
  launch::Faults faults;
  if (const auto error = parser.parse(resources).get(document))
    throw Trouble(std::string("resources: ") + simdjson::error_message(error));
  const launch::Limits limits =
      launch::read_resources(launch::Json(document, "resources:", faults));
  if (faults.any()) throw Trouble(faults.first());
  const sys::Fd lock = folder.lock();
  const Record record = existing(folder);
  if (folder.status(record) == Status::kStopped)
    throw Trouble("container `" + folder.id() + "` is stopped");
  const auto updated = launch::update_cgroups(record.cgroups, {}, limits);
  if (const auto* failure = std::get_if<launch::Failure>(&updated)) fail(*failure);
}

}  // namespace berth::runtime
