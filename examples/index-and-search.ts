/** Index documents, search them in each mode, filter, and remove some. */
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { and, gte, loadEncoder, not, openIndex } from 'qontrast'

const documents = [
  {
    id: 'asthma',
    title: 'Asthma',
    text: 'Asthma is treated with inhaled corticosteroids.',
    payload: { source: 'NHLBI', year: 2019 },
  },
  {
    id: 'ticks',
    title: 'Tick bites',
    text: 'Remove a tick with tweezers and watch for a rash.',
    payload: { source: 'CDC', year: 2021 },
  },
  {
    id: 'iron',
    title: 'Hemochromatosis',
    text: 'Too much iron is removed by drawing blood.',
    payload: { source: 'NHLBI', year: 2008 },
  },
]

const encoder = await loadEncoder()
const index = await openIndex({
  name: 'answers',
  encoder,
  path: await mkdtemp(path.join(tmpdir(), 'qontrast-example-')),
  fields: { source: 'keyword', year: 'number' },
})
console.log(await index.add(documents))
console.log(await index.add(documents)) // nothing changed, nothing is embedded

for (const mode of ['dense', 'bm25', 'hybrid'] as const) {
  const [hit] = await index.search('my child was bitten by a tick', { mode })
  console.log(mode, '→', hit?.title, hit?.score.toFixed(3))
}

const recent = await index.search('treatment', { filter: { source: 'NHLBI', year: { gte: 2010 } } })
const others = await index.search('treatment', { filter: and(gte('year', 2010), not({ source: 'NHLBI' })) })
console.log(
  recent.map(({ id }) => id),
  others.map(({ id }) => id),
)

console.log(await index.delete({ filter: { source: 'CDC' } }), 'removed,', await index.count(), 'left')

await index.close()
await encoder.close()
