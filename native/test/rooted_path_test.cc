#include "sys/rooted_path.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "test/scratch_folder.h"

using namespace berth::sys;
using berth::test::ScratchFolder;

namespace {

/// A tree `root` beside a folder `outside`, and a handle of the former.
struct Tree {
  Tree() {
    REQUIRE(mkdir(folder.path("root").c_str(), 0755) == 0);
    REQUIRE(mkdir(folder.path("outside").c_str(), 0755) == 0);
    folder.write("outside/secret", "host");
    root.reset(open(folder.path("root").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  }
  void link(const char* to, const char* at) const { REQUIRE(symlinkat(to, root.get(), at) == 0); }
  bool has(const std::string& path) const {
    return access(folder.path("root/" + path).c_str(), F_OK) == 0;
  }
  std::string outside() const { return folder.path("outside"); }

  ScratchFolder folder;
  Fd root;
};

bool same(const Fd& fd, const std::string& path) {
  struct stat one, other;
  return fstat(fd.get(), &one) == 0 && stat(path.c_str(), &other) == 0 &&
         one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

template <typename Outcome>
int error_of(const Outcome& outcome) {
  return outcome ? 0 : outcome.error().number;
}

}  // namespace

TEST_CASE("no path leads out of the root") {
  const Tree tree;
  tree.link("../outside", "up");
  tree.link(tree.outside().c_str(), "absolute");
  tree.link("/proc/self/cwd", "magic");
  for (const char* path :
       {"up/secret", "absolute/secret", "../outside/secret", "/../../outside/secret", "magic"}) {
    CHECK(error_of(open_in_root(tree.root.get(), path, O_PATH)) == ENOENT);
  }
  auto top = open_in_root(tree.root.get(), "/../..", O_PATH);
  REQUIRE(top);
  CHECK(same(*top, tree.folder.path("root")));
}

TEST_CASE("plain paths have no link at all") {
  const Tree tree;
  REQUIRE(mkdirat(tree.root.get(), "real", 0755) == 0);
  tree.link("real", "link");
  CHECK(open_in_root_plain(tree.root.get(), "real", O_PATH));
  CHECK(open_in_root(tree.root.get(), "link", O_PATH));
  CHECK(error_of(open_in_root_plain(tree.root.get(), "link", O_PATH)) == ELOOP);
}

TEST_CASE("directories are made where the path leads inside") {
  const Tree tree;
  CHECK(make_directory_in_root(tree.root.get(), "/a/b//c/"));
  CHECK(tree.has("a/b/c"));
  tree.link("/a/b", "link");
  auto made = make_directory_in_root(tree.root.get(), "link/../x");
  REQUIRE(made);
  CHECK(same(*made, tree.folder.path("root/a/x")));
  tree.folder.write("root/file", "");
  CHECK(error_of(make_directory_in_root(tree.root.get(), "file/x")) == ENOTDIR);
  CHECK(error_of(make_directory_in_root(tree.root.get(), "file")) == ENOTDIR);
  CHECK(error_of(make_directory_in_root(tree.root.get(), std::string(5000, 'x').c_str())) ==
        ENAMETOOLONG);
}

TEST_CASE("a dangling link is followed inside, never outside") {
  const Tree tree;
  tree.link((tree.outside() + "/made").c_str(), "absolute");
  tree.link("../../outside/made", "up");
  CHECK(make_directory_in_root(tree.root.get(), "absolute/deep"));
  CHECK(tree.has(tree.outside() + "/made/deep"));
  CHECK(make_directory_in_root(tree.root.get(), "up"));
  CHECK(tree.has("outside/made"));
  CHECK(access((tree.outside() + "/made").c_str(), F_OK) != 0);
  tree.link("two", "one");
  tree.link("one", "two");
  CHECK(error_of(make_directory_in_root(tree.root.get(), "one/x")) == ELOOP);
  CHECK(error_of(make_file_in_root(tree.root.get(), "one")) == ELOOP);
}

TEST_CASE("files are made empty where nothing is, and left where something is") {
  const Tree tree;
  tree.folder.write("root/file", "kept");
  CHECK(make_file_in_root(tree.root.get(), "file"));
  CHECK(tree.folder.read("root/file") == "kept");
  CHECK(make_file_in_root(tree.root.get(), "/etc/new"));
  CHECK(tree.folder.read("root/etc/new").empty());
  tree.link("../run/resolve/stub", "etc/resolv.conf");
  auto followed = make_file_in_root(tree.root.get(), "/etc/resolv.conf");
  REQUIRE(followed);
  CHECK(same(*followed, tree.folder.path("root/run/resolve/stub")));
  tree.link("../../outside/secret-made", "escape");
  CHECK(make_file_in_root(tree.root.get(), "escape"));
  CHECK(tree.has("outside/secret-made"));
  CHECK(access((tree.outside() + "/secret-made").c_str(), F_OK) != 0);
}

TEST_CASE("the parent of a path, and paths that have none") {
  const Tree tree;
  const char* name = nullptr;
  auto parent = make_parent_in_root(tree.root.get(), "/dev/pts/x", &name);
  REQUIRE(parent);
  CHECK(std::string(name) == "x");
  CHECK(same(*parent, tree.folder.path("root/dev/pts")));
  for (const char* path : {"/", "", "a/", "a/.", "a/.."})
    CHECK(error_of(make_parent_in_root(tree.root.get(), path, &name)) == EINVAL);
}
