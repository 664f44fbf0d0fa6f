/** How a search ranks: by meaning, by words, or by both. */
export const searchModes = ['dense', 'bm25', 'hybrid'] as const

export type SearchMode = (typeof searchModes)[number]
