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
  std::string
      neighbour;  // the pod that alone can tell: it is to be asked, and none of the above is set
};

/// To an app of the pod.
Answer answer(const Pod& pod, Signer& signer, const Request& request);
/// To the service of another pod, which is told nothing but whether this one has signed something.
Answer answer_neighbour(const Pod& pod, Signer& signer, const Request& request);
/// What another pod's service is asked, with the form that an app has sent.
std::string question_to_neighbour(std::string_view form);
Answer refusal(int status);
Answer signature_holds();

/// The head of that response.
std::string head_of(const Answer& answer);

}  // namespace berth::metadata
