// The file system of a container, as the container sees it, for a process that gives up everything else for it.
#pragma once

#include "copy/request.h"
#include "sys/fd.h"

namespace berth::copy {

/// Makes this process one that can only act inside: in the mount and user namespaces of a running container, with the rights of its root at most; or in a
/// mount namespace of its own with nothing in it but the files and volumes of one that does not run. Returns `/` there. ESRCH: it has ended. There is no way back.
sys::Result<sys::Fd> enter_view(Place place, const View& view);

/// `path` below what `enter_view` returned; links in it lead where they lead inside.
sys::Result<sys::Fd> open_inside(int root, const std::string& path, int flags);

}  // namespace berth::copy
