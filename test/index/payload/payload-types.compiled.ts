import {
  and,
  type Document,
  type Encoder,
  eq,
  type FilterInput,
  loadEncoder,
  openIndex,
  readDocuments,
  type SearchIndex,
  type SearchOptions,
} from '../../../src/main.ts'
import { type Article, article } from '../../support/article.ts'

/** Compiled, never run: what passes the compiler, and, under `@ts-expect-error`, what must not. */
export async function checkedByTheCompiler(encoder: Encoder, index: SearchIndex<Article>, loose: SearchIndex) {
  await loose.add([{ id: 'a', text: 'a', payload: article }])
  await loose.add(readDocuments('docs'))
  await loose.search('a', { filter: { whatever: { gte: 1 }, $or: [{ a: 1 }, eq(['b', 'c'], true)] } })
  // @ts-expect-error no such option
  await loose.search('a', { limt: 3 })
  await loose.add(new Set([{ id: 'a', text: 'a' }]))
  // @ts-expect-error no such key of a document
  await loose.add([{ id: 'a', text: 'a', titel: 'A' }])
  // @ts-expect-error a payload is an object
  await loose.add([{ id: 'a', text: 'a', payload: 3 }])

  const articles: Document<Article>[] = [{ id: 'a', text: 'a', payload: article }]
  await index.add(articles)
  // @ts-expect-error a year is a number
  await index.add([{ id: 'a', text: 'a', payload: { ...article, year: '2001' } }])
  // @ts-expect-error no such key
  await index.add([{ id: 'a', text: 'a', payload: { ...article, yeer: 2001 } }])
  await index.add(readDocuments('articles.jsonl'))

  const accepted: FilterInput<Article>[] = [
    {},
    { year: 2000 },
    { year: [2000, 2001] },
    { year: { gte: 2000, lt: 2010 } },
    { source: { in: ['CDC'] } },
    { source: { contains: 'C', gte: 'A' } },
    { tags: 'lungs', draft: false },
    { tags: { contains: 'lung' } },
    { published: { gte: new Date(), lt: '2020-01-01' } },
    { published: '2020-01-01' },
    { author: { exists: true } },
    { $and: [{ year: 1 }, { $or: [{ draft: true }, { $not: { tags: { exists: false } } }] }] },
    eq(['author', 'name'], 'Ada'),
    { $not: and(eq('year', 2000), { anything: 1 }) },
  ]
  const refused: FilterInput<Article>[] = [
    // @ts-expect-error no such key
    { yeer: 2000 },
    // @ts-expect-error no such operator
    { year: { gtt: 3 } },
    // @ts-expect-error a year is a number
    { year: '2000' },
    // @ts-expect-error a year is a number, in lists too
    { year: [2000, '2001'] },
    // @ts-expect-error a year is a number, in ranges too
    { year: { gte: '2000' } },
    // @ts-expect-error numbers hold no text
    { year: { contains: '20' } },
    // @ts-expect-error booleans have no order
    { draft: { gte: false } },
    // @ts-expect-error no such source
    { source: 'WHO' },
    // @ts-expect-error elements are strings
    { tags: 3 },
    // @ts-expect-error a nested field is reached by a builder
    { author: { name: 'Ada' } },
    // @ts-expect-error no such key, further in
    { $or: [{ year: 2000 }, { yeer: 2000 }] },
    // @ts-expect-error no such key, under not
    { $not: { yeer: 2000 } },
    // @ts-expect-error $and takes a list
    { $and: { year: 2000 } },
  ]
  // @ts-expect-error no such key
  const options: SearchOptions<Article> = { filter: { yeer: 2000 } }
  // @ts-expect-error no such key
  await index.delete({ filter: { yeer: 2000 } })
  // @ts-expect-error no such key
  await index.count({ yeer: 2000 })
  // @ts-expect-error no such operator
  await index.search('a', { filter: { year: { gtt: 3 } } })

  await openIndex<Article>({ name: 'a', encoder, path: 'a', fields: { published: 'keyword', year: 'number' } })
  // @ts-expect-error no such key
  await openIndex<Article>({ name: 'a', encoder, path: 'a', fields: { yeer: 'number' } })
  // @ts-expect-error a year is a number
  await openIndex<Article>({ name: 'a', encoder, path: 'a', fields: { year: 'keyword' } })
  // @ts-expect-error no such option
  await openIndex({ name: 'a', encoder, path: 'a', fieldz: {} })
  // @ts-expect-error no such option
  await loadEncoder('default', { dtypes: 'q8' })
  // @ts-expect-error no such option
  readDocuments('docs', { idColum: 'id' })
  return { accepted, refused, options }
}
