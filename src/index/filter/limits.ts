/** How large a filter may be, so that checking it takes no more than some 50 ms, and asking a store for it no more than reading what is stored. Equalities over one field are merged into one set before conditions are counted. */
export const filterLimits = {
  /** Conditions in all. */
  conditions: 256,
  /** Of these, the ones that are no equalities: ranges and contains. */
  comparisons: 64,
  /** Values of one set. */
  values: 10_000,
  /** Levels of $and, $or and $not. */
  depth: 20,
  /** Bytes of UTF-8 of one string. */
  stringBytes: 65_536,
  /** Bytes of all names and values together, a number counted as 8. */
  bytes: 1_048_576,
  /** Keys of one field path. */
  keys: 64,
  /** Branches and values as they were written, before anything is merged. */
  parts: 20_000,
} as const
