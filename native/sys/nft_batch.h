// Changes of nftables, all of them or none (nfnetlink's batches, Linux 3.13). The messages are put together by others: see nft_message.h.
#pragma once

#include "sys/netlink.h"

namespace berth::sys {

/// Applies `messages`, whole nf_tables messages one after the other.
Result<void> nft_commit(int netfilter_socket, Piece messages);

/// Applies each of `messages` on its own where together they fail: what some of them are about may be gone already. Gives the first error other than that.
Result<void> nft_commit_remains(int netfilter_socket, Piece messages);

}  // namespace berth::sys
