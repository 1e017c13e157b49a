// What the metadata service says to a request.
#pragma once

#include <string>

#include "metadata/documents.h"
#include "metadata/request.h"
#include "metadata/signer.h"

namespace berth::metadata {

/// A whole response of HTTP; `body` may be a view of the pod's documents.
struct Answer {
  int status = 0;
  std::string_view type;
  std::string_view body;
  std::string own_body;  // what `body` is a view of, if that was made for this answer
};

Answer answer(const Pod& pod, Signer& signer, const Request& request);
Answer refusal(int status);

/// The head of that response.
std::string head_of(const Answer& answer);

}  // namespace berth::metadata
