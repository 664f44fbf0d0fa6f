/** How large a filter may be. Equalities over one field are merged into one set before conditions are counted. */
export const filterLimits = {
  /** Conditions in all. */
  conditions: 1_000,
  /** Values of one set. */
  values: 10_000,
  /** Levels of $and, $or and $not. */
  depth: 20,
  /** Bytes of UTF-8 of one string. */
  stringBytes: 65_536,
  /** Bytes of all names and values together, a number counted as 8. */
  bytes: 2_097_152,
  /** Keys of one field path. */
  keys: 64,
  /** Branches and values as they were written, before anything is merged. */
  parts: 100_000,
} as const
