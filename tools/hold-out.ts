/** Chooses the focuses of MedQuAD that no training may see, and the questions about them that the demo asks. Writes examples/data/medquad-held-out.json. */
import { writeFile } from 'node:fs/promises'
import { readMedQuad } from '../examples/medquad.ts'
import { createRandom, shuffled } from '../src/shared/index.ts'

const seed = 7
const heldOutShare = 0.12
const questionsAsked = 1_000

const random = createRandom(seed)
const pairs = await readMedQuad()
/** The same disease is spelled in several ways over the sources. */
const keyOf = (focus: string) =>
  focus
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, ' ')
    .trim()

const keys = shuffled([...new Set(pairs.map(({ focus }) => keyOf(focus)))].sort(), random)
const held = new Set(keys.slice(0, Math.round(keys.length * heldOutShare)))
const candidates = pairs.filter(({ focus }) => held.has(keyOf(focus)))
const distinct = [...new Map(candidates.map((pair) => [pair.question, pair])).values()]
const queries = shuffled(distinct, random)
  .slice(0, questionsAsked)
  .map(({ id }) => id)
  .sort((a, b) => Number(a) - Number(b))
const focuses = [...new Set(candidates.map(({ focus }) => focus))].sort()

await writeFile(
  new URL('../examples/data/medquad-held-out.json', import.meta.url),
  `${JSON.stringify({ seed, focuses, queries }, null, 1)}\n`,
)
console.log(
  `${focuses.length} focuses held out with ${distinct.length} distinct questions, ${queries.length} of them asked`,
)
