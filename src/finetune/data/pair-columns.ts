import {
  answerNames,
  isJudgement,
  numberedTexts,
  placeOfColumn,
  plainName,
  QontrastError,
  questionNames,
} from '../../shared/index.ts'

/** Which columns hold what, where their names do not say it: names, or in a file without them positions counted from 1. */
export interface PairColumns {
  readonly anchor?: string
  /** Each of several makes a pair of its own. */
  readonly positive?: string | readonly string[]
  readonly negative?: string | readonly string[]
  /** Columns such as `label` that do not matter: all rows are pairs. */
  readonly ignore?: string | readonly string[]
}

/** Where the texts of a pair are among the columns of a row. */
export interface PairPlaces {
  readonly anchor: number
  readonly positives: readonly number[]
  readonly negatives: readonly number[]
  /** The positive is the name of a class. */
  readonly labelled: boolean
}

/** Columns of a row, and which of them are still to be had. */
interface Search {
  readonly names: readonly string[]
  readonly asked: Asked
  readonly free: ReadonlySet<number>
}

type Groups = readonly (readonly string[])[]

const kindsOfText = '(?:text|passage|doc|document|sentence|ctx|context|answer|example)?s?'
const positiveNames = new RegExp(`^(?:positive|pos)${kindsOfText}\\d*$`)
const negativeNames = new RegExp(`^(?:hard)?(?:negative|neg)${kindsOfText}\\d*$`)

/** Names that go together, in the order in which they are looked for; of the names of a role the first group that is there counts. */
const layouts: readonly ((search: Search) => PairPlaces | string | undefined)[] = [
  named([...questionNames, ['text', 'sentence']], positiveNames),
  numbered,
  named(questionNames, [answerNames, ['text', 'sentence', 'content', 'contents']]),
  named([['text', 'sentence']], [['label', 'labeltext', 'labelname']], { labelled: true }),
]

/** What columns may be called, in words. */
export const acceptedColumns =
  'anchor, positive, negative*; query, pos, neg; question, answer; query, passage or document; sentence1, sentence2 (also _A, _B or _0, _1); premise, hypothesis; text, label'

export interface PlaceOptions {
  readonly columns: PairColumns
  /** Columns that rows are chosen by. */
  readonly selected: readonly string[]
  /** What errors name. */
  readonly source: string
}

/**
 * Where the texts of a pair are, by the names of columns; or why that cannot be told. `invalid-input` where a column says how alike the texts are,
 * and neither `selected` columns nor `ignore` say what to make of it.
 */
export function placePairs(names: readonly string[], { columns, selected, source }: PlaceOptions): PairPlaces | string {
  const asked = askedPlaces(names, columns)
  if (typeof asked === 'string') return asked
  const found = byLayout(names, asked)
  if (typeof found === 'string') return found
  const negatives = asked.negative ?? [...found.negatives, ...matching(names, free(names, asked, found), negativeNames)]
  const used = [...free(names, asked, found)].filter((place) => !negatives.includes(place))
  const judgements = used.flatMap((place) => names[place] ?? []).filter(isJudgement)
  if (judgements.length > 0 && !selected.some(isJudgement)) throw judged(source, judgements)
  const absent = selected.find((name) => placeOfColumn(names, name) === undefined)
  if (absent !== undefined) return `it has no column '${absent}' (where), but ${list(names)}.`
  return { ...found, negatives }
}

type Role = keyof PairColumns
type Asked = Readonly<Partial<Record<Role, readonly number[]>>>

function askedPlaces(names: readonly string[], columns: PairColumns): Asked | string {
  const asked: Partial<Record<Role, readonly number[]>> = {}
  for (const role of ['anchor', 'positive', 'negative', 'ignore'] as const) {
    const wanted = [columns[role] ?? []].flat()
    if (wanted.length === 0) continue
    const places = wanted.map((name) => placeOfColumn(names, name))
    const absent = wanted.find((_, i) => places[i] === undefined)
    if (absent !== undefined && role !== 'ignore') return `it has no column '${absent}' (${role}), but ${list(names)}.`
    asked[role] = places.filter((place) => place !== undefined)
  }
  return asked
}

