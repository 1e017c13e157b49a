// Whatever an app of a pod may send to the metadata service is refused or answered, without a crash and without a look past it.
#include <cstdint>
#include <string>

#include "metadata/answer.h"
#include "metadata/form.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace berth::metadata;
  static const Pod pod = {"u", "t", {{"/pod/uuid", "text/plain", "u"}}};
  static Signer signer;
  // A copy to the byte, so that the sanitizer sees what is read beyond it.
  const std::string sent(reinterpret_cast<const char*>(data), size);
  const Parsed parsed = parse_request(sent);
  if (parsed.state == Parsed::State::kComplete) (void)head_of(answer(pod, signer, parsed.request));
  std::vector<Document> documents;
  (void)split_documents(sent, documents);
  (void)form_field(sent, "content");
  return 0;
}
