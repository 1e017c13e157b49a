// `events`: what a container uses, and that its memory ran out, as runc tells it.
#pragma once

#include "runtime/record.h"

namespace berth::runtime {

struct EventsRequest {
  bool once = false;        // what it uses now, and no more
  int64_t interval = 5000;  // ms between two looks
};

/// Prints one JSON object a line, `{type: "stats"|"oom", id, data}`, until the container has ended.
void events(const ContainerFolder& folder, const EventsRequest& request);

/// What the container's cgroups have counted, as the `data` of runc's `stats`.
std::string stats_text(const launch::CgroupPlaces& places);

/// Milliseconds of a duration as Go writes it: `5s`, `1m30s`, `500ms`. Throws for what is none, or is 0.
int64_t milliseconds_of(const std::string& duration);

}  // namespace berth::runtime
