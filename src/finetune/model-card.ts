import type { RunSettings } from './options.ts'
import type { EvaluateEnd } from './train/events.ts'

export interface CardFacts {
  readonly base: string
  readonly pairs: number
  readonly settings: RunSettings
  readonly loss: string
  readonly optimizer: string
  readonly evaluations: readonly EvaluateEnd[]
}

/** README.md of a trained model: where it comes from, how it was trained, what was measured. */
export function modelCard({ base, pairs, settings, loss, optimizer, evaluations }: CardFacts): string {
  const rows = Object.entries({ pairs, loss, optimizer, ...settings }).map(
    ([name, value]) => `| ${name} | ${value ?? 'as the model'} |`,
  )
  const metrics = [...new Set(evaluations.flatMap((one) => Object.keys(one.metrics)))]
  const best = evaluations.findLast((one) => one.best)
  const figures = evaluations.map((one) => {
    const values = metrics.map((metric) => one.metrics[metric]?.toFixed(4) ?? '')
    const label = one.step === 0 ? 'before' : `step ${one.step}${one === best ? ' (exported)' : ''}`
    return `| ${label} | ${values.join(' | ')} |`
  })
  const measured =
    figures.length === 0
      ? 'It was not measured while it was trained.'
      : `| | ${metrics.join(' | ')} |\n|---|${metrics.map(() => '---|').join('')}\n${figures.join('\n')}`
  return `---
library_name: sentence-transformers
pipeline_tag: sentence-similarity
tags:
- sentence-transformers
- transformers.js
- qontrast
- onnx
---

# ${base.split(/[/\\]/).at(-1)}, fine-tuned

A sentence encoder trained with qontrast from \`${base.split(/[/\\]/).at(-1)}\`. Open it with \`loadEncoder('./this-folder')\`, with transformers.js, or with
\`SentenceTransformer('./this-folder', backend='onnx')\`.

## Training

| | |
|---|---|
${rows.join('\n')}

## Figures

${measured}
`
}
