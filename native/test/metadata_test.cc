#include <doctest/doctest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

#include "metadata/answer.h"
#include "metadata/documents.h"
#include "metadata/form.h"
#include "metadata/request.h"

using namespace berth::metadata;

namespace {

using State = Parsed::State;

Parsed parse(const std::string& text) { return parse_request(text); }

/// Parsed as it comes in, byte by byte: only the last one makes it whole.
State trickled(const std::string& text) {
  for (size_t size = 0; size < text.size(); ++size) {
    const Parsed parsed = parse_request(std::string_view(text).substr(0, size));
    if (parsed.state != State::kIncomplete) return parsed.state;
  }
  return parse(text).state;
}

struct Scene {
  std::vector<Document> documents = {{"/pod/uuid", "text/plain; charset=us-ascii", "the-uuid"}};
  Pod pod = {"the-uuid", "secret", documents};
  Signer signer;
  Scene() { REQUIRE(signer.make_key()); }
  Answer ask(std::string_view method, std::string_view path, std::string_view body = "") {
    return answer(pod, signer, {method, path, body, true});
  }
};

}  // namespace

TEST_CASE("a request is whole with its last byte, and not before") {
  const std::string get =
      "GET /t/acMetadata/v1/pod/uuid?x=1 HTTP/1.1\r\nHost: x\r\nmetadata-FLAVOR:AppContainer "
      "\r\n\r\n";
  CHECK(trickled(get) == State::kComplete);
  const Parsed parsed = parse(get);
  CHECK(parsed.request.method == "GET");
  CHECK(parsed.request.path == "/t/acMetadata/v1/pod/uuid");
  CHECK(parsed.request.flavored);
  const std::string post = "POST /x HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc";
  CHECK(trickled(post) == State::kComplete);
  CHECK(parse(post + "more").request.body == "abc");
  CHECK(!parse(post).request.flavored);
  CHECK(parse("POST /x HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
            .wants_continue);
}

TEST_CASE("what is no request, or too large, is refused at once") {
  const auto status = [](const std::string& text) {
    const Parsed parsed = parse(text);
    return parsed.state == State::kRefused ? parsed.status : 0;
  };
  CHECK(status("GET\r\n\r\n") == 400);
  CHECK(status("GET x HTTP/1.1\r\n\r\n") == 400);
  CHECK(status("GET /x FTP/1.1\r\n\r\n") == 400);
  CHECK(status("GET /x HTTP/1.1\r\nno colon\r\n\r\n") == 400);
  const std::string post = "POST /x HTTP/1.1\r\n";
  CHECK(status(post + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n") == 400);
  CHECK(status(post + "Content-Length: -1\r\n\r\n") == 400);
  CHECK(status(post + "Content-Length: \r\n\r\n") == 400);
  CHECK(status(post + "Content-Length: 99999999999999999999\r\n\r\n") == 400);
  CHECK(status(post + "Content-Length: " + std::to_string(kMostBody + 1) + "\r\n\r\n") == 413);
  CHECK(status(post + "Content-Length: " + std::to_string(kMostBody) + "\r\n\r\n") == 0);
  CHECK(status(post + "Transfer-Encoding: chunked\r\n\r\n") == 501);
  CHECK(status(post + std::string(kMostHead, 'a')) == 431);
}

TEST_CASE("fields of a form are decoded, and torn ones are none") {
  CHECK(form_field("a=1&content=x%2By+z%00&content=2", "content") == std::string("x+y z\0", 6));
  CHECK(form_field("content=", "content") == "");
  CHECK(form_field("contents=1&&=&content", "content") == std::nullopt);
  for (const char* torn : {"content=%", "content=%4", "content=%4g", "content=%g4"})
    CHECK(form_field(torn, "content") == std::nullopt);
}

TEST_CASE("documents are what their head says, to the byte") {
  std::vector<Document> documents;
  REQUIRE(split_documents("/a 3 text/plain; charset=x\nabc/b 0 json\n", documents));
  REQUIRE(documents.size() == 2);
  CHECK(documents[0].type == "text/plain; charset=x");
  CHECK(documents[0].body == "abc");
  for (const char* wrong :
       {"/a 4 t\nabc", "/a 3", "/a x t\nabc", "/a -1 t\n", "\n", "/a 3 \nabc"}) {
    std::vector<Document> none;
    CHECK_FALSE(split_documents(wrong, none));
  }
}

TEST_CASE("only who has the token is told anything") {
  Scene scene;
  CHECK(scene.ask("GET", "/secret/acMetadata/v1/pod/uuid").body == "the-uuid");
  for (const char* path : {"/secreT/acMetadata/v1/pod/uuid", "/secre/acMetadata/v1/pod/uuid",
                           "//acMetadata/v1/pod/uuid", "/", "/secret", "/secret/pod/uuid",
                           "/secret/acMetadata/v1", "/acMetadata/v1/pod/uuid"})
    CHECK(scene.ask("GET", path).status == 404);
  CHECK(scene.ask("POST", "/secret/acMetadata/v1/pod/uuid").status == 405);
  CHECK(answer(scene.pod, scene.signer, {"GET", "/secret/acMetadata/v1/pod/uuid", "", false})
            .status == 403);
}

TEST_CASE("a signature holds for its content, its pod and its key alone") {
  Scene scene, other;
  const std::string base = "/secret/acMetadata/v1/pod/hmac/";
  std::string signature = scene.ask("POST", base + "sign", "content=abc").own_body;
  CHECK(signature.size() == 88);
  std::string encoded;
  for (const char c : signature) encoded += c == '+' ? "%2B" : std::string(1, c);
  const std::string whole = "content=abc&uuid=the-uuid&signature=" + encoded;
  CHECK(scene.ask("POST", base + "verify", whole).status == 200);
  CHECK(other.ask("POST", base + "verify", whole).status == 403);
  CHECK(
      scene.ask("POST", base + "verify", "content=abd&uuid=the-uuid&signature=" + encoded).status ==
      403);
  CHECK(
      scene.ask("POST", base + "verify", "content=abc&uuid=the-uuie&signature=" + encoded).status ==
      403);
  CHECK(scene.ask("POST", base + "verify", "content=abc&uuid=the-uuid&signature=").status == 403);
  CHECK(scene.ask("POST", base + "verify", "content=abc&uuid=the-uuid").status == 400);
  CHECK(scene.ask("POST", base + "sign", "contents=abc").status == 400);
}

TEST_CASE("what another pod has signed it alone is asked about, and it asks nobody") {
  Scene scene;
  const std::string verify = "/secret/acMetadata/v1/pod/hmac/verify";
  const auto about = [](const std::string& uuid) { return "content=a&signature=b&uuid=" + uuid; };
  const std::string uuid = "0123abcd-0000-4000-8000-0123456789ab";
  CHECK(scene.ask("POST", verify, about(uuid)).neighbour == uuid);
  for (const char* other :
       {"../../etc/x", "..", "", "0123ABCD-0000-4000-8000-0123456789AB",
        "0123abcd-0000-4000-8000-0123456789a/", "0123abcd00000-4000-8000-0123456789ab"}) {
    const Answer told = scene.ask("POST", verify, about(other));
    CHECK(told.neighbour.empty());
    CHECK(told.status == 403);
  }
  const auto neighbour = [&](const std::string& question) {
    const Parsed parsed = parse(question);
    REQUIRE(parsed.state == State::kComplete);
    return answer_neighbour(scene.pod, scene.signer, parsed.request);
  };
  CHECK(neighbour(question_to_neighbour(about(uuid))).status == 403);
  CHECK(neighbour(question_to_neighbour(about(uuid))).neighbour.empty());
  std::string encoded;
  for (const char c : scene.signer.sign("a")) encoded += c == '+' ? "%2B" : std::string(1, c);
  CHECK(neighbour(question_to_neighbour("content=a&uuid=the-uuid&signature=" + encoded)).status ==
        200);
  for (const char* path : {"/secret/acMetadata/v1/pod/uuid", "/secret/acMetadata/v1/pod/hmac/sign"})
    CHECK(
        neighbour("GET " + std::string(path) + " HTTP/1.1\r\nMetadata-Flavor: AppContainer\r\n\r\n")
            .status == 404);
}

TEST_CASE("a pod is read to its last byte and no further") {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  const std::string text = "pod u t 10\n/a 1 x\nygo\n";
  REQUIRE(write(ends[1], text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  close(ends[1]);
  auto pod = receive_pod(ends[0]);
  REQUIRE_FALSE(pod);                     // ten bytes are one document and a torn one
  CHECK(receive_line(ends[0])->empty());  // the rest is still there
  close(ends[0]);
  REQUIRE(pipe(ends) == 0);
  const std::string right = "pod u t 8\n/a 1 x\nygo\n";
  REQUIRE(write(ends[1], right.data(), right.size()) == static_cast<ssize_t>(right.size()));
  close(ends[1]);
  auto found = receive_pod(ends[0]);
  REQUIRE(found);
  CHECK(found->find("/a")->body == "y");
  CHECK(found->find("/b") == nullptr);
  CHECK(*receive_line(ends[0]) == "go");
  close(ends[0]);
}
