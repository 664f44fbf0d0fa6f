import path from 'node:path'
import { styleText } from 'node:util'
import { shownPath } from '../documents/index.ts'
import { type Hit, markPassage } from '../index/index.ts'
import { wrap } from './wrap.ts'

const widest = 100
const indent = '    '
const passageLines = 4

/** Prints hits for people: what was found where, and the passage with the words of the query marked. */
export function printHits(
  hits: readonly Hit[],
  { query, titled = false }: { readonly query?: string; readonly titled?: boolean } = {},
): void {
  if (titled) console.log(styleText('bold', `» ${query}`))
  if (hits.length === 0) console.log('No document matches.')
  for (const [i, hit] of hits.entries()) {
    console.log(
      `${String(i + 1).padStart(2)}. ${styleText('bold', hit.title ?? hit.id)}  ${styleText('dim', `${hit.score.toFixed(4)}  ${placeOf(hit)}`)}`,
    )
    const width = Math.min(process.stdout.columns || widest, widest) - indent.length
    for (const line of wrap(hit.passage, width, passageLines)) console.log(indent + emphasise(line, query ?? ''))
  }
}

/** Where the passage is: the file or id, then page, line and heading where known. */
function placeOf({ id, payload, page, line, heading }: Hit): string {
  const file = fileOf(payload) ?? id
  return [
    `${file}${line === undefined ? '' : `:${line}`}`,
    ...(page === undefined ? [] : [`page ${page}`]),
    ...(heading ? [heading] : []),
  ].join(' · ')
}

/** The file of a hit as it opens from the current folder. */
function fileOf({ root, path: file }: Hit['payload']): string | undefined {
  if (typeof file !== 'string') return undefined
  return typeof root === 'string' ? shownPath(path.join(root, file)) : file
}

/** Marks the words that the query has too, on a terminal that shows colours. */
function emphasise(line: string, query: string): string {
  let from = 0
  const parts = markPassage(line, query).map(([start, end]) => {
    const part = line.slice(from, start) + styleText(['bold', 'yellow'], line.slice(start, end))
    from = end
    return part
  })
  return parts.join('') + line.slice(from)
}
