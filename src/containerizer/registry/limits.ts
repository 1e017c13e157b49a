/** How patient transfers with a registry are. Times in milliseconds. */
export interface TransferLimits {
  /** Blobs at once. */
  parallel: number;
  /** Attempts in a row that get nothing further. */
  attempts: number;
  /** Between attempts: doubled each time, with jitter; Retry-After may ask for more. */
  firstDelay: number;
  longestDelay: number;
  /** Without an answer, and with fewer than `leastBytes` of a body. */
  patience: number;
  leastBytes: number;
  /** For the headers of any answer, and for all of one that is read whole: a document, a token. */
  longestAnswer: number;
  /** What one pull or push may wait between attempts, all together. */
  totalDelay: number;
  /** Bytes of a part of a blob that is sent. */
  uploadPart: number;
}

export const defaultTransferLimits: TransferLimits = {
  parallel: 4,
  attempts: 6,
  firstDelay: 500,
  longestDelay: 60_000,
  patience: 60_000,
  // Four at once of a link of 20 kB/s; with less, a blob could be dripped for years.
  leastBytes: 256 * 2 ** 10,
  longestAnswer: 120_000,
  totalDelay: 600_000,
  uploadPart: 64 * 2 ** 20,
};

/** One manifest, index or configuration: what registries themselves take (distribution-spec, "Pushing Manifests"). */
export const documentBytes = 4 * 2 ** 20;
/** An answer that is only read for what it says of an error or a token. */
export const answerBytes = 256 * 2 ** 10;
/** Redirects in a row. */
export const redirects = 5;
