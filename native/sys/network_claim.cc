#include "sys/network_claim.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>

namespace berth::sys {
namespace {

constexpr int kOfdSetLock = 37, kOfdSetLockWait = 38;
/// Everybody with a claim shares the lock on this byte, which is nobody's address.
constexpr off_t kAnybody = off_t{1} << 61;

/// IPv4 addresses are bytes of their own number. Those of IPv6 are spread over the far half of the file by a hash (FNV-1a), which may claim one too many, never one too few.
off_t byte_of(const IpAddress& address) {
  if (address.family == IpAddress::kFamily4) {
    uint32_t number = 0;
    memcpy(&number, address.bytes, sizeof number);
    return ntohl(number);
  }
  uint64_t hash = 0xcbf29ce484222325ULL;
  for (const uint8_t byte : address.bytes) hash = (hash ^ byte) * 0x100000001b3ULL;
  return static_cast<off_t>(uint64_t{1} << 62 | hash >> 3);
}

struct flock lock_on(off_t byte, short type) {
  struct flock lock = {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = byte;
  lock.l_len = 1;
  return lock;
}

/// False: another has it.
Result<bool> lock_byte(const Fd& file, off_t byte) {
  struct flock lock = lock_on(byte, F_WRLCK);
  if (fcntl(file.get(), kOfdSetLock, &lock) == 0) return true;
  if (errno == EAGAIN || errno == EACCES) return false;
  return last_error("fcntl");
}

Result<void> unlock_byte(const Fd& file, off_t byte) {
  struct flock lock = lock_on(byte, F_UNLCK);
  if (fcntl(file.get(), kOfdSetLock, &lock) != 0) return last_error("fcntl");
  return {};
}

Result<bool> claim(const Fd& file, const IpAddress& address) {
  return lock_byte(file, byte_of(address));
}

uint32_t number_of(const IpAddress& address) { return static_cast<uint32_t>(byte_of(address)); }

IpAddress numbered(uint32_t number) {
  IpAddress address;
  address.family = IpAddress::kFamily4;
  const uint32_t bytes = htonl(number);
  memcpy(address.bytes, &bytes, sizeof bytes);
  return address;
}

IpAddress beside(const IpAddress& network6, const IpAddress& address4) {
  IpAddress address = network6;
  if (network6.prefix < 128) memcpy(address.bytes + 12, address4.bytes, 4);
  return address;
}

Result<bool> still_named(const Fd& file, const char* path) {
  struct stat held, named;
  if (fstat(file.get(), &held) != 0) return last_error("fstat");
  if (lstat(path, &named) != 0) {
    if (errno == ENOENT) return false;
    return last_error("lstat");
  }
  return held.st_dev == named.st_dev && held.st_ino == named.st_ino;
}

/// Who tidies up may have taken the file away between its opening and its lock; then nobody would see the lock.
Result<Fd> open_claims(const char* file) {
  for (;;) {
    BERTH_ASSIGN(Fd claims,
                 adopt(open(file, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600), "open"));
    struct flock lock = lock_on(kAnybody, F_RDLCK);
    if (retry_interrupted([&] { return fcntl(claims.get(), kOfdSetLockWait, &lock); }) != 0)
      return last_error("fcntl");
    BERTH_ASSIGN(const bool seen, still_named(claims, file));
    if (seen) return claims;
  }
}

/// The search starts at a random place: it stays short while few are taken, and an address is not at once somebody else's.
Result<OwnAddresses> claim_addresses(const Fd& file, const AddressWish& wish) {
  const uint32_t first = number_of(wish.first), last = number_of(wish.last);
  const uint64_t count = uint64_t{last} - first + 1;
  uint32_t start = 0;
  if (getrandom(&start, sizeof start, 0) != sizeof start) return last_error("getrandom");
  for (uint64_t tried = 0; tried < count; ++tried) {
    const IpAddress address4 = numbered(static_cast<uint32_t>(first + (start + tried) % count));
    if (memcmp(address4.bytes, wish.gateway.bytes, 4) == 0) continue;
    BERTH_ASSIGN(const bool free4, claim(file, address4));
    if (!free4) continue;
    if (wish.network6.family == 0) return OwnAddresses{address4, {}};
    const IpAddress address6 = beside(wish.network6, address4);
    BERTH_ASSIGN(const bool free6, claim(file, address6));
    if (free6) return OwnAddresses{address4, address6};
    BERTH_TRY(unlock_byte(file, byte_of(address4)));
    if (wish.network6.prefix == 128) break;
  }
  return Error{EADDRINUSE, "fcntl"};
}

Result<Fd> bind_port(const IpAddress& address, uint8_t protocol, uint16_t port, bool reuse) {
  const bool version4 = address.family == IpAddress::kFamily4;
  const int type = protocol == IPPROTO_UDP ? SOCK_DGRAM : SOCK_STREAM;
  BERTH_ASSIGN(Fd bound,
               adopt(socket(version4 ? AF_INET : AF_INET6, type | SOCK_CLOEXEC, 0), "socket"));
  const int on = 1;
  sockaddr_in name4 = {};
  sockaddr_in6 name6 = {};
  if (version4) {
    name4.sin_family = AF_INET;
    name4.sin_port = htons(port);
    memcpy(&name4.sin_addr, address.bytes, 4);
  } else {
    name6.sin6_family = AF_INET6;
    name6.sin6_port = htons(port);
    memcpy(&name6.sin6_addr, address.bytes, 16);
    if (setsockopt(bound.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) != 0)
      return last_error("setsockopt");
  }
  if (reuse && setsockopt(bound.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0)
    return last_error("setsockopt");
  const auto* name =
      version4 ? reinterpret_cast<sockaddr*>(&name4) : reinterpret_cast<sockaddr*>(&name6);
  if (bind(bound.get(), name, version4 ? sizeof name4 : sizeof name6) != 0)
    return last_error("bind");
  // With SO_REUSEADDR only one that listens keeps others away.
  if (reuse && listen(bound.get(), 1) != 0) return last_error("listen");
  return bound;
}

/// A port whose last connections are fading away (TIME_WAIT) is free, and bind(2) says so only if told to reuse it.
Result<Fd> take_port(const IpAddress& address, uint8_t protocol, uint16_t port) {
  auto bound = bind_port(address, protocol, port, false);
  if (bound || bound.error().number != EADDRINUSE || protocol == IPPROTO_UDP) return bound;
  return bind_port(address, protocol, port, true);
}

Result<uint16_t> port_of(const Fd& bound) {
  sockaddr_in6 name = {};
  socklen_t length = sizeof name;
  if (getsockname(bound.get(), reinterpret_cast<sockaddr*>(&name), &length) != 0)
    return last_error("getsockname");
  return ntohs(name.sin6_port);  // where sockaddr_in has it too
}

/// The same port at all addresses, or none.
Result<uint16_t> take_everywhere(const PortWish& wish, uint16_t port, std::vector<Fd>& held) {
  std::vector<Fd> taken;
  for (const IpAddress& address : wish.addresses) {
    BERTH_ASSIGN(Fd bound, take_port(address, wish.protocol, port));
    BERTH_ASSIGN(port, port_of(bound));
    taken.push_back(std::move(bound));
  }
  for (Fd& fd : taken) held.push_back(std::move(fd));
  return port;
}

Result<uint16_t> claim_port(const PortWish& wish, std::vector<Fd>& held) {
  // Any: what the kernel gives for the first address may be taken at the second.
  constexpr int kTries = 100;
  const int tries =
      wish.first_port == 0 ? kTries : static_cast<int>(wish.last_port) - wish.first_port + 1;
  for (int tried = 0;; ++tried) {
    const auto port = static_cast<uint16_t>(wish.first_port == 0 ? 0 : wish.first_port + tried);
    auto taken = take_everywhere(wish, port, held);
    if (taken || taken.error().number != EADDRINUSE || tried + 1 >= tries) return taken;
  }
}

/// Puts descriptors into the queue of a socket, where they stay open until it is closed. No process has to have them in its table.
Result<Fd> keep(const std::vector<Fd>& held) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return last_error("socketpair");
  Fd kept(ends[0]);
  const Fd sender(ends[1]);
  constexpr size_t kMost = 250;  // SCM_MAX_FD is 253
  for (size_t done = 0; done < held.size(); done += kMost) {
    const size_t count = std::min(kMost, held.size() - done);
    alignas(cmsghdr) char control[CMSG_SPACE(kMost * sizeof(int))] = {};
    char byte = 0;
    iovec content = {&byte, 1};
    msghdr message = {};
    message.msg_iov = &content;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(count * sizeof(int));
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(count * sizeof(int));
    for (size_t i = 0; i < count; ++i) {
      const int fd = held[done + i].get();
      memcpy(CMSG_DATA(header) + i * sizeof fd, &fd, sizeof fd);
    }
    if (retry_interrupted([&] { return sendmsg(sender.get(), &message, MSG_DONTWAIT); }) < 0)
      return last_error("sendmsg");
  }
  return kept;
}

/// The file of addresses among what a socket's queue keeps, where it stays: a copy, whose locks are those of the one that is kept.
Result<Fd> kept_file(int held) {
  constexpr size_t kMost = 253;  // SCM_MAX_FD
  alignas(cmsghdr) char control[CMSG_SPACE(kMost * sizeof(int))] = {};
  char byte = 0;
  iovec content = {&byte, 1};
  msghdr message = {};
  message.msg_iov = &content;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  constexpr int kPeek = MSG_PEEK | MSG_DONTWAIT | MSG_CMSG_CLOEXEC;
  if (retry_interrupted([&] { return recvmsg(held, &message, kPeek); }) < 0)
    return last_error("recvmsg");
  Fd file;
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header == nullptr || header->cmsg_type != SCM_RIGHTS) return Error{ENOMSG, "recvmsg"};
  const size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
  for (size_t i = 0; i < count; ++i) {
    int number = -1;
    memcpy(&number, CMSG_DATA(header) + i * sizeof number, sizeof number);
    Fd each(number);
    struct stat status;
    if (fstat(each.get(), &status) == 0 && S_ISREG(status.st_mode)) file = std::move(each);
  }
  if (!file) return Error{ENOMSG, "recvmsg"};
  return file;
}

}  // namespace

Result<NetworkClaim> claim_network(const char* file, const std::vector<AddressWish>& addresses,
                                   const std::vector<PortWish>& ports, ClaimRefusal& refusal) {
  NetworkClaim found;
  std::vector<Fd> held;
  refusal.what = ClaimRefusal::What::kPort;
  for (refusal.index = 0; refusal.index < ports.size(); ++refusal.index) {
    BERTH_ASSIGN(const uint16_t port, claim_port(ports[refusal.index], held));
    found.ports.push_back(port);
  }
  refusal.what = ClaimRefusal::What::kAddress;
  BERTH_ASSIGN(Fd claims, open_claims(file));
  for (refusal.index = 0; refusal.index < addresses.size(); ++refusal.index) {
    BERTH_ASSIGN(const OwnAddresses own, claim_addresses(claims, addresses[refusal.index]));
    found.addresses.push_back(own);
  }
  // First, where who claims more looks for it.
  held.insert(held.begin(), std::move(claims));
  BERTH_ASSIGN(found.held, keep(held));
  return found;
}

Result<OwnAddresses> claim_more(int held, const AddressWish& wish) {
  BERTH_ASSIGN(const Fd claims, kept_file(held));
  return claim_addresses(claims, wish);
}

Result<void> release_addresses(int held, const OwnAddresses& addresses) {
  BERTH_ASSIGN(const Fd claims, kept_file(held));
  for (const IpAddress& address : {addresses.address4, addresses.address6}) {
    if (address.family != 0) BERTH_TRY(unlock_byte(claims, byte_of(address)));
  }
  return {};
}

Result<bool> remove_idle_claims(const char* file) {
  auto opened = adopt(open(file, O_RDWR | O_NOFOLLOW | O_CLOEXEC), "open");
  if (!opened && opened.error().number == ENOENT) return false;
  if (!opened) return opened.error();
  BERTH_ASSIGN(const bool idle, lock_byte(*opened, kAnybody));
  if (!idle) return false;
  BERTH_ASSIGN(const bool named, still_named(*opened, file));
  if (named && unlink(file) != 0) return last_error("unlink");
  return named;
}

}  // namespace berth::sys