function byLayout(names: readonly string[], asked: Asked): PairPlaces | string {
  const search = { names, asked, free: free(names, asked) }
  for (const layout of layouts) {
    const found = layout(search)
    if (found) return found
  }
  return `it has ${list(names)}. Accepted: ${acceptedColumns}; name others with --columns anchor=…,positive=… (columns).`
}

function named(anchorNames: Groups, positives: Groups | RegExp, { labelled = false } = {}) {
  return ({ names, asked, free }: Search): PairPlaces | string | undefined => {
    const anchorPlaces = asked.anchor ?? matching(names, free, anchorNames)
    const positivePlaces = asked.positive ?? matching(names, without(free, anchorPlaces), positives)
    const [anchor] = anchorPlaces
    if (anchor === undefined || positivePlaces.length === 0) return undefined
    if (anchorPlaces.length > 1) return which('anchor', names, anchorPlaces)
    if (positivePlaces.length > 1 && !asked.positive && !(positives instanceof RegExp))
      return which('positive', names, positivePlaces)
    return { anchor, positives: positivePlaces, negatives: [], labelled: labelled && !asked.positive }
  }
}

/** As sentence-transformers numbers what has no name: anchor, positive, and negatives after them. */
function numbered({ names, asked, free }: Search): PairPlaces | undefined {
  const [anchor, positive, ...negatives] = numberedTexts(names).filter((place) => free.has(place))
  if (anchor === undefined || positive === undefined || asked.anchor || asked.positive) return undefined
  return { anchor, positives: [positive], negatives, labelled: false }
}

function which(role: Role, names: readonly string[], places: readonly number[]): string {
  const shown = places.map((place) => names[place] ?? '').join(' or ')
  return `which is the ${role}, ${shown}? Say --columns ${role}=… (columns).`
}

function judged(source: string, names: readonly string[]): QontrastError {
  const [first = ''] = names
  return new QontrastError(
    'invalid-input',
    `${source}: the column ${names.join(', ')} says how well texts go together, but every pair is trained as one that does: losses for scores and labels are not there yet. Choose the rows that do (where, or --where ${first}=1 if 1 stands for them, --where "${first}>=4" for scores), or say that it does not matter (--columns ignore=${first}).`,
  )
}

function matching(names: readonly string[], places: ReadonlySet<number>, known: Groups | RegExp): readonly number[] {
  const plain = [...places].map((place) => ({ place, name: plainName(names[place] ?? '') }))
  if (known instanceof RegExp) return plain.flatMap(({ place, name }) => (known.test(name) ? [place] : []))
  const group = known.find((group) => plain.some(({ name }) => group.includes(name)))
  return plain.flatMap(({ place, name }) => (group?.includes(name) ? [place] : []))
}

/** Columns that nothing is made of so far. */
function free(names: readonly string[], asked: Asked, found?: PairPlaces): ReadonlySet<number> {
  const taken = [
    ...Object.values(asked).flat(),
    ...(found ? [found.anchor, ...found.positives, ...found.negatives] : []),
  ]
  return without(new Set(names.keys()), taken)
}

function without(places: ReadonlySet<number>, taken: readonly number[]): ReadonlySet<number> {
  return new Set([...places].filter((place) => !taken.includes(place)))
}

function list(names: readonly string[]): string {
  const shown = names.slice(0, 20).map((name) => (name === '' ? "''" : name.slice(0, 60)))
  const more = names.length > shown.length ? ` and ${names.length - shown.length} more` : ''
  return names.length === 0 ? 'no columns' : `the column${names.length === 1 ? '' : 's'} ${shown.join(', ')}${more}`
}
