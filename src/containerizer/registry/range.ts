/** Where the part of a blob begins that an answer has: `bytes 5-9/10` (RFC 9110, 14.4). Undefined: it does not say. */
export function startOfPart(contentRange: string | undefined): number | undefined {
  const start = /^bytes (\d{1,15})-/.exec(contentRange ?? '')?.[1];
  return start === undefined ? undefined : Number(start);
}

/**
 * How many bytes of an upload a registry has, as its `Range` tells: `0-99` is a hundred (distribution-spec, "Pushing a blob in chunks"). Nothing is `0-0`, or no header, as it is
 * with one byte: then it is sent again. Undefined: fewer than it had told before, or more than it was sent.
 */
export function takenOf(range: string | undefined, before: number, sent: number): number | undefined {
  const end = /^(?:bytes=)?0-(\d{1,15})$/.exec(range ?? '')?.[1];
  const taken = end === undefined || end === '0' ? 0 : Number(end) + 1;
  return taken >= before && taken <= sent ? taken : undefined;
}
