#include "metadata/answer.h"

#include "metadata/form.h"

namespace berth::metadata {
namespace {

constexpr std::string_view kText = "text/plain; charset=us-ascii";

const char* reason(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 413:
      return "Content Too Large";
    case 431:
      return "Request Header Fields Too Large";
    case 501:
      return "Not Implemented";
    default:
      return "Refused";
  }
}

/// What follows `/TOKEN/acMetadata/v1`; empty: the token is another, or the path.
std::string_view inner_path(const Pod& pod, std::string_view path) {
  constexpr std::string_view kBase = "/acMetadata/v1";
  path.remove_prefix(1);
  const std::string_view token = path.substr(0, path.find('/'));
  path.remove_prefix(token.size());
  if (!same_secret(token, pod.token) || !path.starts_with(kBase)) return {};
  return path.substr(kBase.size());
}

Answer sign(Signer& signer, std::string_view form) {
  const auto content = form_field(form, "content");
  if (!content) return refusal(400);
  Answer made = {200, kText, {}, signer.sign(*content), {}};
  return made;
}

constexpr std::string_view kNeighboursPath = "/verify";

/// In the one form that berth gives it (RFC 4122): it becomes the name of a file.
bool is_uuid(std::string_view text) {
  constexpr std::string_view kForm = "00000000-0000-0000-0000-000000000000";
  if (text.size() != kForm.size()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    if (kForm[i] == '-' ? c != '-' : !digit) return false;
  }
  return true;
}

/// The key of another pod is that pod's own.
Answer verify(const Pod& pod, Signer& signer, std::string_view form) {
  const auto content = form_field(form, "content");
  const auto uuid = form_field(form, "uuid");
  const auto signature = form_field(form, "signature");
  if (!content || !uuid || !signature) return refusal(400);
  if (*uuid != pod.uuid && is_uuid(*uuid)) return {0, {}, {}, {}, *uuid};
  const bool holds = *uuid == pod.uuid && signer.verify(*content, *signature);
  return holds ? signature_holds() : refusal(403);
}

}  // namespace

Answer signature_holds() { return {200, kText, {}, {}, {}}; }

Answer refusal(int status) { return {status, kText, {}, std::string(reason(status)) + '\n', {}}; }

Answer answer(const Pod& pod, Signer& signer, const Request& request) {
  // Without it, a page that another makes a browser or a careless client fetch could ask as well as the app.
  if (!request.flavored) return refusal(403);
  const std::string_view path = inner_path(pod, request.path);
  const bool signs = path == "/pod/hmac/sign", verifies = path == "/pod/hmac/verify";
  const Document* document = pod.find(path);
  if (document == nullptr && !signs && !verifies) return refusal(404);
  if (request.method != (signs || verifies ? "POST" : "GET")) return refusal(405);
  if (signs) return sign(signer, request.body);
  if (verifies) return verify(pod, signer, request.body);
  return {200, document->type, document->body, {}, {}};
}

Answer answer_neighbour(const Pod& pod, Signer& signer, const Request& request) {
  if (request.path != kNeighboursPath || request.method != "POST") return refusal(404);
  Answer made = verify(pod, signer, request.body);
  // Whoever asks about a third pod asks the wrong one.
  return made.neighbour.empty() ? std::move(made) : refusal(403);
}

std::string question_to_neighbour(std::string_view form) {
  std::string question = "POST ";
  question += kNeighboursPath;
  question += " HTTP/1.1\r\nContent-Length: " + std::to_string(form.size()) + "\r\n\r\n";
  question += form;
  return question;
}

std::string head_of(const Answer& answer) {
  const size_t length = answer.own_body.empty() ? answer.body.size() : answer.own_body.size();
  std::string head = "HTTP/1.1 " + std::to_string(answer.status) + ' ' + reason(answer.status);
  head += "\r\nContent-Type: ";
  head += answer.type;
  head += "\r\nContent-Length: " + std::to_string(length);
  if (answer.status == 405) head += "\r\nAllow: GET, POST";
  head += "\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n";
  return head;
}

}  // namespace berth::metadata
