/** A column's name as it is compared, without case, spaces and signs: `Sentence_1`, `sentence 1` and `SENTENCE-1` are one. */
export function plainName(name: string): string {
  return name
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]/gu, '')
}

/** What the first and the second of two texts are called that belong together. */
export const questionNames = [
  ['anchor', 'anchors', 'anchortext'],
  ['query', 'queries', 'querytext', 'question', 'questions', 'questiontext'],
  ['premise', 'claim', 'prompt'],
] as const
export const answerNames = [
  ...['answer', 'answers', 'passage', 'passages', 'document', 'documents', 'doc', 'docs', 'context', 'contexts'],
  ...['paragraph', 'response', 'hypothesis', 'evidence', 'snippet'],
] as const

/** Where a column is that somebody asked for: the one of this very name, else of one that compares equal. Undefined for none. */
export function placeOfColumn(names: readonly string[], asked: string): number | undefined {
  const exact = names.indexOf(asked)
  const place = exact >= 0 ? exact : names.findIndex((name) => plainName(name) === plainName(asked))
  return place >= 0 ? place : undefined
}

const stems = 'sentence|sent|text|question|string|query|phrase|segment|source|s|q'
const numbered = new RegExp(`^(?:(?<stem>${stems})(?<sign>\\d|[a-e])|(?<first>\\d)(?<then>${stems}))$`)
const begins = ['0', '1', 'a']

/**
 * Columns that are texts of one kind, in their order, such as `sentence1` and `sentence2`, `question_a` and `question_b`, `#1 String` and
 * `#2 String`; none where there are no two of a kind.
 */
export function numberedTexts(names: readonly string[]): readonly number[] {
  const places = new Map<string, number>()
  for (const [place, name] of names.entries()) {
    const { stem, sign, first, then } = numbered.exec(plainName(name))?.groups ?? {}
    const key = `${stem ?? then ?? ''}/${sign ?? first ?? ''}`
    if (!places.has(key)) places.set(key, place)
  }
  for (const stem of stems.split('|')) {
    const begin = begins.find((sign) => places.has(`${stem}/${sign}`))
    const found: number[] = []
    for (let code = begin?.charCodeAt(0) ?? 0; ; code++) {
      const place = places.get(`${stem}/${String.fromCharCode(code)}`)
      if (place === undefined) break
      found.push(place)
    }
    if (found.length > 1) return found
  }
  return []
}

const judgement = /scores?|labels?|similarity|relevance|relatedness|judge?ments?/
const verdict =
  /^(?:is)?(?:duplicate|paraphrase|match|matched|relevant|similar|same|equivalent)$|^(?:quality|gold|target|y|entailment|rating|grade|rel|sim|cosine|cossim)$/
/** Scores of the single positives and negatives come from a teacher: they do not say whether they are some. */
const ofTexts = /^(?:hard)?(?:pos|neg|positive|negative|teacher)/

/** True for a column that says how alike or how right the texts beside it are. */
export function isJudgement(name: string): boolean {
  const plain = plainName(name)
  return verdict.test(plain) || (judgement.test(plain) && !ofTexts.test(plain))
}
