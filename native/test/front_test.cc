#include <doctest/doctest.h>

#include "front/json_text.h"
#include "front/recipe.h"
#include "front/roots.h"
#include "front/words.h"
#include "launch/process_change.h"

using namespace berth::front;

namespace {

constexpr Flag kFlags[] = {
    {"rm"}, {"interactive", 'i'}, {"tty", 't'}, {"env", 'e', true}, {"user", 'u', true}};

std::optional<FlagWords> parse(const Words& words) { return parse_flags(words, 0, kFlags); }

}  // namespace

TEST_CASE("flags end at the first word that is none") {
  const auto line = parse({"--rm", "-it", "-eA=1", "-e", "B=2", "--user=5", "image", "-i", "--rm"});
  REQUIRE(line);
  CHECK(line->rest == 6);
  CHECK(line->has("rm"));
  CHECK(line->has("interactive"));
  CHECK(line->has("tty"));
  CHECK(line->last("env") == "B=2");
  CHECK(line->last("user") == "5");
  REQUIRE(line->given.size() == 6);
  CHECK(line->given[3].value == "A=1");

  CHECK(parse({"-", "x"})->rest == 0);
  CHECK(parse({"", "x"})->rest == 0);
  CHECK(parse({"-iue", "x"})->last("user") == "e");
  CHECK(parse({"-e=", "x"})->last("env") == "=");
  CHECK(parse({"--env=", "x"})->last("env")->empty());
  CHECK(parse({"-u", "--rm", "x"})->last("user") == "--rm");
}

TEST_CASE("what is unusual is not understood") {
  for (const Words& words : {Words{"--"}, Words{"--", "x"}, Words{"--frob"}, Words{"-x"},
                             Words{"--rm=true"}, Words{"--e", "x"}, Words{"-it-"}, Words{"-5"},
                             Words{"--env"}, Words{"-e"}, Words{"-ie"}, Words{"-i=1"}})
    CHECK_FALSE(parse(words));
}

TEST_CASE("only plain paths are taken for what they are") {
  for (const char* path : {"/a", "/var/lib/berth", "/.a/..b/...", "/é"}) CHECK(is_plain_path(path));
  for (const char* path :
       {"", "/", "a", "./a", "/a/", "//a", "/a//b", "/a/./b", "/a/..", "/.", "/a/../b", "/\xff"})
    CHECK_FALSE(is_plain_path(path));
  CHECK(all_utf8({"é", "😀"}));
  CHECK_FALSE(all_utf8({"a", "\xc3"}));
}

TEST_CASE("JSON is what JSON.stringify writes") {
  CHECK(json_string("a\"\\/\b\f\n\r\t\x01\x7fé") == "\"a\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\x7fé\"");
}

TEST_CASE("a recipe's slots are filled") {
  SlotValues values;
  values.id = "0a";
  values.created_at = "now";
  values.first_id = 7;
  values.height = 24;
  values.width = 80;
  const auto filled = [&](const Template& pieces, const Words& args) {
    return fill(pieces, values, args).value_or("nothing");
  };
  CHECK(filled({"all"}, {}) == "all");
  CHECK(filled({"<", "id", "|", "first_id", "|", "height", "x", "width", "|", "created_at", ">"},
               {}) == "<0a|7|24x80|now>");
  CHECK(filled({"[", "args", "]"}, {"a", "b\""}) == R"(["a","b\""])");
  CHECK(filled({"[", "args", "]"}, {}) == "[]");
  CHECK(filled({"[\"e\"", ",args", "]"}, {"a", "b"}) == R"(["e","a","b"])");
  CHECK(filled({"[\"e\"", ",args", "]"}, {}) == R"(["e"])");
  CHECK(filled({"[", "unknown", "]"}, {}) == "nothing");
  CHECK(filled({"[", "id"}, {}) == "nothing");
}

TEST_CASE("a variable has its last value in its first place") {
  using List = std::vector<std::string>;
  CHECK(berth::launch::merge_variables({"A=1", "B=2", "A=3=4", "=x", "C", "D="}) ==
        List{"A=3=4", "B=2", "D="});
}
